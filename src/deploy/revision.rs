//! A revision that differs from another in one image alone: everything else is handed on as AWS gave it, also what this program has no
//! field for.

use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use aws_sdk_ecs::types::{Tag, TaskDefinition, TaskDefinitionField};
use futures::TryFutureExt;

use super::error::DeployError;
use super::unmodeled::{AnswerText, add_unmodeled};
use crate::aws::{Aws, aws_error};
use crate::kind::CloudError;
use crate::model::Tags;

const DESCRIBE: &str = "ecs:DescribeTaskDefinition";
pub const REGISTER: &str = "ecs:RegisterTaskDefinition";

/// A revision and its tags.
#[derive(Clone, Debug)]
pub struct Revision {
    pub definition: TaskDefinition,
    pub tags: Tags,
    /// The definition as AWS wrote it, with fields that the SDK does not know.
    pub text: serde_json::Value,
}

pub async fn read(aws: &Aws, arn: &str) -> Result<Revision, CloudError> {
    let request = aws
        .ecs
        .describe_task_definition()
        .task_definition(arn)
        .include(TaskDefinitionField::Tags);
    let text = AnswerText::default();
    let answer = aws
        .read(DESCRIBE, || {
            let request = request.clone().customize().interceptor(text.clone());
            request.send().map_err(|e| aws_error(DESCRIBE, e))
        })
        .await?;
    let tags = answer
        .tags()
        .iter()
        .filter_map(|tag| {
            Some((
                tag.key()?.to_owned(),
                tag.value().unwrap_or_default().to_owned(),
            ))
        })
        .filter(|(key, _)| !key.starts_with("aws:"))
        .collect();
    let definition = answer.task_definition.ok_or_else(|| {
        CloudError::new(
            DESCRIBE,
            crate::kind::Class::Other,
            "NotThere",
            format!("AWS answered without {arn}"),
        )
    })?;
    Ok(Revision {
        definition,
        tags,
        text: text.definition(),
    })
}

/// Sends a registration, with what `from` has that the SDK does not know. Its ARN.
pub async fn register(
    request: RegisterTaskDefinitionFluentBuilder,
    from: &Revision,
) -> Result<String, CloudError> {
    let text = from.text.clone();
    let request = request.customize();
    let request = request.mutate_request(move |request| add_unmodeled(request, &text));
    let answer = request.send().await.map_err(|e| aws_error(REGISTER, e))?;
    let definition = answer.task_definition;
    Ok(definition
        .and_then(|definition| definition.task_definition_arn)
        .unwrap_or_default())
}

impl Revision {
    pub fn arn(&self) -> &str {
        self.definition.task_definition_arn().unwrap_or_default()
    }

    /// The image of that container.
    pub fn image(&self, container: &str) -> Option<&str> {
        self.definition
            .container_definitions()
            .iter()
            .find(|one| one.name() == Some(container))
            .and_then(|one| one.image())
    }

    /// Seconds since 1970.
    pub fn registered_at(&self) -> i64 {
        self.definition.registered_at().map_or(0, |at| at.secs())
    }

    /// `family:7`
    pub fn name(&self) -> &str {
        name_in(self.arn())
    }
}

/// `…:task-definition/app:7` → `app:7`
pub fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The call that registers `from` once more, with another image in that container.
pub fn with_image(
    aws: &Aws,
    from: &TaskDefinition,
    container: &str,
    image: &str,
    tags: &Tags,
) -> Result<RegisterTaskDefinitionFluentBuilder, DeployError> {
    let mut containers = from.container_definitions().to_vec();
    let named = containers
        .iter_mut()
        .find(|one| one.name() == Some(container))
        .ok_or_else(|| {
            DeployError::refused(
                format!(
                    "{} has no container {container}",
                    name_in(from.task_definition_arn().unwrap_or_default())
                ),
                "somebody has changed the task definition: `circles-infra plan` shows how",
            )
        })?;
    named.image = Some(image.to_owned());
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    Ok(aws
        .ecs
        .register_task_definition()
        .family(from.family().unwrap_or_default())
        .set_container_definitions(Some(containers))
        .set_task_role_arn(from.task_role_arn.clone())
        .set_execution_role_arn(from.execution_role_arn.clone())
        .set_network_mode(from.network_mode.clone())
        .set_volumes(from.volumes.clone().filter(|all| !all.is_empty()))
        .set_placement_constraints(
            from.placement_constraints
                .clone()
                .filter(|all| !all.is_empty()),
        )
        .set_requires_compatibilities(from.requires_compatibilities.clone())
        .set_cpu(from.cpu.clone())
        .set_memory(from.memory.clone())
        .set_pid_mode(from.pid_mode.clone())
        .set_ipc_mode(from.ipc_mode.clone())
        .set_proxy_configuration(from.proxy_configuration.clone())
        .set_ephemeral_storage(from.ephemeral_storage.clone())
        .set_runtime_platform(from.runtime_platform.clone())
        .set_enable_fault_injection(from.enable_fault_injection)
        .set_tags(Some(tags)))
}
