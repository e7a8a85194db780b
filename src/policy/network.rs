//! EC2 networks and load balancers: creates by the tags that they send, everything else by the tags
//! that resources have.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::access::Need;
use super::actions::{Actions, is_metadata_read};
use super::names::StackNames;
use super::statement::{Statement, Topic};

/// What each create makes, as EC2 calls its type in ARNs.
const CREATES: &[(&str, &str)] = &[
    ("ec2:AllocateAddress", "elastic-ip"),
    ("ec2:CreateInternetGateway", "internet-gateway"),
    ("ec2:CreateNatGateway", "natgateway"),
    ("ec2:CreateRouteTable", "route-table"),
    ("ec2:CreateSecurityGroup", "security-group"),
    ("ec2:CreateSubnet", "subnet"),
    ("ec2:CreateVpc", "vpc"),
    ("ec2:CreateVpcEndpoint", "vpc-endpoint"),
];
/// Actions that are judged by a resource of somebody else's as well, where the stack stands in a
/// network that it does not manage.
const BORROWED: &[(&str, &[&str])] = &[
    ("ec2:AssociateRouteTable", &["subnet"]),
    ("ec2:AttachInternetGateway", &["vpc"]),
    ("ec2:CreateNatGateway", &["subnet", "elastic-ip"]),
    ("ec2:CreateRouteTable", &["vpc"]),
    ("ec2:CreateSecurityGroup", &["vpc"]),
    ("ec2:CreateSubnet", &["vpc"]),
    (
        "ec2:CreateVpcEndpoint",
        &["vpc", "subnet", "route-table", "security-group"],
    ),
    ("ec2:DetachInternetGateway", &["vpc"]),
    ("ec2:DisassociateRouteTable", &["subnet"]),
    (
        "ec2:ModifyVpcEndpoint",
        &["subnet", "route-table", "security-group"],
    ),
    ("ec2:ReplaceRouteTableAssociation", &["subnet"]),
];
const LOAD_BALANCER_CREATES: &[&str] = &[
    "elasticloadbalancing:CreateLoadBalancer",
    "elasticloadbalancing:CreateTargetGroup",
];
/// Made inside a load balancer, by whose tags they are judged.
const LISTENER_CREATES: &[&str] = &[
    "elasticloadbalancing:CreateListener",
    "elasticloadbalancing:CreateRule",
];
const ADD_TAGS: &str = "elasticloadbalancing:AddTags";

pub fn statements(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let mut all = creates(actions, names);
    all.extend(ec2(actions, names));
    all.extend(load_balancers(actions, names));
    let before = actions.of(
        &["ec2", "elasticloadbalancing", "ecs", "rds"],
        |action, needs| is_metadata_read(action) && !needs.contains(&Need::Look),
    );
    all.push(Statement::allow(
        Topic::Network,
        "LookBeforeChanges",
        before,
    ));
    let import = actions.among(&["ec2:CreateTags", ADD_TAGS, "ecs:TagResource"]);
    if actions.needs(Need::Import) {
        all.push(Statement::allow(Topic::Import, "TagUnowned", import).when(unowned()));
    }
    all
}

fn creates(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let wanted: Vec<&(&str, &str)> = CREATES
        .iter()
        .filter(|(action, _)| !actions.among(&[action]).is_empty())
        .collect();
    let made = wanted
        .iter()
        .map(|(action, _)| (*action).to_owned())
        .collect();
    let types = wanted
        .iter()
        .map(|(_, of)| names.arn("ec2", &format!("{of}/*")));
    vec![
        Statement::allow(Topic::Network, "CreateNetwork", made)
            .on(types)
            .when(sends_tags(names)),
    ]
}

