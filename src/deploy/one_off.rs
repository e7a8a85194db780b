//! A task that runs once: beside the service, where it stands, with an end that has to be a good one.

use aws_sdk_ecs::operation::run_task::RunTaskOutput;
use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;
use aws_sdk_ecs::types::{
    ContainerOverride, DesiredStatus, LaunchType, NetworkConfiguration, PropagateTags, Tag,
    TaskOverride,
};
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
use crate::model::{Ownership, PhysicalId};
use crate::session::{Calls, Subject, Target};

const RUN: &str = "ecs:RunTask";
const SERVICES: &str = "ecs:DescribeServices";
const LIST: &str = "ecs:ListTasks";
/// How often a start is asked for while AWS says that it has to wait, or its answer is lost.
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
        let token = format!("{:032x}", rand::random::<u128>());
        let request = self.request(network, command, calls, &token);
        let mut attempt = 1;
        let task = loop {
            let sent = request.clone().send().map_err(|e| aws_error(RUN, e));
            let answer = calls
                .call_with(&token, subject, RUN, sent, |_| None::<PhysicalId>)
                .await;
            match answer {
                Ok(started) => break self.started(&started)?,
                Err(error) if !is_repeatable(&error) || attempt == ATTEMPTS => {
                    return Err(error.into());
                }
                Err(_) => {
                    sleep(self.pace.gap * 2_u32.pow(attempt)).await;
                    attempt += 1;
                    // The answer may have been lost. The token keeps AWS from starting a second task, but not every work-alike.
                    if let Some(task) = self.find_started(&token).await? {
                        break task;
                    }
                }
            }
        };
        self.wait(&task).await
    }

    fn request(
        &self,
        network: NetworkConfiguration,
        command: Option<Vec<String>>,
        calls: &Calls,
        token: &str,
    ) -> RunTaskFluentBuilder {
        let info = &self.target.info;
        let owner = Ownership::new(calls.scope(), &info.task_definition, self.target.generation);
        let tags = owner.tags().into_iter();
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
        self.aws
            .ecs
            .run_task()
            .cluster(&self.target.cluster)
            .task_definition(self.revision.arn())
            .launch_type(LaunchType::Fargate)
            .set_network_configuration(Some(network))
            .client_token(token)
            .started_by(self.started_by(token))
            .set_tags(Some(tags.collect()))
            .propagate_tags(PropagateTags::TaskDefinition)
            .set_overrides(command.map(|command| self.overrides(command)))
    }

    /// Names this one task. ECS once took 36 characters.
    fn started_by(&self, token: &str) -> String {
        let mut text = format!("circles-infra/{}/{token}", self.what);
        text.truncate(36);
        text
    }

    fn started(&self, answer: &RunTaskOutput) -> Result<String, DeployError> {
        if let Some(task) = answer.tasks().first().and_then(|task| task.task_arn()) {
            return Ok(task.to_owned());
        }
        let failures = answer.failures().iter();
        let reasons: Vec<&str> = failures.filter_map(|failure| failure.reason()).collect();
        Err(self.failed(format!(
            "ECS did not start the {}: {}",
            self.what,
            reasons.join(", ")
        )))
    }

    /// The task that an unanswered call has started, also when it has ended since.
    async fn find_started(&self, token: &str) -> Result<Option<String>, CloudError> {
        for status in [DesiredStatus::Running, DesiredStatus::Stopped] {
            let request = self
                .aws
                .ecs
                .list_tasks()
                .cluster(&self.target.cluster)
                .started_by(self.started_by(token))
                .desired_status(status);
            let answer = self
                .aws
                .read(LIST, || {
                    request.clone().send().map_err(|e| aws_error(LIST, e))
                })
                .await?;
            if let Some(task) = answer.task_arns().first() {
                return Ok(Some(task.clone()));
            }
        }
        Ok(None)
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

/// What was surely not carried out, and what may have been: the token makes a second call answer with the first one's task.
fn is_repeatable(error: &CloudError) -> bool {
    matches!(
        error.class,
        Class::Throttled | Class::Unknown | Class::Unreachable
    )
}
