//! The task definition of a rotation: the service's image, task role and log; the new URL and the master user's password as secrets, which
//! the role of `rotate_login` reads.

use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use aws_sdk_ecs::types::{ContainerDefinition, KeyValuePair, Secret, Tag};

use super::family;
use crate::aws::Aws;
use crate::deploy::error::DeployError;
use crate::deploy::revision::Revision;
use crate::model::Tags;
use crate::secrets::Login;
use crate::session::Target;

/// Marks revisions of a rotation as ours to put out of use; its value is the key that is rotated.
const MARK: &str = "circles-infra:rotates";
/// What the program finds beside the URL, which has the name it has in the service.
const ROLE: &str = "APP_DB_ROLE";
const ADMIN_USER: &str = "APP_DB_ADMIN_USER";
const ADMIN_PASSWORD: &str = "APP_DB_ADMIN_PASSWORD";

/// What it is made of.
pub struct Wanted<'a> {
    /// What the service runs.
    pub from: &'a Revision,
    pub target: &'a Target,
    /// Where the service's URL comes from: `arn:KEY::`.
    pub source: String,
    /// Where the new one does: `arn:KEY:LABEL:` (ECS developer guide, "Pass Secrets Manager secrets").
    pub next: String,
    pub master: String,
    /// ARN of the role that ECS starts it with.
    pub role: &'a str,
    pub login: &'a Login,
    pub key: &'a str,
}

impl Wanted<'_> {
    pub fn family(&self) -> String {
        family(self.from)
    }

    pub fn tags(&self) -> Tags {
        Tags::from([(MARK.to_owned(), self.key.to_owned())])
    }

    pub fn is_ours(&self, revision: &Revision) -> bool {
        revision.tags.contains_key(MARK)
    }

    /// # Errors
    /// That the service does not take the URL from there.
    pub fn check(&self) -> Result<(), DeployError> {
        self.container().map(drop)
    }

    fn container(&self) -> Result<ContainerDefinition, DeployError> {
        let own = self
            .from
            .definition
            .container_definitions()
            .iter()
            .find(|one| one.name() == Some(&self.target.info.container));
        let variable = own.and_then(|own| {
            let found = own
                .secrets()
                .iter()
                .find(|secret| secret.value_from() == self.source);
            found.map(Secret::name)
        });
        let (Some(own), Some(variable)) = (own, variable) else {
            return Err(DeployError::refused(
                format!(
                    "{} does not take {} from the stack's secret",
                    self.from.name(),
                    self.key
                ),
                "circles-infra plan shows what is changed; apply it first",
            ));
        };
        let environment = self.environment(own, variable);
        let secrets = [(variable, &self.next), (ADMIN_PASSWORD, &self.master)]
            .into_iter()
            .map(|(name, from)| Secret::builder().name(name).value_from(from).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| DeployError::refused(e.to_string(), "circles-infra plan"))?;
        let (program, arguments) = self
            .target
            .info
            .rotate_login
            .split_first()
            .map_or((None, Vec::new()), |(program, rest)| {
                (Some(vec![program.clone()]), rest.to_vec())
            });
        Ok(ContainerDefinition::builder()
            .name(&self.target.info.container)
            .set_image(own.image.clone())
            .essential(true)
            .set_entry_point(program)
            .set_command(Some(arguments))
            .set_environment(Some(environment))
            .set_secrets(Some(secrets))
            .set_user(own.user.clone())
            .set_readonly_root_filesystem(own.readonly_root_filesystem)
            .set_log_configuration(own.log_configuration.clone())
            .build())
    }

    /// The service's variables, and what the program finds beside the URL.
    fn environment(&self, own: &ContainerDefinition, variable: &str) -> Vec<KeyValuePair> {
        let ours = [
            (ROLE, self.login.owner()),
            (ADMIN_USER, self.login.user.clone()),
        ];
        // ECS refuses a name that stands there twice, or is a variable and a secret.
        let taken = |name: &str| {
            ours.iter().any(|(ours, _)| *ours == name) || [variable, ADMIN_PASSWORD].contains(&name)
        };
        let kept = own
            .environment()
            .iter()
            .filter(|pair| !pair.name().is_some_and(taken))
            .cloned();
        let added = ours
            .iter()
            .map(|(name, value)| KeyValuePair::builder().name(*name).value(value).build());
        kept.chain(added).collect()
    }

    /// The call that registers it.
    ///
    /// # Errors
    /// As [`Wanted::check`]'s.
    pub fn request(&self, aws: &Aws) -> Result<RegisterTaskDefinitionFluentBuilder, DeployError> {
        let from = &self.from.definition;
        let tags = self
            .tags()
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect();
        Ok(aws
            .ecs
            .register_task_definition()
            .family(self.family())
            .container_definitions(self.container()?)
            .set_task_role_arn(from.task_role_arn.clone())
            .execution_role_arn(self.role)
            .set_network_mode(from.network_mode.clone())
            .set_requires_compatibilities(from.requires_compatibilities.clone())
            .set_cpu(from.cpu.clone())
            .set_memory(from.memory.clone())
            .set_runtime_platform(from.runtime_platform.clone())
            .set_tags(Some(tags)))
    }
}
