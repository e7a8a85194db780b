//! EC2's network.

use serde_json::json;

use super::{Sample, contract};

contract!(
    vpc, "vpc";
    subnet, "subnet";
    internet_gateway, "internet-gateway";
    route_table, "route-table";
    elastic_ip, "elastic-ip";
    nat_gateway, "nat-gateway";
    security_group, "security-group";
    vpc_endpoint, "vpc-endpoint";
    interface_endpoint, "interface-endpoint";
);

pub fn samples() -> Vec<Sample> {
    [ground(), ways(), guards()].concat()
}

fn ground() -> Vec<Sample> {
    vec![
        Sample::new("vpc", "ec2.vpc", json!({"cidr": "10.20.0.0/16"}))
            .change("cidr", json!("10.21.0.0/16"))
            .change("dns_hostnames", json!(false))
            .change("dns_support", json!(false)),
        Sample::new("other-vpc", "ec2.vpc", json!({"cidr": "10.30.0.0/16"})).for_others(),
        Sample::new(
            "subnet",
            "ec2.subnet",
            json!({
                "vpc_id": "${vpc.id}", "cidr": "10.20.1.9/24", "availability_zone": "eu-central-1a", "map_public_ip": true,
            }),
        )
        .change("vpc_id", json!("vpc-0"))
        .change("cidr", json!("10.20.2.0/24"))
        .change("availability_zone", json!("eu-central-1b"))
        .change("map_public_ip", json!(false)),
        Sample::new(
            "subnet-b",
            "ec2.subnet",
            json!({"vpc_id": "${vpc.id}", "cidr": "10.20.2.0/24", "availability_zone": "eu-central-1b"}),
        )
        .for_others(),
    ]
}

fn ways() -> Vec<Sample> {
    vec![
        Sample::new(
            "internet-gateway",
            "ec2.internet_gateway",
            json!({"vpc_id": "${vpc.id}"}),
        )
        .change("vpc_id", json!("${other-vpc.id}")),
        Sample::new(
            "route-table",
            "ec2.route_table",
            json!({
                "vpc_id": "${vpc.id}",
                "routes": [
                    {"destination": "0.0.0.0/0", "gateway_id": "${internet-gateway.id}"},
                    {"destination": "198.51.100.0/24", "nat_gateway_id": "${nat-gateway.id}"},
                ],
                "subnets": ["${subnet-b.id}"],
            }),
        )
        .change("vpc_id", json!("vpc-0"))
        .change(
            "routes",
            json!([
                {"destination": "0.0.0.0/0", "nat_gateway_id": "${nat-gateway.id}"},
                {"destination": "203.0.113.5/24", "gateway_id": "${internet-gateway.id}"},
            ]),
        )
        .change("subnets", json!(["${subnet.id}"])),
        Sample::new("elastic-ip", "ec2.elastic_ip", json!({})),
        Sample::new(
            "nat-gateway",
            "ec2.nat_gateway",
            json!({"subnet_id": "${subnet.id}", "allocation_id": "${elastic-ip.id}"}),
        )
        .change("subnet_id", json!("subnet-0"))
        .change("allocation_id", json!("eipalloc-0"))
        .besides("internet-gateway"),
    ]
}

fn guards() -> Vec<Sample> {
    vec![
        Sample::new(
            "callers",
            "ec2.security_group",
            json!({"vpc_id": "${vpc.id}", "name": "callers", "description": "who calls"}),
        )
        .for_others(),
        Sample::new(
            "security-group",
            "ec2.security_group",
            json!({
                "vpc_id": "${vpc.id}", "name": "contract", "description": "the contract",
                "ingress": [
                    {"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr": "0.0.0.0/0", "description": "web"},
                    {"protocol": "tcp", "from_port": 8080, "security_group": "${callers.id}"},
                ],
                "egress": [{"protocol": "udp", "from_port": 53, "to_port": 53, "cidr": "10.20.0.0/16"}],
            }),
        )
        .change("vpc_id", json!("vpc-0"))
        .change("name", json!("contract-2"))
        .change("description", json!("another"))
        .change(
            "ingress",
            json!([
                {"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr": "0.0.0.0/0", "description": "the web"},
                {"protocol": "tcp", "from_port": 9000, "to_port": 9100, "cidr_ipv6": "2001:db8::/32"},
            ]),
        )
        .change("egress", json!([{"protocol": "-1", "cidr": "0.0.0.0/0"}])),
        Sample::new(
            "vpc-endpoint",
            "ec2.vpc_endpoint",
            json!({
                "vpc_id": "${vpc.id}", "service_name": "com.amazonaws.eu-central-1.s3",
                "route_tables": ["${route-table.id}"],
            }),
        )
        .change("vpc_id", json!("vpc-0"))
        .change("service_name", json!("com.amazonaws.eu-central-1.dynamodb"))
        .change("endpoint_type", json!("Interface"))
        .change("route_tables", json!([]))
        .unchanged("subnets", "a gateway endpoint has none")
        .unchanged("security_groups", "a gateway endpoint has none")
        .unchanged("private_dns", "a gateway endpoint has none"),
        Sample::new(
            "interface-endpoint",
            "ec2.vpc_endpoint",
            json!({
                "vpc_id": "${vpc.id}", "service_name": "com.amazonaws.eu-central-1.logs", "endpoint_type": "Interface",
                "subnets": ["${subnet.id}"], "security_groups": ["${callers.id}"], "private_dns": true,
            }),
        )
        .change("vpc_id", json!("vpc-0"))
        .change("service_name", json!("com.amazonaws.eu-central-1.ecr.api"))
        .change("endpoint_type", json!("Gateway"))
        .unchanged("route_tables", "an interface endpoint has none")
        .change("subnets", json!(["${subnet-b.id}"]))
        .change("security_groups", json!(["${security-group.id}"]))
        .compared("private_dns", json!(false)),
    ]
}
