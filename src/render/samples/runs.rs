//! Runs: everything that can happen on the way, in events.

use std::time::Duration;

use crate::event::{Event, Outcome, StepVerb};
use crate::model::{KindName, PhysicalId};
use crate::plan::{StepId, Totals};

use super::every_act;

/// One after another: recovery, waiting, a note, a failure with help, a skip, two Ctrl-C, the end.
pub fn a_run() -> Vec<Event> {
    let seconds = Duration::from_secs;
    let started = |step, address: &str, kind, verb, typical| Event::StepStarted {
        step: StepId(step),
        address: address.into(),
        kind: KindName::new(kind),
        verb,
        typical: seconds(typical),
    };
    let waiting = |step, address: &str, why: &str| Event::StepWaiting {
        step: StepId(step),
        address: address.into(),
        why: why.into(),
    };
    vec![
        Event::RunStarted {
            run: "01J".into(),
            steps: 5,
            totals: every_act().totals(),
            estimate: seconds(400),
        },
        Event::Recovered {
            address: "network/vpc".into(),
            text: "vpc-1 had been made; adopted".into(),
        },
        started(0, "network/vpc", "ec2.vpc", StepVerb::Create, 2),
        started(1, "db", "rds.instance", StepVerb::Update, 300),
        Event::StepLearned {
            step: StepId(0),
            address: "network/vpc".into(),
            id: PhysicalId::new("vpc-1"),
        },
        waiting(1, "db", "AWS is backing it up"),
        waiting(1, "db", "AWS is backing it up"),
        done(0, "network/vpc", StepVerb::Create, 2, false),
        started(2, "old", "ec2.eip", StepVerb::Delete, 1),
        done(2, "old", StepVerb::Delete, 1, true),
        Event::StepNote {
            address: "service".into(),
            text: "tasks start with the first image".into(),
        },
        Event::Stopping {
            level: 1,
            running: vec!["db".into()],
        },
        Event::StepFailed {
            step: StepId(1),
            address: "db".into(),
            error: "rds:ModifyDBInstance: AccessDenied: not authorized".into(),
            help: Some(
                "the caller lacks rds:ModifyDBInstance\nadd it to the caller's policy".into(),
            ),
        },
        Event::StepSkipped {
            step: StepId(3),
            address: "config".into(),
            because: "db".into(),
        },
        Event::StepSkipped {
            step: StepId(4),
            address: "service".into(),
            because: "db".into(),
        },
        Event::Stopping {
            level: 2,
            running: vec![],
        },
        Event::RunFinished {
            outcome: Outcome::Failed,
            took: seconds(95),
            calls: 12,
        },
    ]
}

fn done(step: usize, address: &str, verb: StepVerb, took: u64, nothing: bool) -> Event {
    Event::StepDone {
        step: StepId(step),
        address: address.into(),
        verb,
        took: Duration::from_secs(took),
        nothing,
    }
}

/// A run in which all went well.
pub fn a_good_run() -> Vec<Event> {
    vec![
        Event::RunStarted {
            run: "01J".into(),
            steps: 1,
            totals: Totals {
                create: 1,
                update: 2,
                replace: 1,
                delete: 0,
                forget: 1,
            },
            estimate: Duration::from_secs(200),
        },
        done(0, "a", StepVerb::Create, 1, false),
        Event::RunFinished {
            outcome: Outcome::Done,
            took: Duration::from_secs(200),
            calls: 183,
        },
    ]
}
