use super::*;

const OLD: &str = "arn:aws:ecs:r:1:task-definition/app:1";
const NEW: &str = "arn:aws:ecs:r:1:task-definition/app:2";

fn one(status: &str, task_definition: &str, state: &str) -> Deployment {
    Deployment {
        id: "ecs-svc/1".into(),
        status: status.into(),
        task_definition: task_definition.into(),
        rollout_state: state.into(),
        reason: String::new(),
        made_at: 100,
        desired: 2,
        running: 2,
        pending: 0,
        failed: 0,
    }
}

fn rollout<'a>(
    running: i32,
    deployments: &'a [Deployment],
    wished: Option<&'a str>,
) -> Rollout<'a> {
    Rollout {
        status: "ACTIVE",
        definition: wished.unwrap_or(OLD),
        desired: 2,
        running,
        pending: 0,
        deployments,
        events: &[],
        still: false,
        wished,
        wished_at: None,
        begun: None,
    }
}

#[test]
fn ready_is_the_wished_definition_rolled_out() {
    let done = [one("PRIMARY", NEW, "COMPLETED")];
    assert_eq!(rollout(2, &done, Some(NEW)).readiness(), Readiness::Ready);
    assert_eq!(rollout(2, &done, None).readiness(), Readiness::Ready);
    // Older services have no rollout state: one deployment with all tasks running.
    let plain = [one("PRIMARY", NEW, "")];
    assert_eq!(rollout(2, &plain, Some(NEW)).readiness(), Readiness::Ready);
    // Its containers run, and have not passed their health checks.
    let first = [one("PRIMARY", NEW, "IN_PROGRESS")];
    let first = rollout(2, &first, Some(NEW)).readiness();
    assert_eq!(first, Readiness::NotYet("2 of 2 running".into()));
    // Done rolling while the old ones still stop.
    let both = [
        one("PRIMARY", NEW, "COMPLETED"),
        one("ACTIVE", OLD, "COMPLETED"),
    ];
    assert_eq!(rollout(3, &both, Some(NEW)).readiness(), Readiness::Ready);
}

#[test]
fn tasks_that_are_missing_are_waited_for() {
    let rolling = [
        one("PRIMARY", NEW, "IN_PROGRESS"),
        one("ACTIVE", OLD, "COMPLETED"),
    ];
    assert_eq!(
        rollout(2, &rolling, Some(NEW)).readiness(),
        Readiness::NotYet("2 of 2 running, the previous ones still stopping".into())
    );
    // Scaled up: no new deployment, but fewer tasks than wished.
    let done = [one("PRIMARY", NEW, "COMPLETED")];
    assert_eq!(
        rollout(1, &done, Some(NEW)).readiness(),
        Readiness::NotYet("1 of 2 running".into())
    );
    assert!(matches!(
        rollout(0, &[], Some(NEW)).readiness(),
        Readiness::NotYet(_)
    ));
}

#[test]
fn steady_on_the_old_definition_is_not_ready() {
    // An answer from before the update.
    let stale = [one("PRIMARY", OLD, "COMPLETED")];
    assert!(matches!(
        rollout(2, &stale, Some(NEW)).readiness(),
        Readiness::NotYet(_)
    ));
    // Rolled back, and the failed deployment has left the list.
    let mut back = one("PRIMARY", OLD, "COMPLETED");
    back.reason = "ECS deployment circuit breaker: rollback completed.".into();
    let back = [back];
    let mut rolled = rollout(2, &back, Some(NEW));
    assert!(rolled.may_be_rolled_back());
    rolled.wished_at = Some(90);
    assert!(matches!(rolled.readiness(), Readiness::Broken(_)));
    // An answer from before the update, of a service that went back from another definition earlier.
    rolled.wished_at = Some(110);
    assert!(matches!(rolled.readiness(), Readiness::NotYet(_)));
    // The same service, looked at for planning, is what it is.
    assert_eq!(rollout(2, &back, None).readiness(), Readiness::Ready);
}

#[test]
fn a_failed_roll_out_is_broken_and_says_why() {
    let mut failed = one("ACTIVE", NEW, "FAILED");
    failed.reason = "tasks failed to start.".into();
    let deployments = [one("PRIMARY", OLD, "IN_PROGRESS"), failed];
    let events = [Event {
        id: "1".into(),
        at: 0,
        message: "(service app) was unable to place a task.".into(),
    }];
    let mut broken = rollout(2, &deployments, Some(NEW));
    broken.events = &events;
    assert_eq!(
        broken.readiness(),
        Readiness::Broken(
            "its roll-out failed: tasks failed to start. (was unable to place a task.)".into()
        )
    );
    // A failure of a definition that is not wished for any more does not count.
    let deployments = [
        one("PRIMARY", OLD, "COMPLETED"),
        one("ACTIVE", NEW, "FAILED"),
    ];
    assert_eq!(
        rollout(2, &deployments, Some(OLD)).readiness(),
        Readiness::Ready
    );
}

