//! What serves requests: load balancers, containers, images.

use serde_json::{Value as Json, json};

use super::{Sample, contract};

contract!(
    load_balancer, "load-balancer";
    target_group, "target-group";
    listener, "listener";
    listener_rule, "listener-rule";
    cluster, "cluster";
    task_definition, "task-definition";
    service, "service";
    repository, "repository";
);

pub fn samples() -> Vec<Sample> {
    [balancing(), listening(), containers(), services()].concat()
}

fn balancing() -> Vec<Sample> {
    vec![
        Sample::new(
            "load-balancer",
            "elbv2.load_balancer",
            json!({
                "name": "contract-lb", "subnets": ["${subnet.id}", "${subnet-b.id}"],
                "security_groups": ["${callers.id}"],
            }),
        )
        .besides("internet-gateway")
        .change("name", json!("contract-other"))
        .change("scheme", json!("internal"))
        .change("subnets", json!(["${subnet.id}", "${subnet-c.id}"]))
        .change("security_groups", json!(["${security-group.id}"]))
        .change("idle_timeout", json!(120))
        .change("deletion_protection", json!(true))
        .change("deletion_protection", json!(false))
        .change("drop_invalid_headers", json!(false))
        .change("http2", json!(false))
        .change("access_logs", json!({"bucket": "contract-logs", "prefix": "web"})),
        Sample::new(
            "subnet-c",
            "ec2.subnet",
            json!({"vpc_id": "${vpc.id}", "cidr": "10.20.3.0/24", "availability_zone": "eu-central-1c"}),
        )
        .for_others(),
        Sample::new(
            "target-group",
            "elbv2.target_group",
            json!({
                "name": "contract-tg", "vpc_id": "${vpc.id}", "port": 80,
                "health_check": {"path": "/healthz"}, "deregistration_delay": 30,
            }),
        )
        .change("name", json!("contract-tg-2"))
        .change("vpc_id", json!("vpc-0"))
        .change("port", json!(8080))
        .change("protocol", json!("HTTPS"))
        .change("target_type", json!("instance"))
        .change(
            "health_check",
            json!({"path": "/", "matcher": "200-299", "interval": 10, "timeout": 4, "healthy_threshold": 2}),
        )
        .change("deregistration_delay", json!(60))
        .change("slow_start", json!(30))
        .change("stickiness", json!({"duration": 600}))
        .change("stickiness", json!({"duration": 600, "cookie": "session"})),
        Sample::new(
            "other-target-group",
            "elbv2.target_group",
            json!({"name": "contract-other-tg", "vpc_id": "${vpc.id}", "port": 80}),
        )
        .for_others(),
    ]
}

fn listening() -> Vec<Sample> {
    let to_https = json!({
        "type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "status": "HTTP_301"},
    });
    vec![
        Sample::new(
            "listener",
            "elbv2.listener",
            json!({
                "load_balancer": "${load-balancer.id}", "port": 80, "protocol": "HTTP",
                "default_action": forward(&[("target-group", 1)]),
            }),
        )
        .change("load_balancer", json!("arn:aws:elasticloadbalancing:eu-central-1:000000000000:loadbalancer/app/x/0"))
        .change("port", json!(8080))
        .change("default_action", to_https)
        .change("default_action", forward(&[("target-group", 90), ("other-target-group", 10)]))
        .unchanged("protocol", "HTTPS needs a certificate that the account holds")
        .unchanged("certificate", "HTTPS needs a certificate that the account holds")
        .unchanged("ssl_policy", "HTTPS needs a certificate that the account holds"),
        Sample::new(
            "listener-rule",
            "elbv2.listener_rule",
            json!({
                "listener": "${listener.id}", "priority": 10, "action": forward(&[("target-group", 1)]),
                "conditions": [{"field": "path-pattern", "values": ["/api/*", "/v2/*"]}],
            }),
        )
        .stray_beside("other-rule")
        .change("listener", json!("arn:aws:elasticloadbalancing:eu-central-1:000000000000:listener/app/x/0/1"))
        .change("priority", json!(30))
        .change(
            "conditions",
            json!([
                {"field": "http-header", "header": "X-Beta", "values": ["on"]},
                {"field": "query-string", "values": ["version=2"]},
            ]),
        )
        .change(
            "action",
            json!({
                "type": "fixed-response",
                "fixed_response": {"status": "404", "content_type": "application/json", "body": "{}"},
            }),
        ),
        Sample::new(
            "other-rule",
            "elbv2.listener_rule",
            json!({
                "listener": "${listener.id}", "priority": 20, "action": forward(&[("target-group", 1)]),
                "conditions": [{"field": "host-header", "values": ["example.com"]}],
            }),
        )
        .for_others(),
    ]
}

