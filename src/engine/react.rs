//! What an error means for a step: wait and look again, or give up. The one place where mutating calls are judged for repetition.

use std::time::Duration;

use tokio::time::Instant;

use crate::kind::{Class, CloudError, Patience};

/// How long a call may be throttled before a run gives up.
const SLOWED: Duration = Duration::from_secs(300);
/// How long an endpoint may be away before a run gives up.
const AWAY: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Passes by itself: wait, look, go on. The reason is shown.
    Again(String),
    /// Nobody knows whether it was carried out: look until the settle window has passed, then go on.
    Unknown,
    GiveUp,
}

/// Judges `error` of a step that began at `since`. `absence`: how long "no such id" may only mean
/// that AWS has not caught up with itself.
pub fn react(
    error: &CloudError,
    patience: &Patience,
    budget: Duration,
    since: Instant,
    absence: Duration,
) -> Reaction {
    let waited = since.elapsed();
    let within = |limit: Duration| waited < limit;
    let known_to_pass = patience
        .not_yet
        .iter()
        .any(|(code, text)| error.code == *code && error.message.contains(text));
    match error.class {
        Class::Unknown => Reaction::Unknown,
        _ if known_to_pass && within(budget.min(patience.lag)) => Reaction::Again(short(error)),
        Class::Throttled if within(SLOWED) => Reaction::Again("AWS slows us down".into()),
        Class::NotYet | Class::InUse if within(budget) => Reaction::Again(short(error)),
        Class::NotFound if within(absence) => Reaction::Again(short(error)),
        Class::Unreachable if within(AWAY) => Reaction::Again("AWS cannot be reached".into()),
        _ => Reaction::GiveUp,
    }
}

fn short(error: &CloudError) -> String {
    if error.message.is_empty() {
        error.code.clone()
    } else {
        error.message.clone()
    }
}

/// The gap before another attempt: short at first, growing with the time waited, never over `longest`.
pub fn gap(since: Instant, patience: &Patience, longest: Duration) -> Duration {
    let longest = longest.min(patience.poll.1);
    (since.elapsed() / 4).clamp(SHORTEST.min(longest), longest)
}

/// The gap before the next look at something that is on its way. What becomes ready between two looks is seen late by up to one gap, and
/// everything behind it with it: a thirtieth of the time waited costs an apply under 4 % of its critical path, for some 100 looks at the
/// slowest kinds.
pub fn watch_gap(since: Instant, patience: &Patience, longest: Duration) -> Duration {
    let longest = longest.min(patience.poll.1);
    let waited = since.elapsed();
    (waited / 30)
        .max((waited / 4).min(patience.poll.0))
        .clamp(SHORTEST.min(longest), longest)
}

const SHORTEST: Duration = Duration::from_millis(150);
