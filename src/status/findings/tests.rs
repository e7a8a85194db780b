//! Broken worlds: what was changed in a healthy one, whether the services still serve (exit code 0, otherwise 77), and what is said.
//!
//! Long: one entry a world.

use super::*;
use crate::secrets::{KeyRow, SecretRow, Standing};
use crate::status::{Database, DatabaseState, Drift, Target, Task};

/// A service with two tasks behind a load balancer, a database and a secret; all well.
/// Long: one line a field.
fn healthy() -> Status {
    let target = |id: &str| Target {
        id: id.into(),
        state: "healthy".into(),
        reason: None,
    };
    let task = |id: &str| Task {
        id: id.into(),
        status: "RUNNING".into(),
        health: "HEALTHY".into(),
        started: Some(1000),
    };
    let state = ServiceState {
        status: "ACTIVE".into(),
        release: None,
        task_definition: "app:2".into(),
        desired: 2,
        running: 2,
        pending: 0,
        deployments: vec![deployment("PRIMARY", "app:2", "COMPLETED")],
        tasks: vec![task("t1"), task("t2")],
        targets: vec![target("10.0.0.1"), target("10.0.0.2")],
        entry: Some(Entry {
            balancer: Some("active".into()),
            listeners: 1,
            forwards: true,
            target_group: true,
        }),
        ended: Vec::new(),
        events: vec!["(service app) has reached a steady state.".into()],
        last_event: None,
        older_than_secrets: Vec::new(),
    };
    let service = Service {
        address: "app".into(),
        name: "shop-app".into(),
        made: true,
        recorded_count: Some(2),
        cluster: "shop".into(),
        state: Some(state),
    };
    let database = Database {
        address: "db/instance".into(),
        name: "shop-db".into(),
        made: true,
        state: Some(DatabaseState {
            status: "available".into(),
            engine_version: "15.7".into(),
            class: "db.t4g.small".into(),
            storage: 20,
            multi_az: false,
            endpoint: None,
        }),
    };
    let secret = SecretRow {
        address: "config".into(),
        name: "shop/config".into(),
        standing: Standing::Live {
            version: Some("v1".into()),
            created: Some(900),
            foreign: false,
            unreadable: false,
        },
        keys: vec![KeyRow {
            key: "API_KEY".into(),
            source: "operator, required".into(),
            set: true,
        }],
    };
    Status {
        stack: "shop".into(),
        environment: "dev".into(),
        account: "1".into(),
        region: "eu-west-1".into(),
        at: 2000,
        url: None,
        services: vec![service],
        databases: vec![database],
        secrets: vec![secret],
        drift: Drift {
            whole: false,
            found: Vec::new(),
        },
        unfinished: None,
        resources: 30,
        made: ["app/service", "db/instance", "config"]
            .map(Address::from)
            .into(),
        findings: Vec::new(),
    }
}

fn deployment(status: &str, definition: &str, rollout: &str) -> Deployment {
    Deployment {
        status: status.into(),
        rollout: rollout.into(),
        task_definition: definition.into(),
        running: 2,
        desired: 2,
        failed: 0,
        reason: String::new(),
        since: 500,
    }
}

fn app(status: &mut Status) -> &mut ServiceState {
    status.services[0].state.as_mut().expect("a service")
}

fn entry(status: &mut Status) -> &mut Entry {
    app(status).entry.as_mut().expect("an entry")
}

fn targets(status: &mut Status, states: &[(&str, Option<&str>)]) {
    app(status).targets = states
        .iter()
        .map(|(state, reason)| Target {
            id: "10.0.0.1".into(),
            state: (*state).into(),
            reason: reason.map(str::to_owned),
        })
        .collect();
}

/// No task runs, and the last one ended for this reason.
fn down(status: &mut Status, reason: &str, last_line: Option<&str>) {
    let state = app(status);
    (state.running, state.tasks) = (0, Vec::new());
    state.targets.clear();
    state.ended = vec![
        EndedTask {
            id: "t0".into(),
            reason: "Scaling activity initiated by (deployment ecs-svc/1)".into(),
            last_line: None,
        },
        EndedTask {
            id: "t1".into(),
            reason: reason.into(),
            last_line: last_line.map(str::to_owned),
        },
    ];
}

fn database(status: &mut Status, state: &str) {
    let database = status.databases[0].state.as_mut().expect("a database");
    database.status = state.into();
}

fn worker(status: &mut Status) {
    let state = app(status);
    state.entry = None;
    state.targets.clear();
}

fn rolled_back(status: &mut Status) {
    let state = app(status);
    state.deployments[0].reason = "ECS deployment circuit breaker: rollback completed.".into();
    state.ended = vec![EndedTask {
        id: "t1".into(),
        reason: "Essential container in task exited (app: exit code 1)".into(),
        last_line: Some("password authentication failed for user \"circles\"".into()),
    }];
}

