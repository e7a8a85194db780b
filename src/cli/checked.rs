//! What the commands that ask nobody need of a stack.

use std::collections::BTreeSet;

use crate::aws::{LockTable, Lookup, StateBucket};
use crate::deploy::PERMISSIONS;
use crate::kind::{Kinds, Verb};
use crate::model::KindName;
use crate::render::graph::Picture;

/// A stack that was read and checked offline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub stack: String,
    pub environment: String,
    /// Rendered; empty for nearly all.
    pub warnings: String,
    pub picture: Picture,
    /// What is looked up, by type.
    pub existing: BTreeSet<String>,
    /// Where the state is kept; `None`: on this machine.
    pub state: Option<StateInCloud>,
}

/// What keeps the state, as far as it takes permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateInCloud {
    pub kms: bool,
    pub table: bool,
}

impl Checked {
    /// The kinds it uses.
    pub fn kinds(&self) -> BTreeSet<&KindName> {
        self.picture.nodes.iter().map(|(_, kind)| kind).collect()
    }

    /// The IAM actions that its kinds call: all of them, or those of a plan alone.
    pub fn actions(&self, kinds: &Kinds, read_only: bool) -> BTreeSet<String> {
        let changing = [Verb::Create, Verb::Update, Verb::Delete];
        let changes = self
            .kinds()
            .into_iter()
            .filter(|_| !read_only)
            .filter_map(|name| kinds.get(name))
            .flat_map(|kind| changing.iter().flat_map(|verb| kind.permissions(*verb)));
        // Whatever carries this stack's tags is sought among all kinds: one that the file no longer names may still be there.
        kinds
            .iter()
            .flat_map(|kind| kind.permissions(Verb::Read))
            .chain(changes)
            .map(|action| (*action).to_owned())
            // A subnet's zone is an index in the file: every plan asks which zones there are.
            .chain(["ec2:DescribeAvailabilityZones".to_owned()])
            .chain(
                self.existing
                    .iter()
                    .flat_map(|kind| Lookup::permissions(kind))
                    .map(|action| (*action).to_owned()),
            )
            .chain(self.shipping(read_only).map(|action| (*action).to_owned()))
            .chain(self.state_actions(read_only))
            .collect()
    }

    /// What `deploy` and its sisters call, where there is something to ship to.
    fn shipping(&self, read_only: bool) -> impl Iterator<Item = &'static &'static str> {
        let kinds = self.kinds();
        let has = |name: &str| kinds.iter().any(|kind| kind.as_str() == name);
        let ships = !read_only && has("ecs.service") && has("ecr.repository");
        PERMISSIONS.iter().filter(move |_| ships)
    }

    /// What reading the state takes, and writing it.
    fn state_actions(&self, read_only: bool) -> Vec<String> {
        let Some(state) = self.state else {
            return Vec::new();
        };
        let mut actions: Vec<&str> = StateBucket::READ.to_vec();
        if !read_only {
            actions.extend(StateBucket::WRITE);
        }
        if state.kms {
            actions.push("kms:Decrypt");
        }
        if state.kms && !read_only {
            actions.push("kms:GenerateDataKey");
        }
        if state.table && !read_only {
            actions.extend(LockTable::USE);
        }
        actions.into_iter().map(str::to_owned).collect()
    }
}
