use super::*;

const OLD: &str = "arn:aws:ecs:r:1:task-definition/app:1";
const NEW: &str = "arn:aws:ecs:r:1:task-definition/app:2";

fn one(status: &str, definition: &str, state: &str, running: i32) -> Deployment {
    Deployment {
        id: "ecs-svc/1".into(),
        status: status.into(),
        task_definition: definition.into(),
        rollout_state: state.into(),
        reason: String::new(),
        made_at: 100,
        desired: 2,
        running,
        pending: 0,
        failed: 0,
    }
}

fn at(definition: &str, running: i32, deployments: Vec<Deployment>) -> View {
    View {
        status: "ACTIVE".into(),
        definition: definition.into(),
        desired: 2,
        running,
        deployments,
        targets: Some(Targets {
            healthy: 2,
            ..Targets::default()
        }),
        breaker: true,
        takes_back: true,
        ..View::default()
    }
}

#[test]
fn steady_needs_the_revision_its_tasks_and_their_health() {
    let done = at(NEW, 2, vec![one("PRIMARY", NEW, "COMPLETED", 2)]);
    assert_eq!(done.judge(NEW, 90), Verdict::Steady);
    let ill = View {
        targets: Some(Targets {
            healthy: 1,
            unhealthy: 1,
            ..Targets::default()
        }),
        ..done.clone()
    };
    assert_eq!(ill.judge(NEW, 90), Verdict::Going);
    let worker = View {
        targets: None,
        ..done.clone()
    };
    assert_eq!(worker.judge(NEW, 90), Verdict::Steady);
    // Steady on the old one is not steady.
    let old = at(OLD, 2, vec![one("PRIMARY", OLD, "COMPLETED", 2)]);
    assert_eq!(old.judge(NEW, 110), Verdict::Superseded(OLD.into()));
}

#[test]
fn a_roll_out_that_ecs_took_back_is_told_from_one_that_only_failed() {
    let mut failed = one("ACTIVE", NEW, "FAILED", 0);
    failed.reason = "tasks failed to start.".into();
    let back = at(OLD, 2, vec![one("PRIMARY", OLD, "IN_PROGRESS", 2), failed]);
    assert!(matches!(back.judge(NEW, 90), Verdict::TakenBack(_)));
    let mut stuck = one("PRIMARY", NEW, "FAILED", 0);
    stuck.reason = "tasks failed to start.".into();
    let stuck = at(NEW, 2, vec![stuck, one("ACTIVE", OLD, "COMPLETED", 2)]);
    assert!(matches!(stuck.judge(NEW, 90), Verdict::Failed(_)));
}

#[test]
fn without_a_circuit_breaker_enough_failures_are_a_failure() {
    let mut crashing = one("PRIMARY", NEW, "IN_PROGRESS", 0);
    crashing.failed = 3;
    let mut view = at(NEW, 2, vec![crashing, one("ACTIVE", OLD, "COMPLETED", 2)]);
    assert_eq!(view.judge(NEW, 90), Verdict::Going, "ECS will say");
    view.breaker = false;
    assert!(matches!(view.judge(NEW, 90), Verdict::Failed(_)));
}

#[test]
fn a_roll_out_begins_with_the_latest_deployment_of_its_revision() {
    let mut again = one("PRIMARY", OLD, "IN_PROGRESS", 0);
    again.made_at = 300;
    let before = one("ACTIVE", OLD, "COMPLETED", 2);
    let view = at(OLD, 2, vec![again, before]);
    assert_eq!((view.begun(OLD), view.begun(NEW)), (300, 0));
}

#[test]
fn a_way_back_is_seen_while_the_failed_deployment_is_listed_and_after() {
    let mut back = one("PRIMARY", OLD, "COMPLETED", 2);
    let quiet = at(OLD, 2, vec![back.clone()]);
    assert_eq!(quiet.went_back(), None);
    let mut failed = one("ACTIVE", NEW, "FAILED", 0);
    failed.reason = "tasks failed to start.".into();
    let listed = at(OLD, 2, vec![back.clone(), failed]);
    assert_eq!(listed.went_back(), Some(("tasks failed to start.", 100)));
    back.reason = "ECS deployment circuit breaker: rollback completed.".into();
    let after = at(OLD, 2, vec![back]);
    assert!(after.went_back().is_some());
}

#[test]
fn a_service_that_is_deleted_is_gone() {
    let mut view = at(NEW, 0, vec![]);
    view.status = "DRAINING".into();
    assert_eq!(view.judge(NEW, 90), Verdict::Gone);
    assert_eq!(View::default().judge(NEW, 90), Verdict::Gone);
}

#[test]
fn a_line_says_where_it_stands() {
    let mut new = one("PRIMARY", NEW, "IN_PROGRESS", 1);
    (new.pending, new.failed) = (1, 2);
    let view = at(NEW, 3, vec![new, one("ACTIVE", OLD, "COMPLETED", 2)]);
    insta::assert_snapshot!(view.line(NEW), @"1 of 2 new tasks running, 1 starting, 2 failed, 2 old ones running; targets: 2 healthy");
}

#[test]
fn what_a_server_that_rolls_nothing_out_says_of_tasks_is_not_waited_for() {
    let mut view = at(NEW, 0, vec![one("PRIMARY", OLD, "IN_PROGRESS", 0)]);
    view.pending = 2;
    view.targets = Some(Targets::default());
    assert_eq!(view.judge(NEW, 90), Verdict::Going);
    view.still = true;
    assert_eq!(view.judge(NEW, 90), Verdict::Steady);
    assert_eq!(view.judge(OLD, 90), Verdict::Superseded(NEW.into()));
}
