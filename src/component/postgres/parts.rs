//! What a database stands on, and what it says of itself.

use crate::component::{Accepts, Build};
use crate::model::{Expr, Part, Reference, SecretRef, Value};

const PORT: i64 = 5432;

pub(super) fn expand(build: &mut Build<'_>) {
    let plain: String = build.place.stack.replace('-', "_");
    let database = build.text_or("database", plain.clone());
    let username = build.text_or("username", plain);
    master_secret(build);
    groups(build);
    security_group(build);
    instance(build, &database, &username);
    exports(build, &database, &username);
}

fn password(build: &Build<'_>) -> SecretRef {
    SecretRef {
        address: build.entry.child("master"),
        key: "password".into(),
    }
}

fn master_secret(build: &mut Build<'_>) {
    let name = build.text_or(
        "secret_name",
        format!("{}/{}-master", build.place.prefix, build.entry),
    );
    // RDS takes 8 to 128 characters; letters and digits need no escaping in a URL.
    let key = Value::map([("generate", Value::Int(32))]);
    build
        .make(
            "master",
            "secretsmanager.secret",
            [
                ("name", name),
                (
                    "description",
                    Value::from("Master password of the database"),
                ),
                ("recovery_window", build.get("secret_recovery_window")),
                ("keys", Value::map([("password", key)])),
            ],
        )
        .from("name", "secret_name")
        .from("recovery_window", "secret_recovery_window");
}

fn groups(build: &mut Build<'_>) {
    let subnet_group = build.name_or("subnet_group_name", "-subnets");
    build
        .make(
            "subnet-group",
            "rds.db_subnet_group",
            [
                ("name", subnet_group),
                ("description", build.get("subnet_group_description")),
                ("subnets", build.of("network", "private_subnets")),
            ],
        )
        .from("name", "subnet_group_name")
        .from("description", "subnet_group_description")
        .from("subnets", "network");
    let version = build.fields.text("version").unwrap_or_default();
    let major = version.split('.').next().unwrap_or_default();
    let mut parameters = build
        .get("parameters")
        .as_map()
        .cloned()
        .unwrap_or_default();
    parameters
        .entry("rds.force_ssl".into())
        .or_insert_with(|| Value::from("1"));
    let family = Value::Text(format!("postgres{major}"));
    let parameter_group = build.name_or("parameter_group_name", "-parameters");
    build
        .make(
            "parameter-group",
            "rds.db_parameter_group",
            [
                ("name", parameter_group),
                ("family", family),
                ("description", build.get("parameter_group_description")),
                ("parameters", Value::Map(parameters)),
            ],
        )
        .from("name", "parameter_group_name")
        .from("family", "version")
        .from("description", "parameter_group_description");
}

fn security_group(build: &mut Build<'_>) {
    let ingress = build.list("allow").iter().map(|network| {
        let is_v6 = network.as_text().is_some_and(|n| n.contains(':'));
        Value::map([
            ("protocol", Value::from("tcp")),
            ("from_port", Value::Int(PORT)),
            ("to_port", Value::Int(PORT)),
            (if is_v6 { "cidr_ipv6" } else { "cidr" }, network.clone()),
        ])
    });
    let ingress = Value::List(ingress.collect());
    let name = build.name_or("security_group_name", "-sg");
    build
        .make(
            "security-group",
            "ec2.security_group",
            [
                ("vpc_id", build.of("network", "vpc_id")),
                ("name", name),
                ("description", build.get("security_group_description")),
                ("ingress", ingress),
            ],
        )
        .from("name", "security_group_name")
        .from("description", "security_group_description")
        .from("ingress", "allow");
    build.accepts = Some(Accepts {
        security_group: build.entry.child("security-group"),
        port: PORT,
        what: "PostgreSQL",
    });
}

fn instance(build: &mut Build<'_>, database: &Value, username: &Value) {
    let identifier = build.name_or("name", "");
    let secret = Value::Expr(Expr(vec![Part::Secret(password(build))]));
    let passed = [
        "instance_class",
        "storage",
        "storage_type",
        "iops",
        "max_storage",
        "multi_az",
        "backup_retention",
        "backup_window",
        "maintenance_window",
        "deletion_protection",
        "skip_final_snapshot",
        "auto_minor_version_upgrade",
        "performance_insights",
        "ca_certificate",
    ];
    let passed: Vec<(&str, Value)> = passed
        .into_iter()
        .map(|field| (field, build.get(field)))
        .filter(|(_, value)| !value.is_null())
        .collect();
    let security_groups = Value::List(vec![build.own("security-group", "id")]);
    let draft = build.make(
        "instance",
        "rds.db_instance",
        [
            ("identifier", identifier),
            ("engine_version", build.get("version")),
            ("db_name", database.clone()),
            ("username", username.clone()),
            ("password", secret),
            ("subnet_group", build.own("subnet-group", "name")),
            ("parameter_group", build.own("parameter-group", "name")),
            ("security_groups", security_groups),
        ],
    );
    for (field, value) in passed {
        draft.set(field, value);
    }
    draft
        .from("identifier", "name")
        .from("engine_version", "version")
        .from("db_name", "database");
}

fn exports(build: &mut Build<'_>, database: &Value, username: &Value) {
    for attribute in ["id", "arn", "endpoint_address", "endpoint_port"] {
        build.export(attribute, build.own("instance", attribute));
    }
    build.export("database", database.clone());
    build.export("username", username.clone());
    let secret = Part::Secret(password(build));
    build.export("password", Value::Expr(Expr(vec![secret.clone()])));
    build.export("security_group", build.own("security-group", "id"));
    build.export("secret_arn", build.own("master", "arn"));
    let instance = build.entry.child("instance");
    let hole = |attribute: &str| {
        Part::Ref(Reference {
            address: instance.clone(),
            attribute: attribute.into(),
        })
    };
    let sslmode = build.fields.text("sslmode").unwrap_or("require");
    let mut url = vec![Part::Text("postgresql://".into())];
    url.extend(parts(username));
    url.extend([
        Part::Text(":".into()),
        secret,
        Part::Text("@".into()),
        hole("endpoint_address"),
        Part::Text(":".into()),
        hole("endpoint_port"),
        Part::Text("/".into()),
    ]);
    url.extend(parts(database));
    url.push(Part::Text(format!("?sslmode={sslmode}")));
    build.export("url", Value::Expr(Expr(merge(url))));
}

fn parts(value: &Value) -> Vec<Part> {
    match value {
        Value::Text(text) => vec![Part::Text(text.clone())],
        Value::Expr(expr) => expr.0.clone(),
        _ => Vec::new(),
    }
}

/// Neighbouring texts become one.
fn merge(parts: Vec<Part>) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::new();
    for part in parts {
        match (merged.last_mut(), part) {
            (Some(Part::Text(text)), Part::Text(more)) => text.push_str(&more),
            (_, part) => merged.push(part),
        }
    }
    merged
}
