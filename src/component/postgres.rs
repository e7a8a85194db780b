//! `postgres`: an RDS PostgreSQL instance with all it stands on. Its password lives in a secret of its own, made before the instance.

use super::{Accepts, Build, Component};
use crate::kind::{Field, Literal, Type};
use crate::model::{Expr, Part, Reference, SecretRef, Value};

const PORT: i64 = 5432;

pub const POSTGRES: Component = Component {
    name: "postgres",
    doc: "An RDS PostgreSQL instance in the private subnets: subnet group, parameter group that forces TLS, security group that lets in who connects to it, and the master password in a secret of its own.",
    fields: &[
        Field::new(
            "network",
            Type::Handle(&["network"]),
            "The network it stands in.",
        )
        .required(),
        Field::new(
            "name",
            Type::Text,
            "The instance's identifier. Not given: `${prefix}-` and the entry.",
        ),
        Field::new(
            "version",
            Type::Version,
            "The version of PostgreSQL; a major one (`\"15\"`) follows AWS's minor upgrades.",
        )
        .required(),
        Field::new("instance_class", Type::Text, "Its size, `db.t4g.small`.").required(),
        Field::new(
            "storage",
            Type::Int {
                min: 20,
                max: 65536,
            },
            "GiB of storage; can grow, never shrink.",
        )
        .default(Literal::Int(20)),
        Field::new(
            "storage_type",
            Type::OneOf(&["gp3", "gp2", "io1", "io2"]),
            "The kind of volume.",
        )
        .default(Literal::Text("gp3")),
        Field::new(
            "iops",
            Type::Int {
                min: 1000,
                max: 256_000,
            },
            "Provisioned operations a second, where the storage type has them.",
        ),
        Field::new(
            "max_storage",
            Type::Int {
                min: 20,
                max: 65536,
            },
            "GiB up to which AWS may grow the storage by itself.",
        ),
        Field::new(
            "database",
            Type::Text,
            "The database made with the instance. Not given: the stack's name.",
        ),
        Field::new(
            "username",
            Type::Text,
            "The master user. Not given: the stack's name.",
        ),
        Field::new(
            "multi_az",
            Type::Bool,
            "Whether a standby in a second zone takes over.",
        )
        .default(Literal::Bool(false)),
        Field::new(
            "backup_retention",
            Type::Int { min: 0, max: 35 },
            "Days that automatic backups are kept; 0 switches them off.",
        )
        .default(Literal::Int(7)),
        Field::new(
            "backup_window",
            Type::Text,
            "When backups are made, UTC: `03:00-03:30`.",
        ),
        Field::new(
            "maintenance_window",
            Type::Text,
            "When AWS may work on it, UTC: `sun:04:00-sun:04:30`.",
        ),
        Field::new(
            "deletion_protection",
            Type::Bool,
            "Whether AWS refuses to delete it.",
        )
        .default(Literal::Bool(false)),
        Field::new(
            "skip_final_snapshot",
            Type::Bool,
            "Whether it may go without a last snapshot.",
        )
        .default(Literal::Bool(false)),
        Field::new(
            "auto_minor_version_upgrade",
            Type::Bool,
            "Whether AWS moves it to new minor versions.",
        )
        .default(Literal::Bool(true)),
        Field::new(
            "performance_insights",
            Type::Bool,
            "Whether AWS records which queries cost what.",
        ),
        Field::new(
            "ca_certificate",
            Type::Text,
            "The authority that signs its certificate.",
        ),
        Field::new(
            "parameters",
            Type::Map(&Type::Text),
            "Database parameters beside `rds.force_ssl`.",
        )
        .default(Literal::EmptyMap),
        Field::new(
            "sslmode",
            Type::OneOf(&["require", "verify-ca", "verify-full"]),
            "What the URL asks of the client.",
        )
        .default(Literal::Text("require")),
        Field::new(
            "allow",
            Type::List(&Type::Cidr),
            "Networks that may connect, beside the services that say `connects_to`.",
        )
        .default(Literal::EmptyList),
        Field::new(
            "secret_name",
            Type::Text,
            "The master password's secret. Not given: `${prefix}/`, the entry, `-master`.",
        ),
        Field::new(
            "secret_recovery_window",
            Type::Int { min: 0, max: 30 },
            "Days in which a deleted secret can be restored: 7 to 30, or 0 for none.",
        )
        .default(Literal::Int(30)),
        Field::new(
            "subnet_group_name",
            Type::Text,
            "Not given: `${prefix}-`, the entry, `-subnets`.",
        ),
        Field::new(
            "subnet_group_description",
            Type::Text,
            "What AWS shows beside it.",
        )
        .default(Literal::Text("Database: private subnets")),
        Field::new(
            "parameter_group_name",
            Type::Text,
            "Not given: `${prefix}-`, the entry, `-parameters`.",
        ),
        Field::new(
            "parameter_group_description",
            Type::Text,
            "What AWS shows beside it.",
        )
        .default(Literal::Text("Database: TLS only")),
        Field::new(
            "security_group_name",
            Type::Text,
            "Not given: `${prefix}-`, the entry, `-sg`.",
        ),
        Field::new(
            "security_group_description",
            Type::Text,
            "What AWS shows beside it.",
        )
        .default(Literal::Text("Database: from the services that use it")),
    ],
    exports: &[
        Field::computed("id", Type::Text, "The instance's identifier."),
        Field::computed("arn", Type::Text, "Its ARN."),
        Field::computed("endpoint_address", Type::Text, "The host it is reached at."),
        Field::computed(
            "endpoint_port",
            Type::Int { min: 1, max: 65535 },
            "The port it is reached at.",
        ),
        Field::computed("database", Type::Text, "The database's name."),
        Field::computed("username", Type::Text, "The master user."),
        Field::computed("password", Type::Secret, "The master password."),
        Field::computed(
            "url",
            Type::Secret,
            "`postgresql://user:password@host:port/database?sslmode=…`",
        ),
        Field::computed("security_group", Type::Text, "Its security group's id."),
        Field::computed(
            "secret_arn",
            Type::Text,
            "ARN of the master password's secret.",
        ),
    ],
    existing: &[],
    expand,
};

fn expand(build: &mut Build<'_>) {
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
