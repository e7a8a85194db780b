//! Where values come from, environments, and what they change.

use std::time::Duration;

use super::support::{loaded, pair, with};
use crate::model::Value;
use crate::stack::{Loaded, VarFile};

const PRECEDENCE: &str = "\
stack: demo
variables: { n: { default: 1 }, unset: { default: null }, list: { default: [a] } }
default_environment: dev
environments:
  dev: {}
  prod: { variables: { n: 3 } }
resources: {}
";

fn n(loaded: &Loaded) -> i64 {
    loaded.stack.variables["n"].as_int().unwrap()
}

#[test]
fn the_nearest_source_of_a_variable_wins() {
    let argument = vec![pair("n", "5")];
    let files = vec![VarFile {
        name: "a.yaml".into(),
        text: "n: 4\n".into(),
    }];
    let process = vec![pair("CIRCLES_VAR_n", "2")];
    assert_eq!(n(&loaded(PRECEDENCE)), 1);
    assert_eq!(
        n(&with(PRECEDENCE, |r| r.process = process.clone()).unwrap()),
        2
    );
    let prod = with(PRECEDENCE, |r| {
        r.environment = Some("prod");
        r.process = process.clone();
    });
    assert_eq!(n(&prod.unwrap()), 3);
    let file = with(PRECEDENCE, |r| {
        r.environment = Some("prod");
        r.process = process.clone();
        r.files = files.clone();
    });
    assert_eq!(n(&file.unwrap()), 4);
    let all = with(PRECEDENCE, |r| {
        r.environment = Some("prod");
        r.process = process.clone();
        r.files = files.clone();
        r.variables = argument.clone();
    });
    assert_eq!(n(&all.unwrap()), 5);
}

