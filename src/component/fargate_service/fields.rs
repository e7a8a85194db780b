use crate::kind::{Field, Literal, Type};

const PORT: Type = Type::Int { min: 1, max: 65535 };
const SECONDS: Type = Type::Int {
    min: 0,
    max: i32::MAX as i64,
};

/// Of an IAM statement, spelled as IAM does, so that one can be pasted.
const STATEMENT: &[Field] = &[
    Field::new("Sid", Type::Text, "A name for the statement."),
    Field::new(
        "Effect",
        Type::OneOf(&["Allow", "Deny"]),
        "Whether it allows or forbids.",
    )
    .default(Literal::Text("Allow")),
    Field::new("Action", Type::Any, "An action, or a list of them.").required(),
    Field::new("Resource", Type::Any, "An ARN, or a list of them.").required(),
    Field::new("Condition", Type::Any, "When it holds."),
];

const ROUTE: &[Field] = &[
    Field::new(
        "priority",
        Type::Int { min: 1, max: 50000 },
        "Lower ones are tried first; each once per load balancer.",
    )
    .required(),
    Field::new(
        "hosts",
        Type::List(&Type::Text),
        "Host names, `*` and `?` allowed.",
    ),
    Field::new(
        "paths",
        Type::List(&Type::Text),
        "Paths, `*` and `?` allowed: `/api/*`.",
    ),
];

const HEALTH: &[Field] = &[
    Field::new("path", Type::Text, "What is asked for.").default(Literal::Text("/")),
    Field::new(
        "matcher",
        Type::Text,
        "Which answers are healthy: `200`, `200-299`.",
    )
    .default(Literal::Text("200")),
    Field::new(
        "interval",
        Type::Int { min: 5, max: 300 },
        "Seconds between two checks.",
    )
    .default(Literal::Int(30)),
    Field::new(
        "timeout",
        Type::Int { min: 2, max: 120 },
        "Seconds to wait for an answer.",
    )
    .default(Literal::Int(5)),
    Field::new(
        "healthy_threshold",
        Type::Int { min: 2, max: 10 },
        "Good answers in a row that make a target healthy.",
    )
    .default(Literal::Int(5)),
    Field::new(
        "unhealthy_threshold",
        Type::Int { min: 2, max: 10 },
        "Bad answers in a row that make it unhealthy.",
    )
    .default(Literal::Int(2)),
];

const CONTAINER_HEALTH: &[Field] = &[
    Field::new(
        "command",
        Type::List(&Type::Text),
        "`[CMD, program, …]` or `[CMD-SHELL, line]`.",
    )
    .required(),
    Field::new(
        "interval",
        Type::Int { min: 5, max: 300 },
        "Seconds between two checks.",
    )
    .default(Literal::Int(30)),
    Field::new(
        "timeout",
        Type::Int { min: 2, max: 60 },
        "Seconds until a check has failed.",
    )
    .default(Literal::Int(5)),
    Field::new(
        "retries",
        Type::Int { min: 1, max: 10 },
        "Failures in a row that make the container unhealthy.",
    )
    .default(Literal::Int(3)),
    Field::new(
        "start_period",
        Type::Int { min: 0, max: 300 },
        "Seconds after the start in which failures do not count.",
    )
    .default(Literal::Int(0)),
];

const BREAKER: &[Field] = &[
    Field::new(
        "enable",
        Type::Bool,
        "Whether a roll-out that fails is stopped.",
    )
    .default(Literal::Bool(true)),
    Field::new(
        "rollback",
        Type::Bool,
        "Whether the last good one comes back then.",
    )
    .default(Literal::Bool(true)),
];

const BUILD: &[Field] = &[
    Field::new(
        "context",
        Type::Text,
        "The folder that is sent to the builder, beside the stack file.",
    )
    .default(Literal::Text(".")),
    Field::new(
        "dockerfile",
        Type::Text,
        "Beside the stack file. Not given: `Dockerfile` in the context.",
    ),
    Field::new(
        "target",
        Type::Text,
        "The stage to build. Not given: the last.",
    ),
    Field::new(
        "args",
        Type::Map(&Type::Text),
        "Build arguments; nothing secret: they stay in the image.",
    )
    .default(Literal::EmptyMap),
];

