//! Two roles: what ECS may do to start a task, and what the task itself may do. No more than this service needs.
//! With `rotate_login` a third, which starts the task of a rotation: it alone reads the master password, so no task of the service can be given it.

use super::super::Build;
use super::super::policy::{allow, assumed_by_service, assumed_by_tasks, document, followed_by};
use crate::model::{Address, Value};

const TASKS: &str = "ecs-tasks.amazonaws.com";

pub fn roles(build: &mut Build<'_>) {
    let of_tasks = assumed_by_tasks(
        TASKS,
        &build.place.account,
        &build.place.partition,
        &build.place.region,
    );
    let of_ecs = assumed_by_service(TASKS);
    let read = secrets(build);
    let execution = vec![("start-tasks", document(starting(build, read.clone())))];
    role(
        build,
        "execution",
        "Starts the tasks: pulls their image, reads their secrets, writes their logs",
        of_ecs.clone(),
        execution,
    );
    let task = task(build);
    let task = if task.is_empty() {
        Vec::new()
    } else {
        vec![("task", document(task))]
    };
    role(build, "task", "What the tasks run as", of_tasks, task);
    if build.given("rotate_login") {
        let read = read.into_iter().chain(masters(build)).collect();
        let rotation = vec![("start-tasks", document(starting(build, read)))];
        role(
            build,
            "rotation",
            "Starts the task that gives a database user its password",
            of_ecs,
            rotation,
        );
    }
}

fn role(
    build: &mut Build<'_>,
    which: &str,
    description: &str,
    trust: Value,
    policies: Vec<(&str, Value)>,
) {
    // IAM is global: the region keeps the same stack in two regions apart.
    let rest = format!("-{which}-{}", build.place.region);
    let field = match which {
        "task" => "task_role_name",
        "rotation" => "rotation_role_name",
        _ => "execution_role_name",
    };
    let name = build.name_or(field, &rest);
    build
        .make(
            &format!("{which}-role"),
            "iam.role",
            [
                ("name", name),
                ("path", build.get("role_path")),
                ("description", Value::from(description)),
                ("assume_role_policy", trust),
                ("inline_policies", Value::map(policies)),
            ],
        )
        .from("name", field)
        .from("path", "role_path")
        .from(
            "inline_policies",
            match which {
                "task" => "task_policy",
                "rotation" => "rotate_login",
                _ => "secrets_from",
            },
        );
}

/// What it takes to start a task that gets `secrets`.
fn starting(build: &Build<'_>, secrets: Vec<Value>) -> Vec<Value> {
    let mut statements = Vec::new();
    if build.given("repository") {
        // A token is for the whole registry; it opens nothing by itself.
        statements.push(allow(
            &["ecr:GetAuthorizationToken"],
            vec![Value::from("*")],
        ));
        statements.push(allow(
            &[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            vec![build.of("repository", "arn")],
        ));
    }
    let streams = followed_by(&build.of("log_group", "arn"), ":*");
    statements.push(allow(
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        vec![streams],
    ));
    if !secrets.is_empty() {
        statements.push(allow(&["secretsmanager:GetSecretValue"], secrets));
    }
    statements
}

/// ARNs of the secrets that a task's variables come from.
fn secrets(build: &Build<'_>) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let mut add = |value: Value| {
        if !all.contains(&value) {
            all.push(value);
        }
    };
    for entry in build.list("secrets_from").iter().filter_map(Value::as_text) {
        add(Value::reference(&Address::from(entry), "arn"));
    }
    for value in build
        .fields
        .get("secrets")
        .as_map()
        .into_iter()
        .flat_map(|map| map.values())
    {
        value.each_expr(&mut |expr| {
            for reference in expr.references() {
                add(Value::reference(&reference.address, "arn"));
            }
        });
        // Written out: `arn:…:secret:name-x1y2z3:KEY::`; the policy takes the secret's own ARN, its first seven fields.
        if let Value::Text(text) = value {
            let arn: Vec<&str> = text.split(':').take(7).collect();
            add(Value::Text(arn.join(":")));
        }
    }
    all
}

/// ARNs of the secrets with the master passwords of the databases that it talks to.
fn masters(build: &Build<'_>) -> Vec<Value> {
    build
        .list("connects_to")
        .iter()
        .filter_map(Value::as_text)
        .filter(|entry| build.peers.is(entry, "postgres"))
        .map(|entry| Value::reference(&Address::from(entry).child("master"), "arn"))
        .collect()
}

fn task(build: &Build<'_>) -> Vec<Value> {
    let mut statements = Vec::new();
    for entry in build.list("buckets").iter().filter_map(Value::as_text) {
        let bucket = Value::reference(&Address::from(entry), "arn");
        statements.push(allow(
            &[
                "s3:GetBucketLocation",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
            ],
            vec![bucket.clone()],
        ));
        statements.push(allow(
            &[
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            vec![followed_by(&bucket, "/*")],
        ));
    }
    if build.flag("enable_execute_command") {
        // ECS developer guide, "Monitor Amazon ECS containers with ECS Exec": the channels have no ARNs.
        statements.push(allow(
            &[
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            vec![Value::from("*")],
        ));
    }
    statements.extend(build.list("task_policy").iter().cloned());
    statements
}
