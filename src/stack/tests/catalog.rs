//! A catalog for the tests of the language, so that they need no AWS.

use crate::kind::{Collision, Field, Identity, Literal, Type};
use crate::model::KindName;
use crate::stack::{Catalog, KindInfo};

use Literal::{Bool, EmptyList, EmptyMap, Int, Text as Word, Unset};
use Type::{List, Map, Object, OneOf, Set, Text};

const INT: Type = Type::Int {
    min: i64::MIN,
    max: i64::MAX,
};
const TEXTS: Type = Set(&Text);

const fn f(name: &'static str, ty: Type) -> Field {
    Field::new(name, ty, "For tests.")
}
const fn r(name: &'static str, ty: Type) -> Field {
    f(name, ty).required()
}
const fn c(name: &'static str, ty: Type) -> Field {
    Field::computed(name, ty, "For tests.")
}

const VPC: &[Field] = &[
    r("cidr", Type::Cidr).replace(),
    f("dns_support", Type::Bool).default(Bool(true)),
    f("dns_hostnames", Type::Bool).default(Bool(true)),
];
const SUBNET: &[Field] = &[
    r("vpc_id", Text).replace(),
    r("cidr", Type::Cidr).replace(),
    r("availability_zone", Text).replace(),
    f("map_public_ip", Type::Bool).default(Bool(false)),
];
const GATEWAY: &[Field] = &[r("vpc_id", Text)];
const ROUTE: &[Field] = &[
    r("destination", Type::Cidr),
    f("gateway_id", Text),
    f("nat_gateway_id", Text),
];
const ROUTE_TABLE: &[Field] = &[
    r("vpc_id", Text).replace(),
    f("routes", Set(&Object(ROUTE))).default(EmptyList),
    f("subnets", TEXTS).default(EmptyList),
];
const ELASTIC_IP: &[Field] = &[c("public_ip", Text), c("allocation_id", Text)];
const NAT: &[Field] = &[
    r("subnet_id", Text).replace(),
    r("allocation_id", Text).replace(),
    c("public_ip", Text),
];
const RULE: &[Field] = &[
    r("protocol", OneOf(&["tcp", "udp", "icmp", "-1"])),
    f("from_port", INT),
    f("to_port", INT),
    f("cidr", Text),
    f("cidr_ipv6", Text),
    f("security_group", Text),
    f("description", Text),
];
const SECURITY_GROUP: &[Field] = &[
    r("vpc_id", Text).replace(),
    r("name", Text).replace(),
    r("description", Text).replace(),
    f("ingress", Set(&Object(RULE))).default(EmptyList),
    f("egress", Set(&Object(RULE))).default(EmptyList),
];
const LOAD_BALANCER: &[Field] = &[
    r("name", Text).replace(),
    f("scheme", OneOf(&["internet-facing", "internal"]))
        .replace()
        .default(Word("internet-facing")),
    r("subnets", TEXTS),
    r("security_groups", TEXTS),
    f("idle_timeout", Type::Int { min: 1, max: 4000 }).default(Int(60)),
    f("deletion_protection", Type::Bool).default(Bool(false)),
    f("drop_invalid_headers", Type::Bool).default(Bool(true)),
    f("http2", Type::Bool),
    c("arn", Text),
    c("dns_name", Text),
    c("zone_id", Text),
    c("vpc_id", Text),
];
const HEALTH: &[Field] = &[
    f("path", Text).default(Word("/")),
    f("matcher", Text).default(Word("200")),
    f("interval", INT).default(Int(30)),
    f("timeout", INT).default(Int(5)),
    f("healthy_threshold", INT).default(Int(5)),
    f("unhealthy_threshold", INT).default(Int(2)),
];
const TARGET_GROUP: &[Field] = &[
    r("name", Text).replace(),
    r("vpc_id", Text).replace(),
    r("port", INT).replace(),
    f("protocol", OneOf(&["HTTP", "HTTPS"]))
        .replace()
        .default(Word("HTTP")),
    f("target_type", OneOf(&["ip", "instance"]))
        .replace()
        .default(Word("ip")),
    f("health_check", Object(HEALTH)),
    f("deregistration_delay", Type::Int { min: 0, max: 3600 }).default(Int(300)),
    c("arn", Text),
];
const TARGET: &[Field] = &[r("arn", Text), f("weight", INT).default(Int(1))];
const REDIRECT: &[Field] = &[
    f("protocol", Text),
    f("port", Text),
    f("host", Text),
    f("path", Text),
    f("query", Text),
    f("status", OneOf(&["HTTP_301", "HTTP_302"])),
];
const FIXED: &[Field] = &[r("status", Text), f("content_type", Text), f("body", Text)];
const ACTION: &[Field] = &[
    r("type", OneOf(&["forward", "redirect", "fixed-response"])),
    f("target_groups", List(&Object(TARGET))),
    f("redirect", Object(REDIRECT)),
    f("fixed_response", Object(FIXED)),
];
const LISTENER: &[Field] = &[
    r("load_balancer", Text).replace(),
    r("port", INT),
    r("protocol", OneOf(&["HTTP", "HTTPS"])),
    f("certificate", Text),
    f("ssl_policy", Text),
    r("default_action", Object(ACTION)),
    c("arn", Text),
];
const CONDITION: &[Field] = &[
    r(
        "field",
        OneOf(&["path-pattern", "host-header", "http-header"]),
    ),
    r("values", TEXTS),
    f("header", Text),
];
const LISTENER_RULE: &[Field] = &[
    r("listener", Text).replace(),
    r("priority", Type::Int { min: 1, max: 50000 }),
    r("conditions", Set(&Object(CONDITION))),
    r("action", Object(ACTION)),
    c("arn", Text),
];
const CLUSTER: &[Field] = &[
    r("name", Text).replace(),
    f(
        "container_insights",
        OneOf(&["enabled", "disabled", "enhanced"]),
    ),
    c("arn", Text),
];
const PORTS: &[Field] = &[
    r("container_port", INT),
    f("protocol", Text).default(Word("tcp")),
];
const CHECK: &[Field] = &[
    r("command", List(&Text)),
    f("interval", INT).default(Int(30)),
    f("timeout", INT).default(Int(5)),
    f("retries", INT).default(Int(3)),
    f("start_period", INT).default(Int(0)),
];
const LOG: &[Field] = &[
    r("group", Text),
    r("region", Text),
    r("stream_prefix", Text),
];
const CONTAINER: &[Field] = &[
    r("name", Text),
    r("image", Text),
    f("essential", Type::Bool).default(Bool(true)),
    f("command", List(&Text)),
    f("entrypoint", List(&Text)),
    f("port_mappings", Set(&Object(PORTS))),
    f("environment", Map(&Text)),
    f("secrets", Map(&Text)),
    f("health_check", Object(CHECK)),
    f("stop_timeout", INT),
    f("log", Object(LOG)),
    f("readonly_root", Type::Bool),
    f("user", Text),
];
const TASK_DEFINITION: &[Field] = &[
    r("family", Text).replace(),
    r("cpu", INT),
    r("memory", INT),
    f("architecture", OneOf(&["X86_64", "ARM64"])).default(Word("X86_64")),
    r("execution_role", Text),
    f("task_role", Text),
    r("containers", List(&Object(CONTAINER))),
    c("arn", Text).volatile(),
    c("revision", INT).volatile(),
];
const SERVICE_TARGET: &[Field] = &[r("arn", Text), r("container", Text), r("port", INT)];
const BREAKER: &[Field] = &[
    f("enable", Type::Bool).default(Bool(true)),
    f("rollback", Type::Bool).default(Bool(true)),
];
const SERVICE: &[Field] = &[
    r("name", Text).replace(),
    r("cluster", Text).replace(),
    r("task_definition", Text),
    r("desired_count", INT),
    r("subnets", TEXTS),
    r("security_groups", TEXTS),
    f("assign_public_ip", Type::Bool).default(Bool(false)),
    f("target_groups", Set(&Object(SERVICE_TARGET))),
    f("grace_period", INT),
    f("circuit_breaker", Object(BREAKER)),
    f("minimum_healthy_percent", INT).default(Int(100)),
    f("maximum_percent", INT).default(Int(200)),
    f("platform_version", Text),
    f("enable_execute_command", Type::Bool).default(Bool(false)),
    f(
        "propagate_tags",
        OneOf(&["SERVICE", "TASK_DEFINITION", "NONE"]),
    )
    .default(Word("SERVICE")),
    c("arn", Text),
    c("running_count", INT),
];
const SUBNET_GROUP: &[Field] = &[
    r("name", Text).replace(),
    r("description", Text),
    r("subnets", TEXTS),
    c("arn", Text),
];
const PARAMETER_GROUP: &[Field] = &[
    r("name", Text).replace(),
    r("family", Text).replace(),
    r("description", Text).replace(),
    f("parameters", Map(&Text)).default(EmptyMap),
    c("arn", Text),
];
const INSTANCE: &[Field] = &[
    r("identifier", Text).replace(),
    r("engine_version", Type::Version),
    r("instance_class", Text),
    r("storage", INT),
    f("storage_type", OneOf(&["gp3", "gp2", "io1", "io2"])).default(Word("gp3")),
    f("iops", INT),
    f("max_storage", INT),
    f("db_name", Text).replace(),
    r("username", Text).replace(),
    r("password", Type::Secret).ignore(),
    r("subnet_group", Text),
    r("security_groups", TEXTS),
    f("parameter_group", Text),
    f("multi_az", Type::Bool).default(Bool(false)),
    f("publicly_accessible", Type::Bool).default(Bool(false)),
    f("encrypted", Type::Bool).default(Bool(true)).replace(),
    f("kms_key", Text).replace(),
    f("backup_retention", Type::Int { min: 0, max: 35 }).default(Int(7)),
    f("backup_window", Text),
    f("maintenance_window", Text),
    f("deletion_protection", Type::Bool).default(Bool(false)),
    f("skip_final_snapshot", Type::Bool)
        .default(Bool(false))
        .ignore(),
    f("auto_minor_version_upgrade", Type::Bool).default(Bool(true)),
    f("performance_insights", Type::Bool),
    f("copy_tags", Type::Bool).default(Bool(true)),
    f("ca_certificate", Text),
    c("arn", Text),
    c("endpoint_address", Text),
    c("endpoint_port", INT),
];
const REPOSITORY: &[Field] = &[
    r("name", Text).replace(),
    f("scan_on_push", Type::Bool).default(Bool(true)),
    f("tag_mutability", OneOf(&["MUTABLE", "IMMUTABLE"])).default(Word("MUTABLE")),
    f("force_delete", Type::Bool).default(Bool(false)).ignore(),
    f("lifecycle_policy", Type::Json),
    f("policy", Type::Policy),
    c("arn", Text),
    c("url", Text),
    c("image_count", INT),
];
const LIFECYCLE: &[Field] = &[
    r("id", Text),
    f("prefix", Text),
    f("expiration_days", INT),
    f("noncurrent_days", INT),
    f("abort_multipart_days", INT),
];
const BUCKET: &[Field] = &[
    r("name", Text).replace(),
    f("versioning", Type::Bool).default(Bool(false)),
    f("public_access_block", Type::Bool).default(Bool(true)),
    f("encryption", OneOf(&["AES256", "aws:kms"])).default(Word("AES256")),
    f("kms_key", Text).default(Unset),
    f("ownership", Text).default(Word("BucketOwnerEnforced")),
    f("policy", Type::Policy),
    f("lifecycle", List(&Object(LIFECYCLE))),
    f("force_destroy", Type::Bool).default(Bool(false)).ignore(),
    c("arn", Text),
    c("domain_name", Text),
    c("region", Text),
];
const KEY: &[Field] = &[
    f("generate", Type::Int { min: 16, max: 128 }),
    f("operator", OneOf(&["optional", "required"])),
    f("value", Type::Secret),
];
const SECRET: &[Field] = &[
    r("name", Text).replace(),
    f("description", Text),
    f("kms_key", Text),
    f("recovery_window", Type::Int { min: 0, max: 30 })
        .default(Int(30))
        .ignore(),
    f("keys", Map(&Object(KEY))).default(EmptyMap),
    c("arn", Text),
    c("key_arns", Map(&Text)),
    c("version_id", Text).volatile(),
];
const ROLE: &[Field] = &[
    r("name", Text).replace(),
    f("path", Text).replace().default(Word("/circles-infra/")),
    f("description", Text),
    r("assume_role_policy", Type::Policy),
    f("inline_policies", Map(&Type::Policy)).default(EmptyMap),
    f("managed_policies", TEXTS).default(EmptyList),
    f("max_session_duration", INT).default(Int(3600)),
    f("permissions_boundary", Text),
    c("arn", Text),
    c("unique_id", Text),
];
const LOG_GROUP: &[Field] = &[
    r("name", Text).replace(),
    f("retention_days", INT).default(Unset),
    f("kms_key", Text),
    c("arn", Text),
];

