//! What a pipeline needs in an account: the provider of its tokens, a role that plans, a role that
//! ships, and their policies. They belong to no stack: no destroy deletes them, and they stand
//! outside of the path that a stack's policies may write.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::bootstrap::{changes, passes};
use super::{Session, SessionError};
use crate::aws::iam::identity_provider;
use crate::kind::{AnyKind, Class, Observed, Settle};
use crate::model::{Attributes, KindName, Value};
use crate::policy::trust::{Jobs, PIPELINE_PATH, Repository};
use crate::policy::{self, Need, StackNames, Topic, access};

const ROLE: KindName = KindName::new("iam.role");
const POLICY: KindName = KindName::new("iam.policy");
/// IAM shows a new role or policy everywhere within seconds, at times within a minute or two.
const PATIENCE: Duration = Duration::from_secs(150);
const ROUNDS: u32 = 20;

/// One thing to create or to change, in the order of their making.
#[derive(Clone, Debug)]
enum Part {
    Provider {
        arn: String,
        issuer: &'static str,
        audience: &'static str,
        exists: bool,
    },
    Resource {
        kind: KindName,
        name: String,
        desired: Attributes,
        /// Fields that differ; `None`: it does not exist.
        differs: Option<Vec<String>>,
    },
}

/// What `bootstrap` would do.
#[derive(Clone, Debug, Default)]
pub struct PipelinePlan {
    parts: Vec<Part>,
    /// What the state's bucket and table lack, in words.
    pub state: Vec<String>,
    /// ARN of the role that plans.
    pub plan_role: String,
    /// ARN of the role that applies and ships.
    pub ship_role: String,
    /// Whether the stack keeps its state on the machine that runs it.
    pub state_is_local: bool,
}

impl PipelinePlan {
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.state.is_empty()
    }

    /// One line for each step.
    pub fn lines(&self) -> Vec<String> {
        let parts = self.parts.iter().map(Part::line);
        self.state.iter().cloned().chain(parts).collect()
    }
}

impl Part {
    fn line(&self) -> String {
        match self {
            Self::Provider {
                issuer,
                exists: false,
                ..
            } => format!("+ create the identity provider {issuer}"),
            Self::Provider {
                issuer, audience, ..
            } => format!("~ let the identity provider {issuer} accept the audience {audience}"),
            Self::Resource {
                kind,
                name,
                differs,
                ..
            } => {
                let noun = if *kind == ROLE { "role" } else { "policy" };
                match differs {
                    None => format!("+ create the {noun} {name}"),
                    Some(fields) => format!("~ update the {noun} {name}: {}", fields.join(", ")),
                }
            }
        }
    }
}

