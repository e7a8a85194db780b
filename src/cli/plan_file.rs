//! Plan files: what `plan --out` writes and `apply FILE` reads. A plan is carried out only in the world it was made for, and only while
//! planning again still comes to the same steps.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ask::Given;
use super::failure::{Failure, FailureKind};
use crate::model::Address;
use crate::plan::{Ask, Header, Plan};

/// Counts up when older files can no longer be read.
const FORMAT: u32 = 1;

/// A plan and the question it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFile {
    format: u32,
    /// The program's version that made it.
    made_by: String,
    pub ask: Ask,
    /// The variables it was made with, so that carrying it out needs no more than the file.
    #[serde(default)]
    pub given: Given,
    pub plan: Plan,
}

#[derive(Deserialize)]
struct Envelope {
    format: u32,
    made_by: String,
}

impl PlanFile {
    pub fn new(ask: Ask, given: Given, plan: Plan) -> Self {
        Self {
            format: FORMAT,
            made_by: env!("CARGO_PKG_VERSION").to_owned(),
            ask,
            given,
            plan,
        }
    }

    /// Writes it whole or not at all, readable by its owner alone. It holds no secret, but it tells of an account's inside.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_vec(self)
            .map_err(|error| Failure::new(FailureKind::Bug, error.to_string()))?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let folder = folder.unwrap_or(Path::new("."));
        let temporary = folder.join(format!(".{name}.{}", std::process::id()));
        let written = write_synced(&temporary, &text).and_then(|()| fs::rename(&temporary, path));
        written.map_err(|error| {
            // Best effort: the file may never have come to be.
            let _ = fs::remove_file(&temporary);
            Failure::file("write the plan to", path, error)
        })
    }

    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read(path).map_err(|error| Failure::file("read the plan", path, error))?;
        let foreign = |error: serde_json::Error| {
            Failure::new(
                FailureKind::Usage,
                format!("{} is not a plan file: {error}", path.display()),
            )
            .hint("plan files are made by `circles-infra plan --out FILE`")
        };
        let envelope: Envelope = serde_json::from_slice(&text).map_err(foreign)?;
        if envelope.format != FORMAT {
            return Err(Failure::new(
                FailureKind::StalePlan,
                format!(
                    "{} was made by version {} of circles-infra, whose plans this one cannot read",
                    path.display(),
                    envelope.made_by
                ),
            )
            .hint("plan again with this version"));
        }
        serde_json::from_slice(&text).map_err(foreign)
    }

    /// Whether the plan is for the world that `now` describes.
    pub fn check_world(&self, now: &Header) -> Result<(), Failure> {
        let made = &self.plan.header;
        for (what, was, is) in [
            ("stack", &made.stack, &now.stack),
            ("environment", &made.environment, &now.environment),
            ("account", &made.account, &now.account),
            ("region", &made.region, &now.region),
        ] {
            if was != is {
                return Err(stale(format!(
                    "the plan was made for {what} {was}, and this is {is}"
                )));
            }
        }
        if made.endpoint != now.endpoint {
            return Err(stale("the plan was made at another AWS endpoint"));
        }
        if made.digest != now.digest {
            return Err(stale(
                "the stack file or its variables have changed since the plan was made",
            ));
        }
        Ok(())
    }

    /// Whether planning again, which came to `fresh`, still says of everything the plan touches what the plan says. Changes elsewhere do
    /// not matter.
    pub fn check_steps(&self, fresh: &Plan) -> Result<(), Failure> {
        let changed: Vec<Address> = self
            .plan
            .steps
            .iter()
            .filter(|step| !fresh.steps.iter().any(|other| step.same_change(other)))
            .map(|step| step.address.clone())
            .collect();
        match changed.as_slice() {
            [] => Ok(()),
            [first, rest @ ..] => {
                let more = match rest.len() {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                Err(stale(format!(
                    "since the plan was made, something has changed about {first}{more}"
                )))
            }
        }
    }

    /// The plan with the refusals that planning again, with all that is permitted by now, still has about what it touches.
    pub fn judged_by(self, fresh: &Plan) -> Plan {
        let mut plan = self.plan;
        plan.refusals = fresh
            .refusals
            .iter()
            .filter(|refusal| {
                plan.steps
                    .iter()
                    .any(|step| step.address == *refusal.address())
            })
            .cloned()
            .collect();
        plan
    }
}

fn stale(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::StalePlan, message).hint("plan again, and look at what is new")
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::cli::failure::Exit;
    use crate::plan::{Act, Step, StepId};
    use crate::render::samples;

    fn file() -> PlanFile {
        PlanFile::new(Ask::default(), Given::default(), samples::every_act())
    }

    #[test]
    fn it_is_read_as_it_was_written_and_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        file().write(&path).unwrap();
        assert_eq!(PlanFile::read(&path).unwrap(), file());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_plan_file_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "PK\u{3}\u{4}").unwrap();
        assert_eq!(PlanFile::read(&path).unwrap_err().kind, FailureKind::Usage);
        fs::write(&path, r#"{"format":2,"made_by":"9.0.0"}"#).unwrap();
        let newer = PlanFile::read(&path).unwrap_err();
        assert_eq!(newer.kind, FailureKind::StalePlan);
        assert!(newer.message.contains("9.0.0"));
        let missing = PlanFile::read(&folder.path().join("none")).unwrap_err();
        assert_eq!(missing.kind, FailureKind::Local);
    }

    #[test]
    fn another_world_is_refused_with_a_code_of_its_own() {
        type Edit = fn(&mut Header);
        let edits: [(Edit, &str); 6] = [
            (|h| h.account = "1".into(), "account"),
            (|h| h.region = "eu-west-1".into(), "region"),
            (|h| h.environment = "prod".into(), "environment"),
            (|h| h.stack = "other".into(), "stack"),
            (|h| h.endpoint = None, "endpoint"),
            (|h| h.digest = "d2".into(), "stack file"),
        ];
        for (edit, word) in edits {
            let mut now = samples::header();
            edit(&mut now);
            let failure = file().check_world(&now).unwrap_err();
            assert_eq!(failure.kind.exit(), Exit::STALE_PLAN);
            assert!(failure.message.contains(word), "{}", failure.message);
        }
        assert!(file().check_world(&samples::header()).is_ok());
    }

    #[test]
    fn only_changes_of_what_it_touches_make_it_stale() {
        let mut fresh = samples::every_act();
        let mut more = samples::large(1).steps;
        more[0].id = StepId(99);
        fresh.steps.rotate_left(3);
        fresh.steps.append(&mut more);
        assert!(file().check_steps(&fresh).is_ok());
        let edited = fresh
            .steps
            .iter_mut()
            .find(|step| step.address.as_str() == "alb/balancer");
        if let Some(Step {
            act: Act::Update { changes, .. },
            ..
        }) = edited
        {
            changes[0].from = 61.into();
        }
        let failure = file().check_steps(&fresh).unwrap_err();
        assert_eq!(
            failure.message,
            "since the plan was made, something has changed about alb/balancer"
        );
        assert_eq!(failure.kind.exit(), Exit::STALE_PLAN);
    }

    #[test]
    fn what_planning_again_refuses_counts() {
        let mut fresh = samples::every_act();
        fresh.refusals = vec![crate::plan::Refusal::LosesData {
            address: "db".into(),
            replace: true,
        }];
        assert_eq!(file().judged_by(&fresh).refusals, fresh.refusals);
        fresh.refusals[0] = crate::plan::Refusal::Protected {
            address: "elsewhere".into(),
            replace: false,
            outside: false,
        };
        assert!(file().judged_by(&fresh).refusals.is_empty());
    }
}
