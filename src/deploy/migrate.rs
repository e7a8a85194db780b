//! Migrations: one task of the new revision, which has to end well before the service is rolled.

use aws_sdk_ecs::types::{ContainerOverride, LaunchType, NetworkConfiguration, TaskOverride};
use futures::TryFutureExt;
use tokio::time::{Instant, sleep};

use super::error::DeployError;
use super::image::Config;
use super::revision::Revision;
use super::roll::Pace;
use super::said::{Said, Tell};
use super::tasks;
use crate::aws::{Aws, aws_error};
use crate::engine::Stop;
use crate::kind::CloudError;
use crate::model::PhysicalId;
use crate::session::{Calls, Subject, Target};

const RUN: &str = "ecs:RunTask";
const SERVICES: &str = "ecs:DescribeServices";

/// What a migration runs, and who watches it.
pub struct Migration<'a> {
    pub aws: &'a Aws,
    pub target: &'a Target,
    pub revision: &'a Revision,
    pub pace: Pace,
    pub stop: &'a Stop,
    pub tell: Tell<'a>,
}

/// The command that the task gets: what the stack says, without its first word where the image's entry point is that program already.
pub fn command(
    said: &[String],
    revision: &Revision,
    container: &str,
    config: &Config,
) -> Vec<String> {
    let own = revision
        .definition
        .container_definitions()
        .iter()
        .find(|one| one.name() == Some(container))
        .map(|one| one.entry_point().to_vec())
        .filter(|words| !words.is_empty());
    let entrypoint = own.unwrap_or_else(|| config.entrypoint.clone());
    let program = |word: &String| word.rsplit('/').next().unwrap_or(word).to_owned();
    match (entrypoint.last(), said.first()) {
        (Some(last), Some(first)) if program(last) == program(first) => said[1..].to_vec(),
        _ => said.to_vec(),
    }
}

/// Runs the task and waits for its end.
pub async fn run(
    migration: &Migration<'_>,
    calls: &mut Calls,
    subject: &Subject,
    command: Vec<String>,
) -> Result<(), DeployError> {
    let Migration {
        aws,
        target,
        revision,
        tell,
        ..
    } = migration;
    tell(Said::Text(format!(
        "migrating: a task of {} runs `{}`",
        revision.name(),
        command.join(" ")
    )));
    let container = ContainerOverride::builder()
        .name(&target.info.container)
        .set_command(Some(command))
        .build();
    let request = aws
        .ecs
        .run_task()
        .cluster(&target.cluster)
        .task_definition(revision.arn())
        .launch_type(LaunchType::Fargate)
        .set_network_configuration(Some(network(aws, target).await?))
        .started_by("circles-infra/migrate")
        .overrides(
            TaskOverride::builder()
                .container_overrides(container)
                .build(),
        );
    let started = calls
        .call(
            subject,
            RUN,
            request.send().map_err(|e| aws_error(RUN, e)),
            |_| None::<PhysicalId>,
        )
        .await?;
    let Some(task) = started.tasks().first().and_then(|task| task.task_arn()) else {
        let why: Vec<&str> = started
            .failures()
            .iter()
            .filter_map(|failure| failure.reason())
            .collect();
        return Err(failed(format!(
            "ECS did not start the migration: {}",
            why.join(", ")
        )));
    };
    wait(migration, task).await
}

async fn wait(migration: &Migration<'_>, task: &str) -> Result<(), DeployError> {
    let Migration {
        aws,
        target,
        revision,
        pace,
        stop,
        tell,
    } = migration;
    let since = Instant::now();
    let id = tasks::id_in(task);
    loop {
        let all = tasks::describe(aws, &target.cluster, vec![task.to_owned()]).await?;
        if let Some(found) = all.first()
            && found.last_status() == Some("STOPPED")
        {
            let end = tasks::end(found);
            for line in tasks::last_lines(aws, &revision.definition, id).await {
                tell(Said::Log(line));
            }
            if end.exit_code == Some(0) {
                tell(Said::Text("migrated".into()));
                return Ok(());
            }
            return Err(failed(format!("the migration failed: {}", end.reason)));
        }
        if stop.level() > 0 {
            return Err(DeployError::Interrupted {
                what: format!("interrupted while the migration ran (task {id}), which goes on"),
                hints: vec!["the service was not touched; run the same command again".into()],
            });
        }
        if since.elapsed() > pace.patience {
            return Err(failed(format!(
                "the migration (task {id}) did not end in time"
            )));
        }
        sleep(pace.gap).await;
    }
}

fn failed(what: String) -> DeployError {
    DeployError::Failed {
        what,
        hints: vec!["the service was not touched: it runs what it ran".into()],
    }
}

/// Where the service's own tasks stand.
async fn network(aws: &Aws, target: &Target) -> Result<NetworkConfiguration, CloudError> {
    let request = aws
        .ecs
        .describe_services()
        .cluster(&target.cluster)
        .services(&target.arn);
    let answer = aws
        .read(SERVICES, || {
            request.clone().send().map_err(|e| aws_error(SERVICES, e))
        })
        .await?;
    let found = answer.services().first();
    Ok(found
        .and_then(|service| service.network_configuration().cloned())
        .unwrap_or_else(|| NetworkConfiguration::builder().build()))
}
