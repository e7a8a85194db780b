//! Why tasks ended: their stop reasons, and the last lines they wrote.

use std::time::Duration;

use aws_sdk_ecs::types::{DesiredStatus, Task, TaskDefinition};
use futures::TryFutureExt;
use tokio::time::{Instant, sleep};

use super::revision;
use crate::aws::{Aws, aws_error};
use crate::kind::CloudError;

const LIST: &str = "ecs:ListTasks";
const DESCRIBE: &str = "ecs:DescribeTasks";
const LINES: &str = "logs:GetLogEvents";
/// Log lines that are shown of a task that failed.
const SHOWN: i32 = 15;
/// For so long a task that failed is asked for what it wrote, and so often.
const LATE: Duration = Duration::from_secs(5);
const GAP: Duration = Duration::from_millis(250);

/// A task that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The last part of its ARN.
    pub id: String,
    /// `Essential container in task exited (app: exit code 1)`.
    pub reason: String,
    /// Seconds since 1970.
    pub at: i64,
    pub exit_code: Option<i32>,
    /// ARN of the revision that it ran.
    pub definition: String,
}

/// Ended tasks of a service that ran that revision, the latest first.
pub async fn ended(
    aws: &Aws,
    cluster: &str,
    service: &str,
    definition: &str,
) -> Result<Vec<Ended>, CloudError> {
    let mut all = recently_ended(aws, cluster, service).await?;
    all.retain(|task| task.definition == definition);
    Ok(all)
}

/// Ended tasks of a service, the latest first. ECS remembers them for about an hour.
pub async fn recently_ended(
    aws: &Aws,
    cluster: &str,
    service: &str,
) -> Result<Vec<Ended>, CloudError> {
    let request = aws
        .ecs
        .list_tasks()
        .cluster(cluster)
        .service_name(service)
        .desired_status(DesiredStatus::Stopped)
        .max_results(100);
    let answer = aws
        .read(LIST, || {
            request.clone().send().map_err(|e| aws_error(LIST, e))
        })
        .await?;
    let arns = answer.task_arns.unwrap_or_default();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let mut all: Vec<Ended> = describe(aws, cluster, arns)
        .await?
        .iter()
        .map(end)
        .collect();
    all.sort_by_key(|task| std::cmp::Reverse(task.at));
    Ok(all)
}

pub async fn describe(
    aws: &Aws,
    cluster: &str,
    arns: Vec<String>,
) -> Result<Vec<Task>, CloudError> {
    let request = aws
        .ecs
        .describe_tasks()
        .cluster(cluster)
        .set_tasks(Some(arns));
    let answer = aws
        .read(DESCRIBE, || {
            request.clone().send().map_err(|e| aws_error(DESCRIBE, e))
        })
        .await?;
    Ok(answer.tasks.unwrap_or_default())
}

pub fn end(task: &Task) -> Ended {
    let mut reason = task
        .stopped_reason()
        .unwrap_or("no reason given")
        .to_owned();
    let containers: Vec<String> = task
        .containers()
        .iter()
        .filter_map(|container| {
            let name = container.name().unwrap_or("container");
            match (container.reason(), container.exit_code()) {
                (Some(reason), _) => Some(format!("{name}: {reason}")),
                (None, Some(code)) => Some(format!("{name}: exit code {code}")),
                (None, None) => None,
            }
        })
        .collect();
    if !containers.is_empty() {
        reason.push_str(&format!(" ({})", containers.join(", ")));
    }
    Ended {
        id: id_in(task.task_arn().unwrap_or_default()).to_owned(),
        reason,
        at: task
            .stopped_at()
            .or(task.created_at())
            .map_or(0, |at| at.secs()),
        exit_code: task.containers().iter().find_map(|c| c.exit_code()),
        definition: task.task_definition_arn().unwrap_or_default().to_owned(),
    }
}

/// `…:task/cluster/id` → `id`
pub fn id_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// What a task that has ended wrote last. Lines arrive some time after the end, and those of one that failed say why: they are waited for.
/// One that never ran has none.
pub async fn last_lines(aws: &Aws, definition: &TaskDefinition, task: &Ended) -> Vec<String> {
    let since = Instant::now();
    let failed = task.exit_code.is_some_and(|code| code != 0);
    loop {
        let lines = lines(aws, definition, &task.id).await;
        if !lines.is_empty() || !failed || since.elapsed() > LATE {
            return lines;
        }
        sleep(GAP).await;
    }
}

/// The last line that a task wrote, as far as it can be read now.
pub async fn last_line_of(aws: &Aws, task: &Ended) -> Option<String> {
    let revision = revision::read(aws, &task.definition).await.ok()?;
    lines(aws, &revision.definition, &task.id).await.pop()
}

/// The last lines that a task's containers wrote, as far as they go to CloudWatch. None, when there is no stream (yet).
async fn lines(aws: &Aws, definition: &TaskDefinition, task: &str) -> Vec<String> {
    let mut all = Vec::new();
    for container in definition.container_definitions() {
        let Some(options) = container
            .log_configuration()
            .filter(|log| log.log_driver().as_str() == "awslogs")
            .and_then(|log| log.options())
        else {
            continue;
        };
        let (Some(group), Some(prefix), Some(name)) = (
            options.get("awslogs-group"),
            options.get("awslogs-stream-prefix"),
            container.name(),
        ) else {
            continue;
        };
        // CloudWatch Logs, awslogs driver: prefix/container/task id.
        let request = aws
            .logs
            .get_log_events()
            .log_group_name(group)
            .log_stream_name(format!("{prefix}/{name}/{task}"))
            .limit(SHOWN)
            .start_from_head(false);
        let answer = aws
            .read(LINES, || {
                request.clone().send().map_err(|e| aws_error(LINES, e))
            })
            .await;
        // A log that cannot be read must not hide why the task ended.
        let events = answer.ok().and_then(|answer| answer.events);
        all.extend(
            events
                .unwrap_or_default()
                .into_iter()
                .filter_map(|event| event.message),
        );
    }
    all
}
