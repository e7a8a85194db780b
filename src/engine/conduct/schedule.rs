//! Longest remaining path first: what most others wait for is begun first.

use std::cmp::Ordering;
use std::time::Duration;

use crate::kind::Kinds;
use crate::plan::{Act, Step, StepId};

/// A step that waits for nobody any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Ready {
    pub length: Duration,
    pub step: StepId,
}

impl Ord for Ready {
    fn cmp(&self, other: &Self) -> Ordering {
        // The plan's own order among equals.
        self.length
            .cmp(&other.length)
            .then_with(|| other.step.cmp(&self.step))
    }
}

impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a step usually takes.
pub fn typical(step: &Step, kinds: &Kinds) -> Duration {
    let typical = kinds
        .get(&step.kind)
        .map_or(Duration::from_secs(1), |kind| kind.patience().typical);
    match step.act {
        Act::Create { .. } | Act::Delete { .. } => typical,
        Act::Update { .. } => typical / 2,
        Act::Forget { .. } => Duration::from_secs(1),
    }
}

/// By step: how long it and the longest chain behind it usually take.
pub fn path_lengths(steps: &[Step], followers: &[Vec<StepId>], kinds: &Kinds) -> Vec<Duration> {
    let mut lengths = vec![Duration::ZERO; steps.len()];
    // Steps stand in an order that can be carried out, so followers come later.
    for step in steps.iter().rev() {
        let behind = followers[step.id.0]
            .iter()
            .map(|follower| lengths[follower.0])
            .max()
            .unwrap_or_default();
        lengths[step.id.0] = typical(step, kinds) + behind;
    }
    lengths
}