pub const FIELDS: &[Field] = &[
    Field::new("network", Type::Handle(&["network"]), "The network it runs in.").required(),
    Field::new("cluster", Type::Handle(&["ecs.cluster"]), "The cluster it runs on.").required(),
    Field::new("load_balancer", Type::Handle(&["load_balancer"]), "What sends it requests. Not given: nothing does."),
    Field::new("repository", Type::Handle(&["image_repository", "ecr.repository"]), "Where its image is pulled from."),
    Field::new("image", Type::Text, "A whole image name, instead of `repository`."),
    Field::new("image_tag", Type::Text, "Which image of the repository.").default(Literal::Text("latest")),
    Field::new("image_digest", Type::Text, "Which image, pinned: `sha256:…`; wins over the tag."),
    Field::new("build", Type::Object(BUILD), "How `deploy --build` builds its image."),
    Field::new("migrate", Type::List(&Type::Text), "What `deploy --migrate` runs, in a task of its own, before a release. Without its first word where that is the image's entry point."),
    Field::new("rotate_login", Type::List(&Type::Text), "What `secrets rotate` of a database's URL runs, in a task of its own, as the program and its arguments: it gives the database user its password. A role of its own starts that task, and reads the master passwords of the databases in `connects_to`."),
    Field::new("command", Type::List(&Type::Text), "What it runs, instead of the image's own."),
    Field::new("entrypoint", Type::List(&Type::Text), "What runs the command, instead of the image's own."),
    Field::new("port", PORT, "The port it listens on; needed behind a load balancer."),
    Field::new("cpu", Type::Int { min: 256, max: 16384 }, "CPU of a task, 1024 to the processor; `memory` has to go with it.").default(Literal::Int(256)),
    Field::new("memory", Type::Int { min: 512, max: 122_880 }, "MiB of a task.").default(Literal::Int(512)),
    Field::new("architecture", Type::OneOf(&["X86_64", "ARM64"]), "What its image is built for.").default(Literal::Text("X86_64")),
    Field::new("desired_count", Type::Int { min: 0, max: 5000 }, "How many tasks run.").default(Literal::Int(1)),
    Field::new("environment", Type::Map(&Type::Text), "Environment variables.").default(Literal::EmptyMap),
    Field::new("secrets_from", Type::List(&Type::Handle(&["secretsmanager.secret"])), "Secrets whose keys become environment variables, those apart that `environment` or `secrets` name; a key the live secret lacks is left out.").default(Literal::EmptyList),
    Field::new("secrets", Type::Map(&Type::Text), "Environment variables from single keys: `NAME: ${config.key_arns.KEY}`.").default(Literal::EmptyMap),
    Field::new("buckets", Type::List(&Type::Handle(&["s3.bucket"])), "Buckets it reads and writes.").default(Literal::EmptyList),
    Field::new("connects_to", Type::List(&Type::Handle(&["postgres", "fargate_service"])), "Databases and services it talks to; their security groups let it in.").default(Literal::EmptyList),
    Field::new("task_policy", Type::List(&Type::Object(STATEMENT)), "IAM statements: what else it may do.").default(Literal::EmptyList),
    Field::new("log_group", Type::Handle(&["logs.log_group"]), "Where its output goes.").required(),
    Field::new("log_prefix", Type::Text, "What its log streams begin with. Not given: the entry's name."),
    Field::new("health_check", Type::Object(HEALTH), "How the load balancer tells whether a task is well."),
    Field::new("container_health_check", Type::Object(CONTAINER_HEALTH), "How ECS tells, inside the container."),
    Field::new("routes", Type::List(&Type::Object(ROUTE)), "Which requests it gets. Not given: all that no other service takes.").default(Literal::EmptyList),
    Field::new("deregistration_delay", Type::Int { min: 0, max: 3600 }, "Seconds that a leaving task may finish its requests in.").default(Literal::Int(30)),
    Field::new("stop_timeout", Type::Int { min: 2, max: 120 }, "Seconds between being asked to stop and being stopped."),
    Field::new("grace_period", SECONDS, "Seconds after a task's start in which failed health checks do not count."),
    Field::new("circuit_breaker", Type::Object(BREAKER), "What happens to a roll-out that fails. Not given: it is stopped and rolled back."),
    Field::new("minimum_healthy_percent", Type::Int { min: 0, max: 100 }, "How few tasks may run during a roll-out.").default(Literal::Int(100)),
    Field::new("maximum_percent", Type::Int { min: 100, max: 200 }, "How many tasks may run during a roll-out.").default(Literal::Int(200)),
    Field::new("assign_public_ip", Type::Bool, "Whether tasks stand in the public subnets with addresses of their own.").default(Literal::Bool(false)),
    Field::new("subnets", Type::Set(&Type::Text), "Where tasks stand. Not given: the network's private subnets, or its public ones with `assign_public_ip`."),
    Field::new("platform_version", Type::Text, "Fargate's version. Not given: the latest."),
    Field::new("enable_execute_command", Type::Bool, "Whether `aws ecs execute-command` may enter a task.").default(Literal::Bool(false)),
    Field::new("readonly_root", Type::Bool, "Whether the container's own files are read-only."),
    Field::new("user", Type::Text, "Which user it runs as, instead of the image's."),
    Field::new("name", Type::Text, "The service's name. Not given: `${prefix}-` and the entry."),
    Field::new("family", Type::Text, "The task definition's name. Not given: `${prefix}-` and the entry."),
    Field::new("container_name", Type::Text, "Not given: the entry's name."),
    Field::new("target_group_name", Type::Text, "Not given: `${prefix}-` and the entry."),
    Field::new("security_group_name", Type::Text, "Not given: `${prefix}-`, the entry, `-sg`."),
    Field::new("security_group_description", Type::Text, "What AWS shows beside it.").default(Literal::Text("Service: from its load balancer and its peers")),
    Field::new("execution_role_name", Type::Text, "Not given: `${prefix}-`, the entry, `-execution-`, the region."),
    Field::new("task_role_name", Type::Text, "Not given: `${prefix}-`, the entry, `-task-`, the region."),
    Field::new("rotation_role_name", Type::Text, "Of the role that starts the task of `rotate_login`. Not given: `${prefix}-`, the entry, `-rotation-`, the region."),
    Field::new("role_path", Type::Text, "The IAM path of its roles.").default(Literal::Text("/circles-infra/")),
];

pub const EXPORTS: &[Field] = &[
    Field::computed("id", Type::Text, "The service's ARN."),
    Field::computed("arn", Type::Text, "The service's ARN."),
    Field::computed("name", Type::Text, "The service's name."),
    Field::computed("security_group", Type::Text, "Its security group's id."),
    Field::computed("task_role", Type::Text, "ARN of the role that it runs as."),
    Field::computed(
        "task_definition",
        Type::Text,
        "ARN of the task definition's newest revision.",
    ),
    Field::computed(
        "target_group",
        Type::Text,
        "Its target group's ARN; unset without load balancer.",
    ),
];
