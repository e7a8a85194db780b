//! `load_balancer`: an application load balancer, its security group and its listeners.

use super::{Build, Component};
use crate::kind::{Field, Literal, Type};
use crate::model::Value;

/// TLS 1.3 and 1.2 with forward secrecy, and the policy that AWS recommends (ELB user guide, "Security policies for your Application
/// Load Balancer"). Pinned, since AWS's default for API calls is an older one.
const TLS: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

pub const LOAD_BALANCER: Component = Component {
    name: "load_balancer",
    doc: "An application load balancer with its security group and listeners. With a certificate it serves HTTPS and redirects HTTP there.",
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
            "Its name. Not given: `${prefix}-` and the entry.",
        ),
        Field::new(
            "scheme",
            Type::OneOf(&["internet-facing", "internal"]),
            "Who can reach it; an internal one stands in the private subnets.",
        )
        .default(Literal::Text("internet-facing")),
        Field::new(
            "subnets",
            Type::Set(&Type::Text),
            "The subnets it stands in, of two zones at least. Not given: the network's.",
        ),
        Field::new(
            "idle_timeout",
            Type::Int { min: 1, max: 4000 },
            "Seconds after which a silent connection is closed.",
        )
        .default(Literal::Int(60)),
        Field::new(
            "certificate",
            Type::Text,
            "ARN of the certificate for HTTPS. Not given: HTTP only.",
        ),
        Field::new(
            "ssl_policy",
            Type::Text,
            "Which TLS versions and ciphers are spoken.",
        )
        .default(Literal::Text(TLS)),
        Field::new(
            "port",
            Type::Int { min: 1, max: 65535 },
            "The port of HTTP.",
        )
        .default(Literal::Int(80)),
        Field::new(
            "https_port",
            Type::Int { min: 1, max: 65535 },
            "The port of HTTPS.",
        )
        .default(Literal::Int(443)),
        Field::new(
            "allow",
            Type::List(&Type::Cidr),
            "Networks that may connect. Not given: everybody.",
        ),
        Field::new(
            "deletion_protection",
            Type::Bool,
            "Whether AWS refuses to delete it.",
        )
        .default(Literal::Bool(false)),
        Field::new(
            "drop_invalid_headers",
            Type::Bool,
            "Whether malformed headers are dropped.",
        )
        .default(Literal::Bool(true)),
        Field::new(
            "security_group_name",
            Type::Text,
            "Not given: `${prefix}-`, the entry, `-sg`.",
        ),
        Field::new(
            "security_group_description",
            Type::Text,
            "What AWS shows beside the security group.",
        )
        .default(Literal::Text("Load balancer: HTTP from its clients")),
    ],
    exports: &[
        Field::computed("id", Type::Text, "The load balancer's ARN."),
        Field::computed("arn", Type::Text, "Its ARN."),
        Field::computed("dns_name", Type::Text, "Where it is reached."),
        Field::computed(
            "zone_id",
            Type::Text,
            "The hosted zone of its DNS name, for alias records.",
        ),
        Field::computed("security_group", Type::Text, "Its security group's id."),
        Field::computed(
            "listener",
            Type::Text,
            "ARN of the listener that serves: HTTPS with a certificate, else HTTP.",
        ),
        Field::computed("http_listener", Type::Text, "ARN of the HTTP listener."),
        Field::computed(
            "https_listener",
            Type::Text,
            "ARN of the HTTPS listener; unset without certificate.",
        ),
        Field::computed(
            "url",
            Type::Text,
            "`http://` and its DNS name, or `https://` with a certificate.",
        ),
    ],
    existing: &[],
    expand,
};

fn expand(build: &mut Build<'_>) {
    let secure = build.given("certificate");
    security_group(build, secure);
    balancer(build);
    let main = if secure { "https" } else { "http" };
    listeners(build, secure);
    build.listener = Some(build.entry.child(main));
    for attribute in ["id", "arn", "dns_name", "zone_id"] {
        build.export(attribute, build.own("load-balancer", attribute));
    }
    build.export("security_group", build.own("security-group", "id"));
    build.export("listener", build.own(main, "arn"));
    build.export("http_listener", build.own("http", "arn"));
    let https = if secure {
        build.own("https", "arn")
    } else {
        Value::Null
    };
    build.export("https_listener", https);
    let dns = build.own("load-balancer", "dns_name");
    build.export(
        "url",
        super::policy::after_text(&format!("{main}://"), &dns),
    );
}

