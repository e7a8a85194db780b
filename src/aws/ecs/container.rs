//! A container of a task definition: in the field table's shape, to AWS, and read back in canonical form.
//!
//! AWS fills some parts in and drops others (API reference, ContainerDefinition): `essential` is true, a port's protocol tcp, a health
//! check's interval, timeout and retries 30, 5 and 3 when left out; cpu 0 and empty lists are the same as absent.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ecs::types::{
    ContainerCondition, ContainerDefinition, ContainerDependency, HealthCheck as InnerCheck,
    KeyValuePair, LogConfiguration, LogDriver, PortMapping, Secret, TransportProtocol,
};
use serde::{Deserialize, Deserializer};

use crate::kind::CloudError;
use crate::model::{KindName, Value};

mod fields;

pub use fields::CONTAINER;

#[derive(Clone, Debug, Deserialize)]
pub struct ContainerSpec {
    name: String,
    image: String,
    #[serde(default = "yes")]
    essential: bool,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    entrypoint: Vec<String>,
    #[serde(default)]
    port_mappings: Vec<Port>,
    #[serde(default, deserialize_with = "texts")]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    health_check: Option<HealthCheck>,
    stop_timeout: Option<i32>,
    log: Option<Log>,
    #[serde(default)]
    readonly_root: bool,
    #[serde(default)]
    depends_on: Vec<Dependency>,
    user: Option<String>,
    cpu: Option<i32>,
    memory: Option<i32>,
}

