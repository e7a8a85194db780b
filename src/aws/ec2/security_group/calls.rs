//! The calls that make a group's rules the wished ones: new rules first, then descriptions, then what nobody names goes.

use aws_sdk_ec2::types::{IpPermission, SecurityGroupRule};

use super::rules::{Direction, LiveRule, Rule};
use crate::aws::ec2::look;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Class, CloudError, Cx};

/// The rules of a group that was made a moment ago: those that EC2 gives it, one more in a VPC with IPv6. While they do not show, the one
/// that every group has.
pub async fn rules_of_new(aws: &Aws, group: &str) -> Result<Vec<LiveRule>, CloudError> {
    let mut rules = rules_of(aws, group).await?;
    if !rules.iter().any(|rule| rule.direction == Direction::Egress) {
        rules.push(LiveRule::allow_all_egress());
    }
    Ok(rules)
}

/// The ids of the group's rules that name `peer`, by `ingress` and `egress`.
pub(in crate::aws::ec2) async fn rules_naming(
    aws: &Aws,
    group: &str,
    peer: &str,
) -> Result<Vec<(&'static str, Vec<String>)>, CloudError> {
    let rules = rules_of(aws, group).await?;
    let of = |direction| -> Vec<String> {
        rules
            .iter()
            .filter(|rule| rule.direction == direction && rule.names(peer))
            .map(|rule| rule.id.clone())
            .collect()
    };
    let both = [
        ("ingress", of(Direction::Ingress)),
        ("egress", of(Direction::Egress)),
    ];
    Ok(both
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .collect())
}

/// The group's rules, each with its id. A group that is not there has none.
pub async fn rules_of(aws: &Aws, group: &str) -> Result<Vec<LiveRule>, CloudError> {
    let filter = &look::one("group-id", [group]);
    let pages = pages(
        aws,
        "ec2:DescribeSecurityGroupRules",
        |token| async move {
            aws.ec2
                .describe_security_group_rules()
                .filters(filter.clone())
                .max_results(1000)
                .set_next_token(token)
                .send()
                .await
                .map_err(|e| aws_error("ec2:DescribeSecurityGroupRules", e))
        },
        |page| page.next_token(),
    )
    .await;
    match pages {
        Ok(pages) => Ok(pages
            .iter()
            .flat_map(|page| page.security_group_rules())
            .filter_map(LiveRule::read)
            .collect()),
        Err(error) if error.is(Class::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Makes `wanted` the group's rules.
pub async fn settle(
    aws: &Aws,
    cx: &Cx,
    group: &str,
    live: &mut Vec<LiveRule>,
    wanted: &[(Direction, Rule)],
) -> Result<(), CloudError> {
    for direction in [Direction::Ingress, Direction::Egress] {
        let wanted: Vec<&Rule> = wanted
            .iter()
            .filter(|(d, _)| *d == direction)
            .map(|(_, rule)| rule)
            .collect();
        add(aws, cx, group, direction, live, &wanted).await?;
        redescribe(aws, cx, group, direction, live, &wanted).await?;
        let extra: Vec<LiveRule> = live
            .iter()
            .filter(|live| live.direction == direction)
            .filter(|live| !wanted.iter().any(|rule| rule.is_same(&live.rule)))
            .cloned()
            .collect();
        revoke(aws, cx, group, direction, &extra).await?;
        live.retain(|live| {
            live.direction != direction || wanted.iter().any(|rule| rule.is_same(&live.rule))
        });
    }
    Ok(())
}

fn missing<'a>(live: &[LiveRule], direction: Direction, wanted: &[&'a Rule]) -> Vec<&'a Rule> {
    wanted
        .iter()
        .filter(|rule| {
            !live
                .iter()
                .any(|live| live.direction == direction && live.rule.is_same(rule))
        })
        .copied()
        .collect()
}