/// A world: its name, what is changed, the exit code, and what is said (nothing else, where this is empty).
type World = (&'static str, fn(&mut Status), u8, &'static [&'static str]);

const WAY_IN: &[World] = &[
    ("healthy", |_| {}, 0, &[]),
    (
        "nothing applied",
        |s| {
            s.resources = 0;
            s.services[0].state = None;
            s.services[0].made = false
        },
        0,
        &[],
    ),
    ("no service in the stack", |s| s.services.clear(), 0, &[]),
    (
        "listener deleted",
        |s| {
            entry(s).listeners = 0;
            entry(s).forwards = false
        },
        77,
        &[
            "outage app: its load balancer has no listener",
            "circles-infra apply",
        ],
    ),
    (
        "rule deleted",
        |s| entry(s).forwards = false,
        77,
        &[
            "no listener or rule forwards requests to its target group",
            "circles-infra apply",
        ],
    ),
    (
        "target group deleted",
        |s| {
            entry(s).target_group = false;
            entry(s).forwards = false;
            targets(s, &[])
        },
        77,
        &["its target group is gone", "circles-infra apply"],
    ),
    (
        "balancer deleted",
        |s| {
            *entry(s) = Entry {
                balancer: None,
                listeners: 0,
                forwards: false,
                target_group: true,
            };
            targets(s, &[("unused", None)])
        },
        77,
        &["its load balancer is gone", "circles-infra apply"],
    ),
    (
        "balancer being set up",
        |s| entry(s).balancer = Some("provisioning".into()),
        77,
        &["still being set up"],
    ),
    (
        "balancer failed",
        |s| entry(s).balancer = Some("failed".into()),
        77,
        &["failed to be set up"],
    ),
    (
        "balancer impaired",
        |s| entry(s).balancer = Some("active_impaired".into()),
        0,
        &[],
    ),
    (
        "health path wrong",
        |s| {
            targets(
                s,
                &[
                    (
                        "unhealthy",
                        Some("Health checks failed with these codes: [404]"),
                    ),
                    ("unhealthy", None),
                ],
            )
        },
        77,
        &[
            "none of its 2 targets is healthy: Health checks failed with these codes: [404]",
            "circles-infra logs app",
        ],
    ),
    (
        "one target ill",
        |s| {
            targets(
                s,
                &[("healthy", None), ("unhealthy", Some("Request timed out"))],
            )
        },
        0,
        &[
            "warning app: 1 of 2 targets are healthy: Request timed out",
            "circles-infra logs app",
        ],
    ),
    (
        "one target leaving",
        |s| {
            targets(
                s,
                &[("healthy", None), ("healthy", None), ("draining", None)],
            )
        },
        0,
        &[],
    ),
    (
        "first checks",
        |s| targets(s, &[("initial", None), ("initial", None)]),
        77,
        &["still in their first health checks", "circles-infra status"],
    ),
    (
        "targets deregistered",
        |s| targets(s, &[]),
        77,
        &[
            "no target is registered in its target group, although tasks run",
            "circles-infra redeploy app",
        ],
    ),
    (
        "new tasks on their way in",
        |s| {
            targets(s, &[("healthy", None), ("initial", None)]);
            app(s).deployments[0].rollout = "IN_PROGRESS".into()
        },
        0,
        &[],
    ),
];

const TASKS: &[World] = &[
    (
        "service deleted",
        |s| s.services[0].state = None,
        77,
        &[
            "outage app: ECS has no service shop-app any more",
            "circles-infra apply",
        ],
    ),
    (
        "service never made",
        |s| {
            s.services[0].state = None;
            s.services[0].made = false;
            s.services[0].recorded_count = None
        },
        0,
        &["warning app: it is not made yet", "circles-infra apply"],
    ),
    (
        "service draining",
        |s| app(s).status = "DRAINING".into(),
        77,
        &["is being deleted (draining)"],
    ),
    (
        "scaled to nothing by hand",
        |s| app(s).desired = 0,
        77,
        &[
            "scaled to 0 tasks, and was applied with more",
            "circles-infra apply",
        ],
    ),
    (
        "scaled to nothing by the stack",
        |s| {
            app(s).desired = 0;
            s.services[0].recorded_count = Some(0);
            down(s, "x", None)
        },
        0,
        &[],
    ),
    (
        "one task missing",
        |s| app(s).running = 1,
        0,
        &["warning app: 1 of 2 tasks run", "circles-infra logs app"],
    ),
    (
        "program crashes",
        |s| {
            down(
                s,
                "Essential container in task exited (app: exit code 1)",
                Some("thread 'main' panicked"),
            )
        },
        77,
        &[
            "no task runs: its program ends by itself; it wrote last: thread 'main' panicked",
            "exit code 1",
            "circles-infra logs app",
        ],
    ),
    (
        "no image",
        |s| down(s, "CannotPullContainerError: … : not found", None),
        77,
        &[
            "its image cannot be pulled",
            "circles-infra deploy app --image TAG",
        ],
    ),
    (
        "no way to the registry",
        |s| {
            down(
                s,
                "CannotPullContainerError: dial tcp 1.2.3.4:443: i/o timeout",
                None,
            )
        },
        77,
        &[
            "the registry cannot be reached from its subnets",
            "circles-infra drift",
        ],
    ),
    (
        "secret deleted",
        |s| {
            down(
                s,
                "ResourceInitializationError: unable to pull secrets or registry auth: ResourceNotFoundException: Secrets Manager can't find the specified secret",
                None,
            )
        },
        77,
        &[
            "a secret or one of its keys cannot be read",
            "circles-infra secrets list",
        ],
    ),
    (
        "no way to Secrets Manager",
        |s| {
            down(
                s,
                "ResourceInitializationError: unable to pull secrets or registry auth: context deadline exceeded",
                None,
            )
        },
        77,
        &[
            "AWS's own services cannot be reached",
            "circles-infra drift",
        ],
    ),
    (
        "log group deleted",
        |s| {
            down(
                s,
                "ResourceInitializationError: failed to validate logger args: The specified log group does not exist",
                None,
            )
        },
        77,
        &["its log group is gone", "circles-infra apply"],
    ),
    (
        "role deleted",
        |s| {
            down(s, "Scaling activity", None);
            app(s).events = vec!["(service app) was unable to start a task: ECS was unable to assume the role 'arn:aws:iam::1:role/x'".into()]
        },
        77,
        &["ECS cannot use one of its roles", "circles-infra apply"],
    ),
    (
        "out of memory",
        |s| {
            down(
                s,
                "OutOfMemoryError: Container killed due to memory usage",
                None,
            )
        },
        77,
        &["run out of memory", "more `memory`"],
    ),
    (
        "other architecture",
        |s| {
            down(
                s,
                "Essential container in task exited (app: exit code 255)",
                Some("exec /app: exec format error"),
            )
        },
        77,
        &["for another architecture", "circles-infra deploy app"],
    ),
    (
        "killed by the health checks",
        |s| down(s, "Task failed ELB health checks in (target-group x)", None),
        77,
        &["fail their health checks", "circles-infra logs app"],
    ),
    (
        "no capacity",
        |s| {
            down(s, "UserInitiated", None);
            app(s).events =
                vec!["(service app) was unable to place a task because no capacity".into()]
        },
        77,
        &["ECS finds no place for its tasks"],
    ),
    (
        "starting",
        |s| {
            down(s, "UserInitiated", None);
            app(s).pending = 2
        },
        77,
        &[
            "no task runs yet; they are starting",
            "circles-infra status",
        ],
    ),
    ("worker, healthy", worker, 0, &[]),
    (
        "worker, all ill",
        |s| {
            worker(s);
            for task in &mut app(s).tasks {
                task.health = "UNHEALTHY".into()
            }
        },
        77,
        &["all of its tasks fail their container's health check"],
    ),
    (
        "worker, one ill",
        |s| {
            worker(s);
            app(s).tasks[0].health = "UNHEALTHY".into()
        },
        0,
        &["warning app: 1 of 2 tasks fail their container's health check"],
    ),
];

const ROLLOUTS: &[World] = &[
    (
        "rolled back",
        rolled_back,
        0,
        &[
            "warning app: the last roll-out failed, and ECS went back: app:2 runs",
            "password authentication failed",
            "circles-infra logs app",
        ],
    ),
    (
        "going back",
        |s| {
            let mut failed = deployment("ACTIVE", "app:3", "FAILED");
            failed.running = 0;
            app(s).deployments.push(failed)
        },
        0,
        &["ECS went back: app:2 runs, not what was rolled out"],
    ),
    (
        "failed, old tasks run",
        |s| {
            app(s).deployments = vec![
                deployment("PRIMARY", "app:3", "FAILED"),
                deployment("ACTIVE", "app:2", "COMPLETED"),
            ]
        },
        0,
        &[
            "the roll-out of app:3 failed, and ECS starts no more of its tasks",
            "circles-infra deploy app",
        ],
    ),
    (
        "failed, nothing runs",
        |s| {
            app(s).deployments[0].rollout = "FAILED".into();
            down(s, "CannotPullContainerError: not found", None)
        },
        77,
        &[
            "no task runs: its image cannot be pulled",
            "ECS starts no more of its tasks",
        ],
    ),
    (
        "rolling",
        |s| {
            app(s).deployments = vec![
                deployment("PRIMARY", "app:3", "IN_PROGRESS"),
                deployment("ACTIVE", "app:2", "COMPLETED"),
            ]
        },
        0,
        &[],
    ),
    (
        "rolling badly",
        |s| {
            app(s).deployments[0].rollout = "IN_PROGRESS".into();
            app(s).deployments[0].failed = 2
        },
        0,
        &["2 tasks of the roll-out of app:2 ended before they were steady"],
    ),
];

const STORES: &[World] = &[
    (
        "database stopped",
        |s| database(s, "stopped"),
        77,
        &[
            "outage db/instance: the database does not answer: it is stopped",
            "aws rds start-db-instance --region eu-west-1 --db-instance-identifier shop-db",
        ],
    ),
    (
        "database starting",
        |s| database(s, "starting"),
        77,
        &["it is starting", "circles-infra status"],
    ),
    (
        "database full",
        |s| database(s, "storage-full"),
        77,
        &["it is storage-full", "a larger `storage`"],
    ),
    (
        "database's key switched off",
        |s| database(s, "inaccessible-encryption-credentials-recoverable"),
        77,
        &["switch its KMS key on again"],
    ),
    (
        "database failed",
        |s| database(s, "failed"),
        77,
        &["it is failed", "aws rds describe-events"],
    ),
    ("database changing", |s| database(s, "modifying"), 0, &[]),
    (
        "database deleted",
        |s| s.databases[0].state = None,
        77,
        &["RDS has no instance shop-db any more", "circles-infra plan"],
    ),
    (
        "database stopped, no service",
        |s| {
            database(s, "stopped");
            s.services.clear()
        },
        0,
        &["warning db/instance", "it is stopped"],
    ),
    (
        "another environment's database",
        |s| {
            s.databases[0].state = None;
            s.databases[0].made = false
        },
        0,
        &["warning db/instance: it is not made yet"],
    ),
    (
        "secret in recovery",
        |s| {
            s.secrets[0].standing = Standing::InRecovery {
                until: "2026-12-01".into(),
            }
        },
        0,
        &[
            "warning config: it was deleted, and can be restored until 2026-12-01: running tasks go on",
            "circles-infra apply",
        ],
    ),
    (
        "secret gone",
        |s| s.secrets[0].standing = Standing::Absent,
        0,
        &["warning config: it is gone: running tasks go on, and no new one can start"],
    ),
    (
        "secret gone, tasks too",
        |s| {
            s.secrets[0].standing = Standing::Absent;
            down(s, "ResourceInitializationError: secret", None)
        },
        77,
        &["it is gone: no task can start without it"],
    ),
    (
        "secret without a value",
        |s| {
            s.secrets[0].standing = Standing::Live {
                version: None,
                created: None,
                foreign: false,
                unreadable: false,
            }
        },
        0,
        &["it has no value"],
    ),
    (
        "secret not JSON",
        |s| {
            s.secrets[0].standing = Standing::Live {
                version: Some("v".into()),
                created: None,
                foreign: true,
                unreadable: false,
            }
        },
        0,
        &["its value is no JSON object"],
    ),
    (
        "required key not set",
        |s| s.secrets[0].keys[0].set = false,
        0,
        &[
            "its key API_KEY is not set",
            "circles-infra secrets set API_KEY",
        ],
    ),
    (
        "tasks with old secrets",
        |s| app(s).older_than_secrets = vec!["config".into()],
        0,
        &[
            "config has a newer version than running tasks started with",
            "circles-infra redeploy",
        ],
    ),
];

#[test]
fn each_broken_world_is_told_with_its_cause_and_the_next_command() {
    let tables = [WAY_IN, TASKS, ROLLOUTS, STORES];
    assert!(tables.iter().map(|table| table.len()).sum::<usize>() >= 40);
    for (name, change, exit, sentences) in tables.into_iter().flatten() {
        let mut status = healthy();
        change(&mut status);
        status.findings = findings(&status);
        let told: Vec<String> = status.findings.iter().map(line).collect();
        let told = told.join("\n");
        let code = if status.serves() { 0 } else { 77 };
        assert_eq!(code, *exit, "{name}\n{told}");
        assert_eq!(told.is_empty(), sentences.is_empty(), "{name}\n{told}");
        for sentence in *sentences {
            assert!(told.contains(sentence), "{name}: {sentence}\n{told}");
        }
        // Every finding says what to do, and an outage comes first.
        assert!(
            status.findings.iter().all(|one| one.next.is_some()),
            "{name}"
        );
        assert!(
            status
                .findings
                .is_sorted_by_key(|one| one.severity != Severity::Outage),
            "{name}"
        );
    }
}

fn line(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Outage => "outage",
        Severity::Warning => "warning",
    };
    let next = finding.next.as_deref().unwrap_or_default();
    format!("{severity} {}: {}\n{next}", finding.about, finding.text)
}