#[test]
fn a_second_attempt_with_the_same_definition_gets_its_chance() {
    let deployments = [
        one("PRIMARY", NEW, "IN_PROGRESS"),
        one("ACTIVE", OLD, "COMPLETED"),
        one("ACTIVE", NEW, "FAILED"),
    ];
    let again = rollout(2, &deployments, Some(NEW)).readiness();
    assert!(matches!(again, Readiness::NotYet(_)), "{again:?}");
}

#[test]
fn a_service_being_drained_is_going() {
    let deployments = [one("PRIMARY", NEW, "IN_PROGRESS")];
    let mut going = rollout(1, &deployments, None);
    going.status = "DRAINING";
    going.desired = 0;
    assert_eq!(going.readiness(), Readiness::Going("1 of 0 running".into()));
}

#[test]
fn a_server_that_rolls_nothing_out_is_told_from_one_that_lags() {
    let of_old = [one("PRIMARY", OLD, "IN_PROGRESS")];
    let mut behind = rollout(0, &of_old, Some(NEW));
    assert!(behind.stands_still());
    assert!(matches!(behind.readiness(), Readiness::NotYet(_)));
    behind.still = true;
    assert_eq!(behind.readiness(), Readiness::Ready);
    // From before the update; rolling; done; looked at for planning.
    behind.definition = OLD;
    assert!(!behind.stands_still());
    let rolling = [one("PRIMARY", NEW, "IN_PROGRESS"), of_old[0].clone()];
    assert!(!rollout(0, &rolling, Some(NEW)).stands_still());
    assert!(!rollout(2, &rolling[..1], Some(NEW)).stands_still());
    assert!(!rollout(0, &of_old, None).stands_still());
    // Tasks that never start, of which nobody says a word.
    let mut idle = rollout(0, &rolling[..1], Some(NEW));
    idle.pending = 2;
    assert!(idle.stands_still());
    let events = [Event {
        id: "1".into(),
        at: 0,
        message: "(service app) has started 1 tasks: (task 1).".into(),
    }];
    idle.events = &events;
    assert!(!idle.stands_still());
}

#[test]
fn a_rollback_to_the_same_definition_is_not_what_was_asked_for() {
    let begun = BegunDeployment {
        id: "ecs-svc/2".into(),
        made_at: 100,
    };
    let of = |id: &str, status: &str, state: &str, reason: &str, made_at: i64| Deployment {
        id: id.into(),
        reason: reason.into(),
        made_at,
        ..one(status, OLD, state)
    };
    let failed = "ECS deployment circuit breaker: tasks failed to start.";
    let back = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.";
    let done = "ECS deployment circuit breaker: rollback completed.";
    let broken = [
        // ECS is going back; has gone back; has gone back, and the failed one has left the list.
        vec![
            of("ecs-svc/3", "PRIMARY", "IN_PROGRESS", back, 130),
            of("ecs-svc/2", "ACTIVE", "FAILED", failed, 100),
        ],
        vec![
            of("ecs-svc/3", "PRIMARY", "COMPLETED", done, 130),
            of("ecs-svc/2", "ACTIVE", "FAILED", failed, 100),
        ],
        vec![of("ecs-svc/3", "PRIMARY", "COMPLETED", done, 130)],
        // Nothing to go back to: it stays, failed.
        vec![of("ecs-svc/2", "PRIMARY", "FAILED", failed, 100)],
        // The old one is primary again, under its own id.
        vec![
            of("ecs-svc/1", "PRIMARY", "COMPLETED", "", 100),
            of("ecs-svc/2", "ACTIVE", "FAILED", failed, 100),
        ],
    ];
    for deployments in &broken {
        let mut rolled = rollout(2, deployments, Some(OLD));
        rolled.begun = Some(&begun);
        let readiness = rolled.readiness();
        assert!(
            matches!(readiness, Readiness::Broken(_)),
            "{deployments:?}\n{readiness:?}"
        );
        assert!(!rolled.stands_still());
    }
    let fine = [
        (vec![of("ecs-svc/2", "PRIMARY", "COMPLETED", "", 100)], true),
        (
            vec![
                of("ecs-svc/2", "PRIMARY", "IN_PROGRESS", "", 100),
                of("ecs-svc/1", "ACTIVE", "COMPLETED", "", 10),
            ],
            false,
        ),
        // Somebody forced another deployment of the same definition since.
        (vec![of("ecs-svc/4", "PRIMARY", "COMPLETED", "", 150)], true),
        // An answer from before the update, of a service that went back earlier.
        (
            vec![of("ecs-svc/1", "PRIMARY", "COMPLETED", done, 10)],
            false,
        ),
    ];
    for (deployments, ready) in &fine {
        let mut rolled = rollout(2, deployments, Some(OLD));
        rolled.begun = Some(&begun);
        let readiness = rolled.readiness();
        assert_eq!(
            readiness == Readiness::Ready,
            *ready,
            "{deployments:?}\n{readiness:?}"
        );
        assert!(
            !matches!(readiness, Readiness::Broken(_)),
            "{deployments:?}\n{readiness:?}"
        );
    }
}