/// `InvalidPermission.Duplicate` fails the whole batch though only one rule is there already: a look tells which are still missing.
async fn add(
    aws: &Aws,
    cx: &Cx,
    group: &str,
    direction: Direction,
    live: &mut Vec<LiveRule>,
    wanted: &[&Rule],
) -> Result<(), CloudError> {
    let first = missing(live, direction, wanted);
    match authorize(aws, cx, group, direction, &first).await {
        Ok(made) => live.extend(made),
        Err(error) if error.is(Class::Exists) => {
            *live = rules_of(aws, group).await?;
            let rest = missing(live, direction, wanted);
            live.extend(authorize(aws, cx, group, direction, &rest).await?);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// One call for all rules of a direction. Returns them as AWS made them.
async fn authorize(
    aws: &Aws,
    cx: &Cx,
    group: &str,
    direction: Direction,
    rules: &[&Rule],
) -> Result<Vec<LiveRule>, CloudError> {
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let action = direction.authorize();
    let permissions: Vec<IpPermission> = rules.iter().map(|rule| rule.permission()).collect();
    let made: Vec<SecurityGroupRule> = cx
        .call(action, async {
            match direction {
                Direction::Ingress => aws
                    .ec2
                    .authorize_security_group_ingress()
                    .group_id(group)
                    .set_ip_permissions(Some(permissions))
                    .send()
                    .await
                    .map(|answer| answer.security_group_rules.unwrap_or_default())
                    .map_err(|e| aws_error(action, e)),
                Direction::Egress => aws
                    .ec2
                    .authorize_security_group_egress()
                    .group_id(group)
                    .set_ip_permissions(Some(permissions))
                    .send()
                    .await
                    .map(|answer| answer.security_group_rules.unwrap_or_default())
                    .map_err(|e| aws_error(action, e)),
            }
        })
        .await?;
    let made: Vec<LiveRule> = made.iter().filter_map(LiveRule::read).collect();
    // The answer names the ids; what it does not repeat is known all the same.
    Ok(rules
        .iter()
        .map(|rule| LiveRule {
            id: made
                .iter()
                .find(|made| made.rule.is_same(rule))
                .map(|made| made.id.clone())
                .unwrap_or_default(),
            direction,
            rule: (*rule).clone(),
        })
        .collect())
}

/// One call for all rules of a direction whose text is another.
async fn redescribe(
    aws: &Aws,
    cx: &Cx,
    group: &str,
    direction: Direction,
    live: &mut [LiveRule],
    wanted: &[&Rule],
) -> Result<(), CloudError> {
    let mut permissions = Vec::new();
    for live in live.iter_mut().filter(|live| live.direction == direction) {
        let other = wanted
            .iter()
            .find(|rule| rule.is_same(&live.rule) && rule.description != live.rule.description);
        if let Some(rule) = other {
            permissions.push(rule.permission());
            live.rule.description = rule.description.clone();
        }
    }
    if permissions.is_empty() {
        return Ok(());
    }
    let action = direction.describe();
    cx.call(action, async {
        match direction {
            Direction::Ingress => aws
                .ec2
                .update_security_group_rule_descriptions_ingress()
                .group_id(group)
                .set_ip_permissions(Some(permissions))
                .send()
                .await
                .map(drop)
                .map_err(|e| aws_error(action, e)),
            Direction::Egress => aws
                .ec2
                .update_security_group_rule_descriptions_egress()
                .group_id(group)
                .set_ip_permissions(Some(permissions))
                .send()
                .await
                .map(drop)
                .map_err(|e| aws_error(action, e)),
        }
    })
    .await
}

/// Takes rules away: by id, or by what they say where no id is known. If one is gone already the call is refused whole, so a look then
/// tells which are left.
pub async fn revoke(
    aws: &Aws,
    cx: &Cx,
    group: &str,
    direction: Direction,
    rules: &[LiveRule],
) -> Result<(), CloudError> {
    match revoke_once(aws, cx, group, direction, rules).await {
        Err(error) if error.is(Class::NotFound) => {
            let mut left = rules_of(aws, group).await?;
            left.retain(|left| {
                left.direction == direction
                    && rules.iter().any(|rule| rule.rule.is_same(&left.rule))
            });
            revoke_once(aws, cx, group, direction, &left).await
        }
        other => other,
    }
}

async fn revoke_once(
    aws: &Aws,
    cx: &Cx,
    group: &str,
    direction: Direction,
    rules: &[LiveRule],
) -> Result<(), CloudError> {
    if rules.is_empty() {
        return Ok(());
    }
    let action = direction.revoke();
    let all_have_ids = rules.iter().all(|rule| !rule.id.is_empty());
    let ids = all_have_ids.then(|| rules.iter().map(|rule| rule.id.clone()).collect());
    let permissions =
        (!all_have_ids).then(|| rules.iter().map(|rule| rule.rule.permission()).collect());
    cx.call(action, async {
        match direction {
            Direction::Ingress => aws
                .ec2
                .revoke_security_group_ingress()
                .group_id(group)
                .set_security_group_rule_ids(ids)
                .set_ip_permissions(permissions)
                .send()
                .await
                .map(drop)
                .map_err(|e| aws_error(action, e)),
            Direction::Egress => aws
                .ec2
                .revoke_security_group_egress()
                .group_id(group)
                .set_security_group_rule_ids(ids)
                .set_ip_permissions(permissions)
                .send()
                .await
                .map(drop)
                .map_err(|e| aws_error(action, e)),
        }
    })
    .await
}
