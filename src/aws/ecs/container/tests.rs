use super::*;
use crate::model::Attributes;

const KIND: KindName = KindName::new("ecs.task_definition");

fn spec(value: Value) -> ContainerSpec {
    #[derive(Deserialize)]
    struct Holder {
        container: ContainerSpec,
    }
    Attributes::new([("container", value)])
        .decode::<Holder>()
        .unwrap()
        .container
}

fn equal(desired: &Value, live: &ContainerDefinition) -> bool {
    *desired == observed(live)
}

fn small() -> Vec<(&'static str, Value)> {
    vec![
        ("name", "app".into()),
        ("image", "app@sha256:1".into()),
        ("essential", true.into()),
        ("command", Value::List(vec![])),
        ("entrypoint", Value::List(vec![])),
        ("port_mappings", Value::List(vec![])),
        ("environment", Value::map::<&str>([])),
        ("secrets", Value::map::<&str>([])),
        ("readonly_root", false.into()),
        ("depends_on", Value::List(vec![])),
    ]
}

fn full() -> Value {
    let mut parts = small();
    parts.extend([
        ("command", vec!["serve", "--port", "80"].into()),
        (
            "port_mappings",
            Value::List(vec![Value::map([
                ("container_port", 80.into()),
                ("protocol", "tcp".into()),
            ])]),
        ),
        (
            "environment",
            Value::map([("B", "2".into()), ("A", Value::text("1"))]),
        ),
        (
            "secrets",
            Value::map([("TOKEN", Value::text("arn:s:TOKEN::"))]),
        ),
        (
            "health_check",
            Value::map([
                ("command", vec!["CMD-SHELL", "true"].into()),
                ("interval", 30.into()),
                ("timeout", 5.into()),
                ("retries", 3.into()),
                ("start_period", Value::from(0)),
            ]),
        ),
        (
            "log",
            Value::map([
                ("group", "/ecs/app".into()),
                ("region", "eu-west-1".into()),
                ("stream_prefix", Value::text("app")),
            ]),
        ),
        ("user", "1000".into()),
        ("cpu", 256.into()),
    ]);
    Value::map(parts)
}

#[test]
fn a_container_survives_the_way_to_aws_and_back() {
    for wish in [full(), Value::map(small())] {
        let sent = spec(wish.clone()).to_aws(&KIND).unwrap();
        assert!(equal(&wish, &sent), "{wish:?}\n{:?}", observed(&sent));
    }
}

#[test]
fn what_aws_fills_in_or_drops_is_no_difference() {
    let bare = ContainerDefinition::builder()
        .name("app")
        .image("app@sha256:1")
        .build();
    let filled = ContainerDefinition::builder()
        .name("app")
        .image("app@sha256:1")
        .essential(true)
        .cpu(0)
        .set_environment(Some(vec![]))
        .set_mount_points(Some(vec![]))
        .readonly_root_filesystem(false)
        .build();
    for live in [bare, filled] {
        assert!(equal(&Value::map(small()), &live), "{:?}", observed(&live));
    }
}

#[test]
fn host_port_and_order_are_no_difference() {
    let wish = full();
    let mut live = spec(wish.clone()).to_aws(&KIND).unwrap();
    live.port_mappings = Some(vec![
        PortMapping::builder()
            .container_port(80)
            .host_port(80)
            .build(),
    ]);
    if let Some(environment) = &mut live.environment {
        environment.reverse();
    }
    assert!(equal(&wish, &live));
}

#[test]
fn a_changed_variable_image_or_check_is_a_difference() {
    let wish = full();
    let sent = || spec(wish.clone()).to_aws(&KIND).unwrap();
    let mut image = sent();
    image.image = Some("app@sha256:2".into());
    let mut variable = sent();
    variable.environment = None;
    let mut check = sent();
    check.health_check = None;
    for live in [image, variable, check] {
        assert!(!equal(&wish, &live));
    }
    // What is there and not wished for any more counts too.
    assert!(!equal(&Value::map(small()), &sent()));
}

#[test]
fn numbers_by_reference_become_text_in_the_environment() {
    let mut parts = small();
    parts.push(("environment", Value::map([("PORT", Value::Int(5432))])));
    let sent = spec(Value::map(parts)).to_aws(&KIND).unwrap();
    assert_eq!(sent.environment()[0].value(), Some("5432"));
}

#[test]
fn another_log_driver_is_a_difference() {
    let wish = full();
    let mut live = spec(wish.clone()).to_aws(&KIND).unwrap();
    live.log_configuration = LogConfiguration::builder()
        .log_driver(LogDriver::Splunk)
        .build()
        .ok();
    assert!(!equal(&wish, &live));
}
