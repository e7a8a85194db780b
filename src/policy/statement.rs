//! One statement of a policy, and what a document is about.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

/// Which document a statement belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    Read,
    Network,
    Services,
    Data,
    Roles,
    State,
    Import,
    Bootstrap,
    Pipeline,
}

impl Topic {
    /// The last part of a document's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Network => "network",
            Self::Services => "services",
            Self::Data => "data",
            Self::Roles => "roles",
            Self::State => "state",
            Self::Import => "import",
            Self::Bootstrap => "bootstrap",
            Self::Pipeline => "pipeline",
        }
    }

    /// What its rights are for.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Read => {
                "read settings, logs and the stored state: plan, drift, status, logs, outputs; no secret values"
            }
            Self::Network => "create, update and delete network resources and load balancers",
            Self::Services => {
                "create, update and delete clusters, services, repositories and log groups; ship images"
            }
            Self::Data => {
                "create, update and delete databases, buckets and secrets; read and set secret values"
            }
            Self::Roles => {
                "create, update and delete the roles of tasks, pass them to ECS; create service-linked roles"
            }
            Self::State => "write the stored state and hold its lease",
            Self::Import => {
                "tag resources that belong to no stack, for `state import` and after lost tags; detach it when not in use"
            }
            Self::Bootstrap => "create the state's bucket and lock table: `state bootstrap`",
            Self::Pipeline => {
                "create the identity provider, roles and policies of a pipeline: `bootstrap`; for an administrator, since its holder can grant itself any right"
            }
        }
    }
}

/// `Allow`, or `Deny`, which no other statement overrides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    #[default]
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub topic: Topic,
    /// Letters and digits only, unique in all documents.
    pub sid: &'static str,
    pub effect: Effect,
    pub actions: BTreeSet<String>,
    pub resources: Vec<String>,
    /// `{operator: {key: value}}`; `None`: always.
    pub condition: Option<Json>,
}

impl Statement {
    pub fn allow(topic: Topic, sid: &'static str, actions: BTreeSet<String>) -> Self {
        Self {
            topic,
            sid,
            effect: Effect::Allow,
            actions,
            resources: vec!["*".to_owned()],
            condition: None,
        }
    }

    pub fn on(mut self, resources: impl IntoIterator<Item = String>) -> Self {
        self.resources = resources.into_iter().collect();
        self.resources.sort();
        self.resources.dedup();
        self
    }

    pub fn when(mut self, condition: Json) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Without actions or resources it grants nothing, and IAM refuses it.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty() || self.resources.is_empty()
    }

    pub fn json(&self) -> Json {
        let effect = match self.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        let mut json = json!({
            "Sid": self.sid,
            "Effect": effect,
            "Action": one_or_all(self.actions.iter()),
            "Resource": one_or_all(self.resources.iter()),
        });
        if let Some(condition) = &self.condition {
            json["Condition"] = condition.clone();
        }
        json
    }
}

/// One text stands alone: every character counts.
fn one_or_all<'a>(texts: impl ExactSizeIterator<Item = &'a String>) -> Json {
    let mut all: Vec<Json> = texts.map(|text| Json::from(text.as_str())).collect();
    match all.len() {
        1 => all.remove(0),
        _ => Json::Array(all),
    }
}
