//! `postgres`: an RDS PostgreSQL instance with all it stands on. Its password lives in a secret of its own, made before the instance.

use super::Component;
use crate::kind::{Field, Literal, Type};

mod parts;

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
    expand: parts::expand,
};