fn ec2(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    // By the network that it is made in.
    let inside: BTreeSet<&str> = BORROWED.iter().map(|(action, _)| *action).collect();
    let own = actions.of(&["ec2"], |action, needs| {
        let creates = CREATES.iter().any(|(create, _)| *create == action);
        super::actions::is_write(action)
            && (!creates || inside.contains(action))
            && *needs != BTreeSet::from([Need::Import])
    });
    let by: Vec<&str> = CREATES
        .iter()
        .filter(|(action, _)| !actions.among(&[action]).is_empty())
        .filter_map(|(action, _)| action.split(':').nth(1))
        .collect();
    let mut all =
        vec![Statement::allow(Topic::Network, "ChangeNetwork", own).when(has_tags(names))];
    if !by.is_empty() {
        let tag = actions.among(&["ec2:CreateTags"]);
        all.push(
            Statement::allow(Topic::Network, "TagNewNetwork", tag)
                .when(json!({ "StringEquals": { "ec2:CreateAction": by } })),
        );
    }
    // An association has no tags; AWS judges by its table and subnet besides.
    let associations = actions.among(&[
        "ec2:DisassociateRouteTable",
        "ec2:ReplaceRouteTableAssociation",
    ]);
    all.push(
        Statement::allow(Topic::Network, "ChangeAssociations", associations)
            .on([names.arn("ec2", "route-table-association/*")]),
    );
    if names.borrows_network() {
        all.extend(borrowed(actions, names));
    }
    all
}

/// One statement per set of types. None of them is granted on the type that the action creates.
fn borrowed(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let mut groups: Vec<(&[&str], BTreeSet<String>)> = Vec::new();
    for (action, types) in BORROWED {
        let wanted = actions.among(&[action]);
        if wanted.is_empty() {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| known == types) {
            Some((_, all)) => all.extend(wanted),
            None => groups.push((types, wanted)),
        }
    }
    let each = groups.into_iter().map(|(types, wanted)| {
        let arns = types.iter().map(|of| names.arn("ec2", &format!("{of}/*")));
        Statement::allow(Topic::Network, borrowed_sid(types), wanted).on(arns)
    });
    each.collect()
}

fn borrowed_sid(types: &[&str]) -> &'static str {
    match types {
        ["vpc"] => "UseNetwork",
        ["subnet"] => "UseSubnets",
        ["subnet", "elastic-ip"] => "UseNatSubnets",
        ["vpc", ..] => "UseNetworkParts",
        _ => "UseSubnetParts",
    }
}

fn load_balancers(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let own = actions.of(&["elasticloadbalancing"], |action, needs| {
        super::actions::is_write(action)
            && !LOAD_BALANCER_CREATES.contains(&action)
            && *needs != BTreeSet::from([Need::Import])
    });
    let creates = actions.among(LOAD_BALANCER_CREATES);
    let by: Vec<String> = creates
        .iter()
        .cloned()
        .chain(actions.among(LISTENER_CREATES))
        .filter_map(|action| action.split(':').nth(1).map(str::to_owned))
        .collect();
    let mut all = vec![
        Statement::allow(Topic::Network, "CreateLoadBalancers", creates).when(sends_tags(names)),
        Statement::allow(Topic::Network, "ChangeLoadBalancers", own).when(has_tags(names)),
    ];
    if !by.is_empty() {
        all.push(
            Statement::allow(
                Topic::Network,
                "TagNewLoadBalancers",
                actions.among(&[ADD_TAGS]),
            )
            .when(json!({ "StringEquals": { "elasticloadbalancing:CreateAction": by } })),
        );
    }
    let foreign = names.literals().into_iter().filter(|text| {
        text.starts_with("arn:") && (text.contains(":loadbalancer/") || text.contains(":listener/"))
    });
    let foreign: Vec<String> = foreign.map(str::to_owned).collect();
    all.push(
        Statement::allow(
            Topic::Network,
            "UseLoadBalancers",
            actions.among(LISTENER_CREATES),
        )
        .on(foreign),
    );
    all
}

/// The request gives what it creates this environment's tags.
pub fn sends_tags(names: &StackNames) -> Json {
    tags("aws:RequestTag", names)
}

/// The resource has this environment's tags.
pub fn has_tags(names: &StackNames) -> Json {
    tags("aws:ResourceTag", names)
}

fn tags(key: &str, names: &StackNames) -> Json {
    json!({ "StringEquals": {
        format!("{key}/circles-infra:stack"): names.stack,
        format!("{key}/circles-infra:env"): names.environment,
    } })
}

/// The resource is of no stack.
fn unowned() -> Json {
    json!({ "Null": { "aws:ResourceTag/circles-infra:stack": "true" } })
}