fn security_group(build: &mut Build<'_>, secure: bool) {
    let everybody = [Value::from("0.0.0.0/0"), Value::from("::/0")];
    let allowed = match build.get("allow") {
        Value::List(networks) => networks,
        _ => everybody.to_vec(),
    };
    let mut ports = vec![build.get("port")];
    if secure {
        ports.push(build.get("https_port"));
    }
    let mut ingress = Vec::new();
    for port in ports {
        for network in &allowed {
            ingress.push(from_network(network, &port));
        }
    }
    let name = build.name_or("security_group_name", "-sg");
    build
        .make(
            "security-group",
            "ec2.security_group",
            [
                ("vpc_id", build.of("network", "vpc_id")),
                ("name", name),
                ("description", build.get("security_group_description")),
                ("ingress", Value::List(ingress)),
                ("egress", Value::List(vec![everywhere()])),
            ],
        )
        .from("name", "security_group_name")
        .from("description", "security_group_description")
        .from("ingress", "allow");
}

fn from_network(network: &Value, port: &Value) -> Value {
    let is_v6 = network
        .as_text()
        .is_some_and(|network| network.contains(':'));
    let cidr = if is_v6 { "cidr_ipv6" } else { "cidr" };
    Value::map([
        ("protocol", Value::from("tcp")),
        ("from_port", port.clone()),
        ("to_port", port.clone()),
        (cidr, network.clone()),
    ])
}

/// Out to anywhere, any protocol.
pub(super) fn everywhere() -> Value {
    Value::map([
        ("protocol", Value::from("-1")),
        ("cidr", Value::from("0.0.0.0/0")),
    ])
}

fn balancer(build: &mut Build<'_>) {
    let internal = build.fields.text("scheme") == Some("internal");
    let which = if internal {
        "private_subnets"
    } else {
        "public_subnets"
    };
    let subnets = match build.get("subnets") {
        Value::Null => build.of("network", which),
        given => given,
    };
    let gateway = build.of("network", "internet_gateway");
    let group = Value::List(vec![build.own("security-group", "id")]);
    let name = build.name_or("name", "");
    let draft = build.make(
        "load-balancer",
        "elbv2.load_balancer",
        [
            ("name", name),
            ("scheme", build.get("scheme")),
            ("subnets", subnets),
            ("security_groups", group),
            ("idle_timeout", build.get("idle_timeout")),
            ("deletion_protection", build.get("deletion_protection")),
            ("drop_invalid_headers", build.get("drop_invalid_headers")),
        ],
    );
    if !internal {
        // AWS refuses an internet-facing one in a VPC without an attached internet gateway.
        draft.after(gateway);
    }
}

fn listeners(build: &mut Build<'_>, secure: bool) {
    let balancer = build.own("load-balancer", "arn");
    let redirect = Value::map([
        ("type", Value::from("redirect")),
        (
            "redirect",
            Value::map([
                ("protocol", Value::from("HTTPS")),
                (
                    "port",
                    Value::Text(build.get("https_port").as_int().unwrap_or(443).to_string()),
                ),
                ("status", Value::from("HTTP_301")),
            ]),
        ),
    ]);
    let action = if secure { redirect } else { nobody() };
    build.make(
        "http",
        "elbv2.listener",
        [
            ("load_balancer", balancer.clone()),
            ("port", build.get("port")),
            ("protocol", Value::from("HTTP")),
            ("default_action", action),
        ],
    );
    if secure {
        build
            .make(
                "https",
                "elbv2.listener",
                [
                    ("load_balancer", balancer),
                    ("port", build.get("https_port")),
                    ("protocol", Value::from("HTTPS")),
                    ("certificate", build.get("certificate")),
                    ("ssl_policy", build.get("ssl_policy")),
                    ("default_action", nobody()),
                ],
            )
            .from("port", "https_port");
    }
}

/// What a request gets that no service takes.
fn nobody() -> Value {
    let answer = Value::map([
        ("status", Value::from("404")),
        ("content_type", Value::from("text/plain")),
        ("body", Value::from("not found")),
    ]);
    Value::map([
        ("type", Value::from("fixed-response")),
        ("fixed_response", answer),
    ])
}

/// A default action that forwards everything to one target group.
pub fn forward(target_group: Value) -> Value {
    let target = Value::map([("arn", target_group)]);
    Value::map([
        ("type", Value::from("forward")),
        ("target_groups", Value::List(vec![target])),
    ])
}
