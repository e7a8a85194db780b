//! What the commands that ask nobody need of a stack.

use std::collections::BTreeSet;

use crate::aws::Lookup;
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
}

impl Checked {
    /// The kinds it uses.
    pub fn kinds(&self) -> BTreeSet<&KindName> {
        self.picture.nodes.iter().map(|(_, kind)| kind).collect()
    }

    /// The IAM actions that its kinds call: all of them, or those of a plan alone.
    pub fn actions(&self, kinds: &Kinds, read_only: bool) -> BTreeSet<String> {
        let verbs: &[Verb] = if read_only {
            &[Verb::Read]
        } else {
            &[Verb::Read, Verb::Create, Verb::Update, Verb::Delete]
        };
        self.kinds()
            .into_iter()
            .filter_map(|name| kinds.get(name))
            .flat_map(|kind| verbs.iter().flat_map(|verb| kind.permissions(*verb)))
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
            .collect()
    }

    /// What `deploy` and its sisters call, where there is something to ship to.
    fn shipping(&self, read_only: bool) -> impl Iterator<Item = &'static &'static str> {
        let kinds = self.kinds();
        let has = |name: &str| kinds.iter().any(|kind| kind.as_str() == name);
        let ships = !read_only && has("ecs.service") && has("ecr.repository");
        PERMISSIONS.iter().filter(move |_| ships)
    }
}