impl Session {
    /// Looks at the account and says what a pipeline of this repository lacks. Changes nothing.
    pub async fn plan_pipeline(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<PipelinePlan, SessionError> {
        let aws = &self.aws;
        let mut plan = PipelinePlan {
            state: self.plan_bootstrap().await?,
            plan_role: self.pipeline_arn("role", "plan"),
            ship_role: self.pipeline_arn("role", "ship"),
            state_is_local: !self.stack.keeps_state_in_s3(),
            ..PipelinePlan::default()
        };
        let arn = repository.provider_arn(&aws.partition, &aws.account);
        let audiences = identity_provider::audiences(aws, &arn).await?;
        let accepts = audiences
            .as_ref()
            .is_some_and(|all| all.contains(repository.audience()));
        if !accepts {
            plan.parts.push(Part::Provider {
                arn,
                issuer: repository.issuer(),
                audience: repository.audience(),
                exists: audiences.is_some(),
            });
        }
        for (kind, name, desired) in self.pipeline_resources(repository, branch)? {
            let live = self.pipeline_live(&kind, &name, &desired).await?;
            let differs = live
                .as_ref()
                .map(|live| self.differing(&kind, &desired, live));
            if differs.as_ref().is_none_or(|fields| !fields.is_empty()) {
                plan.parts.push(Part::Resource {
                    kind,
                    name,
                    desired,
                    differs,
                });
            }
        }
        Ok(plan)
    }

    /// Carries the plan out. Each step looks first, so that a run that was cut off can be repeated.
    pub async fn apply_pipeline(
        &self,
        plan: &PipelinePlan,
        done: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), SessionError> {
        if !plan.state.is_empty() {
            for line in self.bootstrap().await?.done {
                done(&format!("+ {line}"));
            }
        }
        for part in &plan.parts {
            match part {
                Part::Provider {
                    issuer,
                    audience,
                    exists: false,
                    ..
                } => identity_provider::create(&self.aws, issuer, audience).await?,
                Part::Provider { arn, audience, .. } => {
                    identity_provider::add_audience(&self.aws, arn, audience).await?;
                }
                Part::Resource {
                    kind,
                    name,
                    desired,
                    ..
                } => self.settle_pipeline(kind, name, desired).await?,
            }
            done(&part.line());
        }
        Ok(())
    }

    fn pipeline_arn(&self, of: &str, name: &str) -> String {
        let (aws, prefix) = (&self.aws, &self.stack.prefix);
        format!(
            "arn:{}:iam::{}:{of}{PIPELINE_PATH}{prefix}-{name}",
            aws.partition, aws.account
        )
    }

    /// Policies first, then the roles that they are attached to.
    fn pipeline_resources(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<Vec<(KindName, String, Attributes)>, SessionError> {
        let aws = &self.aws;
        let names = StackNames::of(&self.stack, Some(&aws.account), Some(&aws.region));
        let needs: BTreeSet<Need> = access::everything();
        let documents = policy::documents(&names, &self.kinds, &needs);
        let mut all = Vec::new();
        let (mut reads, mut ships) = (Vec::new(), Vec::new());
        for document in documents {
            if matches!(document.topic, Topic::Import | Topic::Bootstrap) {
                continue;
            }
            let suffix = document.name.strip_prefix(&self.stack.prefix);
            let suffix = suffix.unwrap_or(&document.name).trim_start_matches('-');
            let arn = self.pipeline_arn("policy", suffix);
            if document.topic == Topic::Read {
                reads.push(Value::text(&arn));
            }
            ships.push(Value::text(&arn));
            let desired = Attributes::new([
                ("name", Value::text(&document.name)),
                ("path", Value::text(PIPELINE_PATH)),
                ("policy", to_value(document.json)?),
            ]);
            all.push((POLICY, document.name, desired));
        }
        let roles = [
            ("plan", Jobs::Review(branch.to_owned()), reads),
            ("ship", Jobs::Ship(branch.to_owned()), ships),
        ];
        for (role, jobs, policies) in roles {
            let name = format!("{}-{role}", self.stack.prefix);
            let trust = repository.trust(&jobs, &aws.partition, &aws.account);
            let desired = Attributes::new([
                ("name", Value::text(&name)),
                ("path", Value::text(PIPELINE_PATH)),
                ("assume_role_policy", to_value(trust)?),
                ("managed_policies", Value::List(policies)),
                ("max_session_duration", Value::Int(3600)),
                ("inline_policies", Value::Map([].into())),
            ]);
            all.push((ROLE, name, desired));
        }
        Ok(all)
    }

    fn pipeline_kind(&self, name: &KindName) -> Result<Arc<dyn AnyKind>, SessionError> {
        let kind = self.kinds.get(name).cloned();
        kind.ok_or_else(|| SessionError::NotFound(format!("no such kind: {name}")))
    }

    async fn pipeline_live(
        &self,
        kind: &KindName,
        name: &str,
        desired: &Attributes,
    ) -> Result<Option<Observed>, SessionError> {
        // A policy's id is its ARN, which follows from name and path.
        let id = (*kind == ROLE).then_some(name);
        let live = self.live(&self.pipeline_kind(kind)?, id, desired).await?;
        match &live {
            Some(found) if found.attributes.text("path") != Some(PIPELINE_PATH) => {
                Err(SessionError::Guard(format!(
                    "the account has a role {name} that is not a pipeline's: its path is {}, not {PIPELINE_PATH}. Rename or delete it first",
                    found.attributes.text("path").unwrap_or("/")
                )))
            }
            _ => Ok(live),
        }
    }

    fn differing(&self, kind: &KindName, desired: &Attributes, live: &Observed) -> Vec<String> {
        let kind = self.kinds.get(kind);
        let changes = kind.map(|kind| changes(kind, desired, live));
        changes
            .into_iter()
            .flatten()
            .map(|change| change.field)
            .collect()
    }

    /// Creates or updates until nothing differs.
    async fn settle_pipeline(
        &self,
        kind: &KindName,
        name: &str,
        desired: &Attributes,
    ) -> Result<(), SessionError> {
        let any = self.pipeline_kind(kind)?;
        let since = tokio::time::Instant::now();
        let mut cx = self.context(name, kind.clone());
        let mut created = false;
        for round in 0..ROUNDS {
            cx.round = round;
            let step = match self.pipeline_live(kind, name, desired).await? {
                None => {
                    let made = any.create(&cx, desired).await.map(drop);
                    created |= made.is_ok();
                    made
                }
                Some(live) => {
                    let changes = changes(&any, desired, &live);
                    if changes.is_empty() {
                        return Ok(());
                    }
                    let step = any.update(&cx, &live, desired, changes).await;
                    step.map(|step: Settle| drop(step))
                }
            };
            match step {
                Ok(()) => {}
                Err(error)
                    if (passes(&error)
                        || error.is(Class::NotFound)
                        || created && error.is(Class::Exists))
                        && since.elapsed() < PATIENCE =>
                {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(SessionError::Guard(format!(
            "the settings of {name} do not persist; is another tool managing it?"
        )))
    }
}

fn to_value(json: Json) -> Result<Value, SessionError> {
    serde_json::from_value(json)
        .map_err(|error| crate::kind::CloudError::malformed(&POLICY, error).into())
}