#[derive(Clone, Debug, Deserialize)]
struct Port {
    container_port: i32,
    protocol: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct HealthCheck {
    command: Vec<String>,
    interval: Option<i32>,
    timeout: Option<i32>,
    retries: Option<i32>,
    start_period: Option<i32>,
}

#[derive(Clone, Debug, Deserialize)]
struct Log {
    group: String,
    region: String,
    stream_prefix: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Dependency {
    container: String,
    condition: String,
}

fn yes() -> bool {
    true
}

/// Text by name. A whole-value reference (`${db.endpoint_port}`) brings the other's type with it, so numbers and booleans are taken too.
fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let map = BTreeMap::<String, Value>::deserialize(from)?;
    map.into_iter()
        .map(|(name, value)| match value {
            Value::Text(text) => Ok((name, text)),
            Value::Int(int) => Ok((name, int.to_string())),
            Value::Bool(bool) => Ok((name, bool.to_string())),
            _ => Err(serde::de::Error::custom(format!("{name} is not text"))),
        })
        .collect()
}

impl ContainerSpec {
    /// As `RegisterTaskDefinition` takes it. Lists stand in the order of their names, so that equal wishes make equal definitions.
    pub fn to_aws(&self, kind: &KindName) -> Result<ContainerDefinition, CloudError> {
        let malformed =
            |e: aws_smithy_types::error::operation::BuildError| CloudError::malformed(kind, e);
        let secrets = self
            .secrets
            .iter()
            .map(|(name, from)| {
                Secret::builder()
                    .name(name)
                    .value_from(from)
                    .build()
                    .map_err(malformed)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let dependencies = self
            .depends_on
            .iter()
            .map(|dependency| dependency.to_aws().map_err(malformed))
            .collect::<Result<Vec<_>, _>>()?;
        let check = self.health_check.as_ref().map(HealthCheck::to_aws);
        let log = self.log.as_ref().map(Log::to_aws);
        let environment = self
            .environment
            .iter()
            .map(|(name, value)| KeyValuePair::builder().name(name).value(value).build())
            .collect();
        Ok(ContainerDefinition::builder()
            .name(&self.name)
            .image(&self.image)
            .essential(self.essential)
            .set_command(some(self.command.clone()))
            .set_entry_point(some(self.entrypoint.clone()))
            .set_port_mappings(some(self.port_mappings.iter().map(Port::to_aws).collect()))
            .set_environment(Some(environment))
            .set_secrets(some(secrets))
            .set_depends_on(some(dependencies))
            .set_health_check(check.transpose().map_err(malformed)?)
            .set_log_configuration(log.transpose().map_err(malformed)?)
            .set_stop_timeout(self.stop_timeout)
            .set_readonly_root_filesystem(self.readonly_root.then_some(true))
            .set_user(self.user.clone())
            .set_cpu(self.cpu)
            .set_memory(self.memory)
            .build())
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

type Built<T> = Result<T, aws_smithy_types::error::operation::BuildError>;

impl Port {
    fn to_aws(&self) -> PortMapping {
        PortMapping::builder()
            .container_port(self.container_port)
            .protocol(
                self.protocol
                    .as_deref()
                    .map_or(TransportProtocol::Tcp, TransportProtocol::from),
            )
            .build()
    }
}

impl HealthCheck {
    fn to_aws(&self) -> Built<InnerCheck> {
        InnerCheck::builder()
            .set_command(Some(self.command.clone()))
            .set_interval(self.interval)
            .set_timeout(self.timeout)
            .set_retries(self.retries)
            .set_start_period(self.start_period.filter(|seconds| *seconds != 0))
            .build()
    }
}

impl Log {
    fn to_aws(&self) -> Built<LogConfiguration> {
        LogConfiguration::builder()
            .log_driver(LogDriver::Awslogs)
            .options("awslogs-group", &self.group)
            .options("awslogs-region", &self.region)
            .options("awslogs-stream-prefix", &self.stream_prefix)
            .build()
    }
}

impl Dependency {
    fn to_aws(&self) -> Built<ContainerDependency> {
        ContainerDependency::builder()
            .container_name(&self.container)
            .condition(ContainerCondition::from(self.condition.as_str()))
            .build()
    }
}

/// A live container in the field table's shape. What AWS fills in is told, what is the same as absent is left out.
pub fn observed(container: &ContainerDefinition) -> Value {
    let ports = container
        .port_mappings()
        .iter()
        .map(observed_port)
        .collect();
    let environment = container.environment().iter().filter_map(|pair| {
        Some((
            pair.name()?.to_owned(),
            Value::text(pair.value().unwrap_or_default()),
        ))
    });
    let secrets = container
        .secrets()
        .iter()
        .map(|secret| (secret.name().to_owned(), Value::text(secret.value_from())));
    let dependencies = container.depends_on().iter().map(|dependency| {
        Value::map([
            ("container", Value::text(dependency.container_name())),
            ("condition", Value::text(dependency.condition().as_str())),
        ])
    });
    let whole = [
        ("name", Value::from(container.name())),
        ("image", container.image().into()),
        ("essential", container.essential().unwrap_or(true).into()),
        ("command", container.command().to_vec().into()),
        ("entrypoint", container.entry_point().to_vec().into()),
        ("port_mappings", Value::List(ports)),
        ("environment", Value::map(environment)),
        ("secrets", Value::map(secrets)),
        (
            "health_check",
            container
                .health_check()
                .map(observed_check)
                .unwrap_or_default(),
        ),
        ("stop_timeout", container.stop_timeout().into()),
        (
            "log",
            container
                .log_configuration()
                .map(observed_log)
                .unwrap_or_default(),
        ),
        (
            "readonly_root",
            container.readonly_root_filesystem().unwrap_or(false).into(),
        ),
        ("depends_on", Value::List(dependencies.collect())),
        (
            "user",
            container.user().filter(|user| !user.is_empty()).into(),
        ),
        (
            "cpu",
            Some(container.cpu()).filter(|units| *units != 0).into(),
        ),
        ("memory", container.memory().into()),
    ];
    Value::map(whole.into_iter().filter(|(_, value)| !value.is_null()))
}

fn observed_port(port: &PortMapping) -> Value {
    let protocol = port.protocol().map_or("tcp", |protocol| protocol.as_str());
    Value::map([
        ("container_port", Value::from(port.container_port())),
        ("protocol", Value::text(protocol)),
    ])
}

fn observed_check(check: &InnerCheck) -> Value {
    Value::map([
        ("command", Value::from(check.command().to_vec())),
        ("interval", check.interval().unwrap_or(30).into()),
        ("timeout", check.timeout().unwrap_or(5).into()),
        ("retries", check.retries().unwrap_or(3).into()),
        ("start_period", check.start_period().unwrap_or(0).into()),
    ])
}

/// Another driver than awslogs, or another option, is told too, so that it shows as a difference.
fn observed_log(log: &LogConfiguration) -> Value {
    let none = HashMap::new();
    let options = log.options().unwrap_or(&none);
    let option = |name: &str| Value::from(options.get(name).cloned());
    let group = match log.log_driver() {
        LogDriver::Awslogs => option("awslogs-group"),
        other => Value::text(format!("(driver {})", other.as_str())),
    };
    Value::map([
        ("group", group),
        ("region", option("awslogs-region")),
        ("stream_prefix", option("awslogs-stream-prefix")),
    ])
}

#[cfg(test)]
mod tests;