pub fn catalog() -> Catalog {
    use Collision::{Coexist, DeleteFirst, Suffix};
    let suffix = |field, longest| Suffix { field, longest };
    let kinds: [(
        &'static str,
        &'static [Field],
        &'static [&'static str],
        Collision,
    ); 21] = [
        ("ec2.vpc", VPC, &[], Coexist),
        ("ec2.subnet", SUBNET, &["vpc_id", "cidr"], DeleteFirst),
        ("ec2.internet_gateway", GATEWAY, &[], Coexist),
        ("ec2.route_table", ROUTE_TABLE, &[], Coexist),
        ("ec2.elastic_ip", ELASTIC_IP, &[], Coexist),
        ("ec2.nat_gateway", NAT, &["allocation_id"], DeleteFirst),
        (
            "ec2.security_group",
            SECURITY_GROUP,
            &["vpc_id", "name"],
            suffix("name", 255),
        ),
        (
            "elbv2.load_balancer",
            LOAD_BALANCER,
            &["name"],
            suffix("name", 32),
        ),
        (
            "elbv2.target_group",
            TARGET_GROUP,
            &["name"],
            suffix("name", 32),
        ),
        (
            "elbv2.listener",
            LISTENER,
            &["load_balancer", "port"],
            DeleteFirst,
        ),
        (
            "elbv2.listener_rule",
            LISTENER_RULE,
            &["listener", "priority"],
            DeleteFirst,
        ),
        ("ecs.cluster", CLUSTER, &["name"], DeleteFirst),
        (
            "ecs.task_definition",
            TASK_DEFINITION,
            &["family"],
            DeleteFirst,
        ),
        ("ecs.service", SERVICE, &["cluster", "name"], DeleteFirst),
        (
            "rds.db_subnet_group",
            SUBNET_GROUP,
            &["name"],
            suffix("name", 255),
        ),
        (
            "rds.db_parameter_group",
            PARAMETER_GROUP,
            &["name"],
            suffix("name", 255),
        ),
        ("rds.db_instance", INSTANCE, &["identifier"], DeleteFirst),
        ("ecr.repository", REPOSITORY, &["name"], DeleteFirst),
        ("s3.bucket", BUCKET, &["name"], DeleteFirst),
        ("secretsmanager.secret", SECRET, &["name"], DeleteFirst),
        ("iam.role", ROLE, &["name"], suffix("name", 64)),
    ];
    let log_group = ("logs.log_group", LOG_GROUP, &["name"][..], DeleteFirst);
    let all = kinds.into_iter().chain([log_group]);
    Catalog::new(all.map(|(name, fields, natural_key, collision)| KindInfo {
        name: KindName::new(name),
        doc: "For tests.",
        fields,
        identity: Identity {
            natural_key,
            collision,
        },
        holds_data: matches!(
            name,
            "rds.db_instance" | "s3.bucket" | "secretsmanager.secret" | "ecr.repository"
        ),
    }))
}
