//! A task that runs once: beside the service, where it stands, with an end that has to be a good one.

use aws_sdk_ecs::types::{ContainerOverride, LaunchType, NetworkConfiguration, TaskOverride};
use futures::TryFutureExt;
use tokio::time::{Instant, sleep};

use super::error::DeployError;
use super::revision::Revision;
use super::roll::Pace;
use super::said::{Said, Tell};
use super::tasks;
use crate::aws::{Aws, aws_error};
use crate::engine::Stop;
use crate::kind::{Class, CloudError};
use crate::model::PhysicalId;
use crate::session::{Calls, Subject, Target};

const RUN: &str = "ecs:RunTask";
const SERVICES: &str = "ecs:DescribeServices";
/// How often a start is asked for while AWS says that it has to wait.
const ATTEMPTS: u32 = 6;

/// What runs once, and who watches it.
pub struct OneOff<'a> {
    pub aws: &'a Aws,
    /// It stands in this service's network.
    pub target: &'a Target,
    pub revision: &'a Revision,
    pub pace: Pace,
    pub stop: &'a Stop,
    pub tell: Tell<'a>,
    /// `migration`, for messages.
    pub what: &'static str,
    /// What a failure leaves behind, for people.
    pub left: &'static str,
}

impl OneOff<'_> {
    /// Starts the task, with another command where one is given, and waits for its end.
    ///
    /// # Errors
    /// [`DeployError::Failed`] with its stop reason when it does not end well.
    pub async fn run(
        &self,
        calls: &mut Calls,
        subject: &Subject,
        command: Option<Vec<String>>,
    ) -> Result<(), DeployError> {
        let network = self.network().await?;
        let mut attempt = 1;
        let started = loop {
            let request = self
                .aws
                .ecs
                .run_task()
                .cluster(&self.target.cluster)
                .task_definition(self.revision.arn())
                .launch_type(LaunchType::Fargate)
                .set_network_configuration(Some(network.clone()))
                .started_by(format!("circles-infra/{}", self.what))
                .set_overrides(command.clone().map(|command| self.overrides(command)));
            let sent = request.send().map_err(|e| aws_error(RUN, e));
            match calls.call(subject, RUN, sent, |_| None::<PhysicalId>).await {
                Ok(started) => break started,
                // Only what surely was not carried out: two at once is not asked for.
                Err(error) if error.is(Class::Throttled) && attempt < ATTEMPTS => {
                    sleep(self.pace.gap * 2_u32.pow(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(error.into()),
            }
        };
        let Some(task) = started.tasks().first().and_then(|task| task.task_arn()) else {
            let why: Vec<&str> = started
                .failures()
                .iter()
                .filter_map(|failure| failure.reason())
                .collect();
            return Err(self.failed(format!(
                "ECS did not start the {}: {}",
                self.what,
                why.join(", ")
            )));
        };
        self.wait(task).await
    }

    fn overrides(&self, command: Vec<String>) -> TaskOverride {
        let container = ContainerOverride::builder()
            .name(&self.target.info.container)
            .set_command(Some(command))
            .build();
        TaskOverride::builder()
            .container_overrides(container)
            .build()
    }

    async fn wait(&self, task: &str) -> Result<(), DeployError> {
        let since = Instant::now();
        let (id, what) = (tasks::id_in(task), self.what);
        loop {
            let all =
                tasks::describe(self.aws, &self.target.cluster, vec![task.to_owned()]).await?;
            if let Some(found) = all.first()
                && found.last_status() == Some("STOPPED")
            {
                let end = tasks::end(found);
                for line in tasks::last_lines(self.aws, &self.revision.definition, &end).await {
                    (self.tell)(Said::Log(line));
                }
                if end.exit_code == Some(0) {
                    return Ok(());
                }
                return Err(self.failed(format!("the {what} failed: {}", end.reason)));
            }
            if self.stop.level() > 0 {
                return Err(DeployError::Interrupted {
                    what: format!("interrupted while the {what} ran (task {id}), which goes on"),
                    hints: vec![format!("{}; run the same command again", self.left)],
                });
            }
            if since.elapsed() > self.pace.patience {
                return Err(self.failed(format!("the {what} (task {id}) did not end in time")));
            }
            sleep(self.pace.gap).await;
        }
    }

    fn failed(&self, what: String) -> DeployError {
        DeployError::Failed {
            what,
            hints: vec![self.left.to_owned()],
        }
    }

    /// Where the service's own tasks stand.
    async fn network(&self) -> Result<NetworkConfiguration, CloudError> {
        let request = self
            .aws
            .ecs
            .describe_services()
            .cluster(&self.target.cluster)
            .services(&self.target.arn);
        let answer = self
            .aws
            .read(SERVICES, || {
                request.clone().send().map_err(|e| aws_error(SERVICES, e))
            })
            .await?;
        let found = answer.services().first();
        Ok(found
            .and_then(|service| service.network_configuration().cloned())
            .unwrap_or_else(|| NetworkConfiguration::builder().build()))
    }
}
