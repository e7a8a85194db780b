//! The real stack, and the examples: the facts that they have to give.

use std::collections::BTreeMap;

use super::support::{CATALOG, loaded, pair, with};
use crate::graph::Graph;
use crate::kind::{Field, Type};
use crate::model::Value;
use crate::stack::Stack;

const CIRCLES: &str = include_str!("../../../stacks/circles.yaml");

fn addresses(stack: &Stack) -> String {
    let lines = stack
        .resources
        .iter()
        .map(|r| format!("{} {}", r.address, r.kind));
    lines.collect::<Vec<_>>().join("\n")
}

fn text<'s>(stack: &'s Stack, address: &str, field: &str) -> &'s str {
    stack
        .resource(address)
        .unwrap()
        .attributes
        .text(field)
        .unwrap_or("(none)")
}

/// Every address with its AWS name.
fn names(stack: &Stack) -> BTreeMap<&str, &str> {
    let named = stack.resources.iter().filter_map(|resource| {
        let name = ["name", "identifier", "family"]
            .iter()
            .find_map(|f| resource.attributes.text(f))?;
        Some((resource.address.as_str(), name))
    });
    named.collect()
}

#[test]
fn circles_has_its_resources_under_their_names() {
    let stack = loaded(CIRCLES).stack;
    insta::assert_snapshot!("circles-addresses", addresses(&stack));
    let names = names(&stack);
    for (address, name) in [
        ("alb/security-group", "circles-alb-sg"),
        ("app/security-group", "circles-ecs-sg"),
        ("db/security-group", "circles-rds-sg"),
        ("alb/load-balancer", "circles-alb"),
        ("app/target-group", "circles-tg"),
        ("cluster", "circles-cluster"),
        ("app/task-definition", "circles-task"),
        ("app/service", "circles-svc"),
        ("db/instance", "circles-db"),
        ("images", "circles-app"),
        ("config", "circles/app-config"),
        ("db/master", "circles/db-master"),
        ("logs", "/ecs/circles"),
    ] {
        assert_eq!(names[address], name);
    }
    assert!(names["media"].starts_with("circles-media-"));
    let outputs: Vec<&str> = stack
        .outputs
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        outputs,
        [
            "alb_dns_name",
            "aws_region",
            "ecr_repository_url",
            "s3_bucket",
            "rds_endpoint",
            "ecs_cluster",
            "ecs_service",
            "log_group"
        ]
    );
    let service = &stack.services[0];
    assert_eq!(
        (service.container.as_str(), service.image.as_text()),
        ("app", Some("latest"))
    );
}

#[test]
fn in_prod_no_name_is_the_default_environments() {
    let (dev, prod) = (
        loaded(CIRCLES).stack,
        with(CIRCLES, |ask| ask.environment = Some("prod"))
            .unwrap()
            .stack,
    );
    let taken: Vec<&str> = names(&dev).into_values().collect();
    for (address, name) in names(&prod) {
        assert!(
            !taken.contains(&name) && name.contains("circles-prod"),
            "{address} is {name}"
        );
    }
    let db = prod.resource("db/instance").unwrap();
    for (field, value) in [
        ("deletion_protection", Value::Bool(true)),
        ("skip_final_snapshot", Value::Bool(false)),
        ("multi_az", Value::Bool(true)),
        ("backup_retention", Value::Int(14)),
    ] {
        assert_eq!(db.attributes.get(field), &value, "{field}");
    }
    assert_eq!(
        prod.resource("media")
            .unwrap()
            .attributes
            .get("force_destroy"),
        &Value::Bool(false)
    );
    assert!(prod.resource("network/nat-2").is_some());
}

#[test]
fn with_a_certificate_http_leads_to_https() {
    let arn = "arn:aws:acm:us-east-1:000000000000:certificate/1";
    let stack = with(CIRCLES, |ask| {
        ask.variables = vec![pair("certificate_arn", arn)]
    })
    .unwrap()
    .stack;
    let action = |address: &str| {
        let action = stack
            .resource(address)
            .unwrap()
            .attributes
            .get("default_action")
            .as_map()
            .unwrap();
        action["type"].as_text().unwrap().to_owned()
    };
    assert_eq!(
        (action("alb/http").as_str(), action("alb/https").as_str()),
        ("redirect", "forward")
    );
    assert_eq!(text(&stack, "alb/https", "certificate"), arn);
    let rules = stack
        .resource("alb/security-group")
        .unwrap()
        .attributes
        .get("ingress")
        .as_list()
        .unwrap();
    assert_eq!(rules.len(), 4);
    assert_eq!(
        stack.resource("app/service").unwrap().depends_on,
        ["alb/https".into(), "network/private-route-table".into()]
    );
}

#[test]
fn roles_can_do_what_the_service_needs_and_no_more() {
    let stack = loaded(CIRCLES).stack;
    let policies: BTreeMap<&str, &Value> =
        ["app/execution-role", "app/rotation-role", "app/task-role"]
            .into_iter()
            .map(|address| {
                (
                    address,
                    stack
                        .resource(address)
                        .unwrap()
                        .attributes
                        .get("inline_policies"),
                )
            })
            .collect();
    insta::assert_snapshot!(
        "circles-roles",
        serde_json::to_string_pretty(&policies).unwrap()
    );
    for resource in stack
        .resources
        .iter()
        .filter(|r| r.kind.as_str() == "iam.role")
    {
        assert_eq!(
            resource.attributes.get("managed_policies"),
            &Value::List(Vec::new())
        );
    }
}