fn forward(groups: &[(&str, i64)]) -> Json {
    let groups: Vec<Json> = groups
        .iter()
        .map(|(group, weight)| json!({"arn": format!("${{{group}.id}}"), "weight": weight}))
        .collect();
    json!({"type": "forward", "target_groups": groups})
}

fn containers() -> Vec<Sample> {
    vec![
        Sample::new("cluster", "ecs.cluster", json!({"name": "contract-cluster"}))
            .change("name", json!("contract-other"))
            .change("container_insights", json!("enabled")),
        Sample::new("task-definition", "ecs.task_definition", definition("contract-app"))
            .change("family", json!("contract-other"))
            .change("cpu", json!(512))
            .change("memory", json!(2048))
            .change("architecture", json!("ARM64"))
            .change("execution_role", json!("${role.arn}-other"))
            .change("task_role", json!("${role.arn}"))
            .change(
                "containers",
                json!([
                    {
                        "name": "app", "image": "nginx@sha256:1111111111111111111111111111111111111111111111111111111111111111", "command": ["serve"], "entrypoint": ["/bin/sh"],
                        "port_mappings": [{"container_port": 8080}], "environment": {"B": "2", "A": "1"},
                        "secrets": {"TOKEN": "arn:aws:secretsmanager:eu-central-1:000000000000:secret:x:TOKEN::"},
                        "health_check": {"command": ["CMD-SHELL", "true"], "start_period": 10},
                        "stop_timeout": 60, "readonly_root": true, "user": "1000", "cpu": 128, "memory": 256,
                        "log": {"group": "/contract/app", "region": "eu-central-1", "stream_prefix": "app"},
                        "depends_on": [{"container": "init", "condition": "SUCCESS"}],
                    },
                    {"name": "init", "image": "nginx@sha256:2222222222222222222222222222222222222222222222222222222222222222", "essential": false},
                ]),
            ),
        Sample::new("other-definition", "ecs.task_definition", definition("contract-second")).for_others(),
        Sample::new(
            "repository",
            "ecr.repository",
            json!({
                "name": "contract/app", "scan_on_push": false, "lifecycle_policy": keep(10),
            }),
        )
        .change("name", json!("contract/other"))
        .change("scan_on_push", json!(true))
        .change("tag_mutability", json!("IMMUTABLE"))
        .change("tag_exceptions", json!(["release-*"]))
        .change("lifecycle_policy", json!(keep(3).to_string()))
        .change("lifecycle_policy", Json::Null)
        .change(
            "policy",
            json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Sid": "pull", "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"],
                }],
            }),
        ),
    ]
}

fn definition(family: &str) -> Json {
    json!({
        "family": family, "cpu": 256, "memory": 1024, "execution_role": "${role.arn}",
        "containers": [{
            "name": "app", "image": "nginx@sha256:1111111111111111111111111111111111111111111111111111111111111111", "port_mappings": [{"container_port": 80}],
            "environment": {"MODE": "test"},
        }],
    })
}

fn keep(images: u32) -> Json {
    json!({
        "rules": [{
            "rulePriority": 1, "action": {"type": "expire"},
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": images},
        }],
    })
}

fn services() -> Vec<Sample> {
    vec![
        Sample::new(
            "way-out",
            "ec2.route_table",
            json!({
                "vpc_id": "${vpc.id}", "subnets": ["${subnet-b.id}", "${subnet-c.id}"],
                "routes": [{"destination": "0.0.0.0/0", "nat_gateway_id": "${nat-gateway.id}"}],
            }),
        )
        .for_others(),
        Sample::new(
            "service",
            "ecs.service",
            json!({
                "name": "contract-service", "cluster": "${cluster.id}", "task_definition": "${task-definition.id}",
                "desired_count": 1, "subnets": ["${subnet-b.id}"], "security_groups": ["${callers.id}"],
                "target_groups": [{"arn": "${target-group.id}", "container": "app", "port": 80}],
                "circuit_breaker": {},
            }),
        )
        .besides("listener")
        .besides("way-out")
        .change("name", json!("contract-other"))
        .change("cluster", json!("arn:aws:ecs:eu-central-1:000000000000:cluster/other"))
        .change("task_definition", json!("${other-definition.id}"))
        .change("desired_count", json!(2))
        .change("subnets", json!(["${subnet-b.id}", "${subnet-c.id}"]))
        .change("security_groups", json!(["${security-group.id}"]))
        .change("assign_public_ip", json!(true))
        .change("target_groups", json!([]))
        .change("grace_period", json!(30))
        .change("circuit_breaker", json!({"enable": true, "rollback": false}))
        .change("minimum_healthy_percent", json!(50))
        .change("maximum_percent", json!(150))
        .change("platform_version", json!("1.3.0"))
        .change("enable_execute_command", json!(true))
        .change("propagate_tags", json!("TASK_DEFINITION"))
        .change("az_rebalancing", json!("DISABLED")),
    ]
}
