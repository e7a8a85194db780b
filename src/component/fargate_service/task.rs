//! The task definition: one container.

use std::collections::BTreeMap;

use super::super::policy::followed_by;
use super::super::{Build, policy};
use super::container;
use crate::diagnostic::code;
use crate::model::{Address, Value};

pub fn definition(build: &mut Build<'_>) {
    let (environment, secrets) = (build.get("environment"), secrets(build));
    let port = match build.get("port") {
        Value::Null => Value::Null,
        port => Value::List(vec![Value::map([("container_port", port)])]),
    };
    let log_prefix = build.text_or("log_prefix", build.entry.to_string());
    let log = Value::map([
        ("group", build.of("log_group", "name")),
        ("region", Value::text(&build.place.region)),
        ("stream_prefix", log_prefix),
    ]);
    let image = image(build);
    let source_of_image = ["image", "image_digest", "image_tag"]
        .into_iter()
        .find(|field| build.given(field))
        .unwrap_or("repository");
    let container = [
        ("name", Value::Text(container(build))),
        ("image", image),
        ("command", build.get("command")),
        ("entrypoint", build.get("entrypoint")),
        ("port_mappings", port),
        ("environment", environment),
        ("secrets", secrets),
        ("health_check", build.get("container_health_check")),
        ("stop_timeout", build.get("stop_timeout")),
        ("readonly_root", build.get("readonly_root")),
        ("user", build.get("user")),
        ("log", log),
    ];
    let container = Value::map(container.into_iter().filter(|(_, value)| !value.is_null()));
    let family = build.name_or("family", "");
    build
        .make(
            "task-definition",
            "ecs.task_definition",
            [
                ("family", family),
                ("cpu", build.get("cpu")),
                ("memory", build.get("memory")),
                ("architecture", build.get("architecture")),
                ("execution_role", build.own("execution-role", "arn")),
                ("task_role", build.own("task-role", "arn")),
                ("containers", Value::List(vec![container])),
            ],
        )
        .from("containers", "environment")
        .from("containers.0.environment", "environment")
        .from("containers.0.secrets", "secrets")
        .from("containers.0.image", source_of_image)
        .from("containers.0.health_check", "container_health_check")
        .from("containers.0.command", "command")
        .from("containers.0.entrypoint", "entrypoint")
        .from("containers.0.user", "user")
        .from("containers.0.name", "container_name")
        .from("containers.0.log.stream_prefix", "log_prefix");
}

fn image(build: &mut Build<'_>) -> Value {
    match (build.given("repository"), build.get("image")) {
        (false, Value::Null) => {
            build.problem(
                "",
                code::MISSING,
                "it is not said which image runs",
                Some("give `repository: ${…}`, or a whole name as `image`".into()),
            );
            Value::Null
        }
        (true, Value::Null) => {
            let url = build.of("repository", "url");
            match (build.get("image_digest"), build.get("image_tag")) {
                (Value::Null, tag) => policy::joined(&followed_by(&url, ":"), &tag),
                (digest, _) => {
                    check_digest(build, &digest);
                    policy::joined(&followed_by(&url, "@"), &digest)
                }
            }
        }
        (repository, image) => {
            if repository {
                build.problem(
                    "image",
                    code::CONTRADICTION,
                    "`image` and `repository` both say which image runs",
                    Some("keep one of the two".into()),
                );
            }
            image
        }
    }
}

/// AWS takes a task definition with any image; the task of one that no registry can have never starts.
fn check_digest(build: &mut Build<'_>, digest: &Value) {
    let Some(text) = digest.as_text() else {
        return;
    };
    let right = text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    });
    if !right {
        build.problem(
            "image_digest",
            code::NAME_RULE,
            format!("`{text}` is not an image's digest"),
            Some("`sha256:` and 64 lowercase hexadecimal digits, as the registry shows it".into()),
        );
    }
}

/// Variable to `arn:KEY::`. Which keys a secret has beyond those declared is its owner's business; a key that the live secret lacks
/// makes its reference unset, and the variable is left out.
fn secrets(build: &Build<'_>) -> Value {
    let mut secrets: BTreeMap<String, Value> =
        build.get("secrets").as_map().cloned().unwrap_or_default();
    let environment = build.get("environment");
    let plain = |name: &str| {
        environment
            .as_map()
            .is_some_and(|map| map.contains_key(name))
    };
    for entry in build.list("secrets_from").iter().filter_map(Value::as_text) {
        let keys = build
            .peers
            .attributes(entry)
            .and_then(|attributes| attributes.get("keys").as_map());
        for key in keys.into_iter().flat_map(|keys| keys.keys()) {
            // ECS refuses a name that is both a variable and a secret.
            if !plain(key) && !secrets.contains_key(key) {
                let arn = Value::reference(&Address::from(entry), &format!("key_arns.{key}"));
                secrets.insert(key.clone(), arn);
            }
        }
    }
    Value::Map(secrets)
}