#[test]
fn the_container_gets_secrets_by_key_and_the_rest_in_the_clear() {
    let stack = loaded(CIRCLES).stack;
    let containers = stack
        .resource("app/task-definition")
        .unwrap()
        .attributes
        .get("containers");
    let container = containers.as_list().unwrap()[0].as_map().unwrap();
    let keys = |field: &str| {
        container[field]
            .as_map()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        keys("environment"),
        [
            "APP_CHECKIN_MAX_DISTANCE_METERS",
            "APP_FSQ_TRENDING_OVERRIDE",
            "APP_JWT_EXPIRY_MINUTES",
            "APP_OTP_GUESSES_PER_PHONE_DAY",
            "APP_OTP_RATE_LIMIT_ENABLED",
            "APP_OTP_REQUESTS_BURST",
            "APP_OTP_REQUESTS_PER_MINUTE",
            "APP_STORAGE_BACKEND",
            "APP_USE_POSTGIS",
            "S3_BUCKET",
            "S3_REGION"
        ]
    );
    assert_eq!(
        keys("secrets"),
        [
            "APP_DATABASE_URL",
            "APP_FOURSQUARE_API_KEY",
            "APP_JWT_SECRET_KEY",
            "APP_JWT_SECRET_KEY_PREVIOUS",
            "APP_METRICS_TOKEN",
            "APP_OTP_SECRET_KEY"
        ]
    );
    let secret = Value::reference(&"config".into(), "key_arns.APP_DATABASE_URL");
    assert_eq!(
        container["secrets"].as_map().unwrap()["APP_DATABASE_URL"],
        secret
    );
    // No secret is in anything that is not one.
    for resource in &stack.resources {
        let secrets = resource.attributes.secrets();
        assert!(
            secrets.is_empty() || ["config", "db/instance"].contains(&resource.address.as_str())
        );
    }
}

#[test]
fn nothing_waits_in_a_circle_and_dependencies_come_first() {
    let stack = loaded(CIRCLES).stack;
    let graph = Graph::new(
        stack
            .resources
            .iter()
            .map(|r| (r.address.clone(), r.dependencies())),
    );
    let order: Vec<String> = graph
        .order()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    let at = |address: &str| order.iter().position(|a| a == address).unwrap();
    for (first, then) in [
        ("db/master", "db/instance"),
        ("db/instance", "config"),
        ("config", "app/task-definition"),
        ("alb/http", "app/service"),
        ("network/private-route-table", "app/service"),
        ("app/security-group", "db/security-group"),
    ] {
        assert!(at(first) < at(then), "{first} before {then}");
    }
}

#[test]
fn every_example_loads_in_every_environment() {
    let folder = [env!("CARGO_MANIFEST_DIR"), "examples"]
        .iter()
        .collect::<std::path::PathBuf>();
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path().join("stack.yaml");
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        for environment in if text.contains("\n  prod:") {
            vec![None, Some("prod")]
        } else {
            vec![None]
        } {
            let loaded = with(&text, |ask| {
                ask.environment = environment;
                for region in ["eu-central-1", "eu-west-1"] {
                    let here = text.contains(&format!("region: {region}"));
                    if here && (environment.is_some() || ask.facts.region == "us-east-1") {
                        ask.facts.region = region.into();
                    }
                }
            });
            let loaded = loaded.unwrap_or_else(|report| panic!("{}\n{report}", file.display()));
            fits(&loaded.stack);
        }
    }
}

#[test]
fn what_components_make_fits_the_kinds_tables() {
    let arn = pair(
        "certificate_arn",
        "arn:aws:acm:us-east-1:000000000000:certificate/1",
    );
    fits(&loaded(CIRCLES).stack);
    fits(
        &with(CIRCLES, |ask| {
            ask.variables = vec![arn, pair("nat_gateways", "per_az")]
        })
        .unwrap()
        .stack,
    );
}

/// Every attribute is a field of the kind, and of its type; every required field is there.
fn fits(stack: &Stack) {
    for resource in &stack.resources {
        let kind = CATALOG
            .get(resource.kind.as_str())
            .unwrap_or_else(|| panic!("no kind {}", resource.kind));
        object(
            kind.fields,
            &resource.attributes.0,
            resource.address.as_str(),
        );
    }
}

fn object(fields: &[Field], values: &BTreeMap<String, Value>, at: &str) {
    for (name, value) in values {
        let field = fields
            .iter()
            .find(|field| field.name == name && !field.computed);
        let field = field.unwrap_or_else(|| panic!("{at} has no field {name}"));
        fit(&field.ty, value, &format!("{at}.{name}"));
    }
    for field in fields.iter().filter(|field| field.required) {
        assert!(values.contains_key(field.name), "{at} lacks {}", field.name);
    }
}

fn fit(ty: &Type, value: &Value, at: &str) {
    match (ty, value) {
        (_, Value::Null | Value::Expr(_)) | (Type::Any | Type::Json | Type::Policy, _) => {}
        (Type::Bool, Value::Bool(_))
        | (Type::Text | Type::Version | Type::Cidr | Type::Secret, Value::Text(_)) => {}
        (Type::Int { min, max } | Type::Floor { min, max }, Value::Int(int)) => {
            assert!((min..=max).contains(&int), "{at} is {int}")
        }
        (Type::IntOf(numbers), Value::Int(int)) => assert!(numbers.contains(int), "{at} is {int}"),
        (Type::OneOf(words), Value::Text(text)) => {
            assert!(words.contains(&text.as_str()), "{at} is {text}")
        }
        (Type::List(item) | Type::Set(item), Value::List(items)) => {
            items.iter().for_each(|value| fit(item, value, at))
        }
        (Type::Map(item), Value::Map(map)) => map.values().for_each(|value| fit(item, value, at)),
        (Type::Object(fields), Value::Map(map)) => object(fields, map, at),
        (ty, value) => panic!("{at}: {value:?} is no {ty:?}"),
    }
}