#[test]
fn the_sandbox_has_defaults_of_its_own() {
    const STACK: &str = "\
stack: demo
variables: { n: { default: 1, sandbox: 7 }, debug: { default: null, sandbox: \"true\" } }
default_environment: dev
environments:
  dev: {}
  prod: { variables: { n: 3 } }
resources: {}
";
    let elsewhere = loaded(STACK);
    assert_eq!(n(&elsewhere), 1);
    assert_eq!(elsewhere.stack.variables["debug"], Value::Null);
    let sandbox = with(STACK, |r| r.sandbox = true).unwrap();
    assert_eq!(n(&sandbox), 7);
    assert_eq!(sandbox.stack.variables["debug"], Value::text("true"));
    let prod = with(STACK, |r| {
        r.sandbox = true;
        r.environment = Some("prod");
        r.variables = vec![pair("debug", "null")];
    });
    let prod = prod.unwrap();
    assert_eq!(n(&prod), 3, "what an environment says is no default");
    assert_eq!(prod.stack.variables["debug"], Value::Null);
}

#[test]
fn text_from_outside_is_read_as_the_variables_type() {
    let given = vec![pair("list", "b, c"), pair("unset", "null")];
    let loaded = with(PRECEDENCE, |r| r.variables = given).unwrap();
    assert_eq!(
        loaded.stack.variables["list"],
        Value::from(vec!["b".to_owned(), "c".to_owned()])
    );
    assert_eq!(loaded.stack.variables["unset"], Value::Null);
    let wrong = vec![pair("n", "many"), pair("m", "1")];
    let report = with(PRECEDENCE, |r| r.variables = wrong).unwrap_err();
    insta::assert_snapshot!(report);
}

#[test]
fn a_stray_variable_in_the_process_environment_only_warns() {
    let process = vec![pair("CIRCLES_VAR_lisst", "2"), pair("HOME", "/")];
    let loaded = with(PRECEDENCE, |r| r.process = process.clone()).unwrap();
    let warnings: Vec<String> = loaded
        .stack
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        warnings,
        [
            "W0305 CIRCLES_VAR_lisst is set, and the stack has no variable `lisst` (help: did you mean `list`?)"
        ]
    );
}

/// Long: one file, then what each environment makes of it.
#[test]
fn an_environment_lays_its_fields_over_the_files() {
    let text = "\
stack: demo
region: us-east-1
tags: { Project: demo, Team: a }
default_environment: dev
environments:
  dev: { ephemeral: true }
  prod:
    account: \"111122223333\"
    protect: true
    tags: { Team: b }
    resources:
      media: { versioning: true, tags: { Kind: media } }
      scratch: { when: false }
resources:
  media: { type: s3.bucket, name: \"${prefix}-media\", force_destroy: true }
  scratch: { type: s3.bucket, name: \"${prefix}-scratch\", when: true }
  note: { type: logs.log_group, name: \"/${scratch.name}\", kms_key: \"${scratch.arn}\", when: true }
  logs:
    type: logs.log_group
    name: /demo/${env}
    kms_key: ${scratch.arn}
    retain: true
    ignore: [retention_days]
    depends_on: [media]
    timeouts: { create: 1h30m, delete: 90s }
outputs: { bucket: \"${scratch.name}\" }
";
    let dev = loaded(text).stack;
    assert!(dev.ephemeral && !dev.protect);
    assert_eq!(dev.other_accounts, ["111122223333"]);
    assert_eq!(
        dev.resource("media").unwrap().attributes.text("name"),
        Some("demo-media")
    );
    assert_eq!(
        dev.resource("media")
            .unwrap()
            .attributes
            .get("force_destroy"),
        &Value::Bool(true)
    );
    let logs = dev.resource("logs").unwrap();
    assert!(logs.retain);
    assert_eq!(logs.ignore, ["retention_days"]);
    assert_eq!(logs.depends_on, ["media".into()]);
    assert_eq!(logs.timeouts["create"], Duration::from_secs(5400));
    assert!(logs.attributes.get("kms_key").is_pending());

    // `note` needs the name of what is switched off.
    let report = with(text, |r| r.environment = Some("prod")).unwrap_err();
    assert!(report.contains("`name` is required"), "{report}");
    let text = text
        .replace("  note: { type", "  note: { tags: {}, type")
        .replace("when: true }\n  logs", "when: false }\n  logs");
    let prod = with(&text, |r| r.environment = Some("prod")).unwrap().stack;
    assert!(prod.resource("scratch").is_none());
    let media = prod.resource("media").unwrap();
    assert_eq!(media.attributes.text("name"), Some("demo-prod-media"));
    assert_eq!(media.attributes.get("versioning"), &Value::Bool(true));
    // Protection wins over the file's word.
    assert_eq!(media.attributes.get("force_destroy"), &Value::Bool(false));
    assert!(media.protect);
    let tags: Vec<(&str, &str)> = media
        .tags
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        tags,
        [
            ("Kind", "media"),
            ("Name", "demo-prod-media"),
            ("Project", "demo"),
            ("Team", "b"),
            // AWS itself would delete a bucket.
            ("circles-infra:protect", "true")
        ]
    );
    assert_eq!(prod.outputs, [("bucket".to_owned(), Value::Null)]);
    assert_eq!(prod.account.as_deref(), Some("111122223333"));
    assert!(
        prod.resource("logs")
            .unwrap()
            .attributes
            .get("kms_key")
            .is_null()
    );
    assert_ne!(dev.digest, prod.digest);
}

#[test]
fn a_moved_component_takes_all_it_makes_along() {
    let text = "\
stack: demo
moved: [{ from: net, to: network }]
resources:
  network: { type: network, cidr: 10.0.0.0/16, public_subnets: [10.0.1.0/24] }
";
    let moved = loaded(text).stack.moved;
    let moved: Vec<String> = moved
        .iter()
        .map(|(from, to)| format!("{from} → {to}"))
        .collect();
    insta::assert_snapshot!(moved.join("\n"), @r"
    net/vpc → network/vpc
    net/public-subnet-1 → network/public-subnet-1
    net/internet-gateway → network/internet-gateway
    net/public-route-table → network/public-route-table
    ");
}

#[test]
fn an_existing_network_makes_nothing_and_is_referred_to() {
    let text = "\
stack: demo
resources:
  network: { type: network, existing: { tags: { Name: shared }, private_subnets: [subnet-1, subnet-2] } }
  cluster: { type: ecs.cluster, existing: { name: shared } }
  alb: { type: load_balancer, network: \"${network}\" }
  db: { type: postgres, network: \"${network}\", version: \"16\", instance_class: db.t4g.small }
outputs: { cluster: \"${cluster.arn}\" }
";
    let stack = loaded(text).stack;
    assert!(stack.resource("network/vpc").is_none() && stack.resource("cluster").is_none());
    let found: Vec<_> = stack
        .existing
        .iter()
        .map(|e| (e.address.as_str(), e.kind.as_str(), e.criteria.len()))
        .collect();
    assert_eq!(
        found,
        [("network", "network", 1), ("cluster", "ecs.cluster", 1)]
    );
    let balancer = stack.resource("alb/load-balancer").unwrap();
    assert_eq!(
        balancer.attributes.get("subnets"),
        &Value::reference(&"network".into(), "public_subnets")
    );
    assert!(balancer.depends_on.is_empty());
    let subnets = stack
        .resource("db/subnet-group")
        .unwrap()
        .attributes
        .get("subnets");
    assert_eq!(
        subnets,
        &Value::from(vec!["subnet-1".to_owned(), "subnet-2".to_owned()])
    );
    assert_eq!(
        stack.outputs[0].1,
        Value::reference(&"cluster".into(), "arn")
    );
}

#[test]
fn the_suffix_is_derived_and_can_be_set() {
    let text = "stack: demo\nresources: { b: { type: s3.bucket, name: \"x-${suffix}\" } }\n";
    let name = |text: &str| {
        loaded(text).stack.resources[0]
            .attributes
            .text("name")
            .unwrap()
            .to_owned()
    };
    let derived = name(text);
    assert_eq!(derived.len(), 10);
    assert_eq!(derived, name(text));
    assert_eq!(name(&format!("{text}suffix: ab12\n")), "x-ab12");
}

#[test]
fn dollars_are_escaped_by_doubling() {
    let text = "stack: demo\nresources: { l: { type: secretsmanager.secret, name: \"/$${x}/${env}\", description: $5 } }\n";
    let stack = loaded(
        &text
            .replace("/$${x}/", "/a/")
            .replace("description: $5", "description: \"$${key}\""),
    )
    .stack;
    assert_eq!(
        stack.resources[0].attributes.text("description"),
        Some("${key}")
    );
}

#[test]
fn what_leads_back_to_itself_through_components_is_a_circle() {
    let text = "\
stack: demo
resources:
  network: { type: network, cidr: 10.0.0.0/16, private_subnets: [10.0.1.0/24, 10.0.2.0/24], nat_gateways: none }
  db: { type: postgres, network: \"${network}\", version: \"16\", instance_class: db.t4g.small, database: \"${db.database}\" }
";
    let report = with(text, |_| {}).unwrap_err();
    assert!(report.contains("E0404"), "{report}");
}

#[test]
fn only_what_a_look_up_tells_can_be_referred_to() {
    let text = "\
stack: demo
resources:
  network: { type: network, existing: { vpc_id: vpc-1 } }
outputs: { ips: \"${network.nat_ips}\" }
";
    let report = with(text, |_| {}).unwrap_err();
    assert!(
        report.contains("E0402") && report.contains("private_subnets"),
        "{report}"
    );
}

#[test]
fn a_bare_subnet_takes_its_zone_by_index() {
    let text = "\
stack: demo
resources: { one: { type: ec2.subnet, vpc_id: vpc-1, cidr: 10.0.0.0/24, availability_zone: 1 } }
";
    let stack = loaded(text).stack;
    assert_eq!(
        stack.resources[0].attributes.text("availability_zone"),
        Some("us-east-1b")
    );
}

#[test]
fn ten_thousand_resources_load_in_linear_time() {
    let text = |count: usize| {
        let mut text = String::from("stack: demo\nresources:\n");
        for i in 0..count {
            text.push_str(&format!(
                "  b{i}:\n    type: s3.bucket\n    name: ${prefix}-{i}\n",
                prefix = "{prefix}"
            ));
            if i > 0 {
                text.push_str(&format!("    depends_on: [b{}]\n", i - 1));
            }
        }
        text
    };
    let time = |count: usize| {
        let text = text(count);
        let start = std::time::Instant::now();
        assert_eq!(loaded(&text).stack.resources.len(), count);
        start.elapsed()
    };
    // Ten times the work in far less than a hundred times the time; three tries, since others use the machine, too.
    let is_linear = || time(10_000) < time(1000) * 30;
    assert!((0..3).any(|_| is_linear()));
}
