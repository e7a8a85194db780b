//! Finding roles: one by one while they are few, by `GetAccountAuthorizationDetails` when they are many; in between by its first page, which
//! is all of it in most accounts. Strays are looked for under our path, since the tagging API does not know roles.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_iam::operation::get_account_authorization_details::builders::GetAccountAuthorizationDetailsFluentBuilder;
use aws_sdk_iam::types::{self, EntityType};
use futures::future::try_join_all;

use super::{Live, SESSION};
use crate::aws::iam::{FEW, PATH, SEVERAL, document, tags};
use crate::aws::scan::needs_scan;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Asked, Class, CloudError, Extent};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

pub async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
    let mut names: BTreeSet<String> = asked.texts("name").into_iter().collect();
    names.extend(asked.ids().map(|id| id.as_str().to_owned()));
    if !needs_scan(asked, "name") && (asked.extent == Extent::Items || names.len() < FEW) {
        return named(aws, &names).await;
    }
    if names.len() >= FEW {
        let listed = under_path(aws).await?;
        return all(aws, asked, &names, listed).await;
    }
    let each = try_join_all(names.iter().map(|name| by_name(aws, name)));
    let (mut each, listed) = tokio::try_join!(each, under_path(aws))?;
    if others(&names, &listed).count() >= FEW {
        return all(aws, asked, &names, listed).await;
    }
    each.extend(strays(aws, asked, &names, &listed).await?);
    Ok(each.into_iter().flatten().collect())
}

/// What else stands under our path.
fn others<'a>(
    names: &'a BTreeSet<String>,
    listed: &'a [types::Role],
) -> impl Iterator<Item = &'a str> {
    let listed = listed.iter().map(types::Role::role_name);
    listed.filter(|name| !names.contains(*name))
}

async fn strays(
    aws: &Aws,
    asked: &Asked,
    names: &BTreeSet<String>,
    listed: &[types::Role],
) -> Result<Vec<Option<Live>>, CloudError> {
    try_join_all(others(names, listed).map(|name| if_ours(aws, asked, name))).await
}

/// The roles of these names, whoever's they are.
async fn named(aws: &Aws, names: &BTreeSet<String>) -> Result<Vec<Live>, CloudError> {
    let mut found = Vec::new();
    if names.len() >= SEVERAL {
        // What it does not tell is asked for role by role, and so is why.
        found = first_page(aws, names).await.unwrap_or_default();
    }
    let known: BTreeSet<&str> = found.iter().map(|live| live.name.as_str()).collect();
    let rest = names.iter().filter(|name| !known.contains(name.as_str()));
    let rest = try_join_all(rest.map(|name| by_name(aws, name))).await?;
    found.extend(rest.into_iter().flatten());
    Ok(found)
}

/// Those of the named roles that are among the account's first hundred: two calls instead of four for each.
async fn first_page(aws: &Aws, names: &BTreeSet<String>) -> Result<Vec<Live>, CloudError> {
    let page = aws.read(DETAILS, || async {
        let request = details(aws, 100).send().await;
        request.map_err(|e| aws_error(DETAILS, e))
    });
    let (page, listed) = tokio::try_join!(page, under_path(aws))?;
    let wanted = page
        .role_detail_list()
        .iter()
        .map(detail)
        .filter(|live| names.contains(&live.name));
    described(aws, wanted, &listed).await
}

fn details(aws: &Aws, page: i32) -> GetAccountAuthorizationDetailsFluentBuilder {
    aws.iam
        .get_account_authorization_details()
        .filter(EntityType::Role)
        .max_items(page)
}

/// Every role under our path. Without tags and permissions boundaries, which `ListRoles` leaves out (API reference).
async fn under_path(aws: &Aws) -> Result<Vec<types::Role>, CloudError> {
    let pages = pages(
        aws,
        "iam:ListRoles",
        |marker| async move {
            aws.iam
                .list_roles()
                .path_prefix(PATH)
                .max_items(1000)
                .set_marker(marker)
                .send()
                .await
                .map_err(|e| aws_error("iam:ListRoles", e))
        },
        |page| page.marker(),
    )
    .await?;
    Ok(pages.into_iter().flat_map(|page| page.roles).collect())
}

async fn get(aws: &Aws, name: &str) -> Result<Option<types::Role>, CloudError> {
    let answer = aws
        .read("iam:GetRole", || async {
            aws.iam
                .get_role()
                .role_name(name)
                .send()
                .await
                .map_err(|e| aws_error("iam:GetRole", e))
        })
        .await;
    Ok(or_absent(answer)?.and_then(|answer| answer.role))
}

fn or_absent<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is(Class::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A role with all it holds, whoever's it is.
pub async fn by_name(aws: &Aws, name: &str) -> Result<Option<Live>, CloudError> {
    let (role, inline, managed) =
        tokio::try_join!(get(aws, name), inline(aws, name), attached(aws, name))?;
    Ok(role.map(|role| Live {
        inline_policies: inline,
        managed_policies: managed,
        ..Live::read(&role)
    }))
}

/// Its tags first: most of what stands under our path may be another stack's.
async fn if_ours(aws: &Aws, asked: &Asked, name: &str) -> Result<Option<Live>, CloudError> {
    match get(aws, name).await? {
        Some(role) if asked.is_ours(&tags::read(role.tags())) => {
            let (inline, managed) = tokio::try_join!(inline(aws, name), attached(aws, name))?;
            Ok(Some(Live {
                inline_policies: inline,
                managed_policies: managed,
                ..Live::read(&role)
            }))
        }
        _ => Ok(None),
    }
}

/// The inline policies of a role; none of one that is not there.
async fn inline(
    aws: &Aws,
    role: &str,
) -> Result<BTreeMap<String, crate::model::Value>, CloudError> {
    let answer = pages(
        aws,
        "iam:ListRolePolicies",
        |marker| async move {
            aws.iam
                .list_role_policies()
                .role_name(role)
                .max_items(1000)
                .set_marker(marker)
                .send()
                .await
                .map_err(|e| aws_error("iam:ListRolePolicies", e))
        },
        |page| page.marker(),
    )
    .await;
    let names = or_absent(answer)?
        .unwrap_or_default()
        .into_iter()
        .flat_map(|page| page.policy_names);
    let policies = try_join_all(names.map(|name| async move {
        let answer = aws
            .read("iam:GetRolePolicy", || async {
                aws.iam
                    .get_role_policy()
                    .role_name(role)
                    .policy_name(&name)
                    .send()
                    .await
                    .map_err(|e| aws_error("iam:GetRolePolicy", e))
            })
            .await;
        let policy = or_absent(answer)?;
        Ok::<_, CloudError>(policy.map(|policy| (name, document::read(policy.policy_document()))))
    }))
    .await?;
    Ok(policies.into_iter().flatten().collect())
}

/// The ARNs of the policies attached to a role; none of one that is not there.
async fn attached(aws: &Aws, role: &str) -> Result<BTreeSet<String>, CloudError> {
    let answer = pages(
        aws,
        "iam:ListAttachedRolePolicies",
        |marker| async move {
            aws.iam
                .list_attached_role_policies()
                .role_name(role)
                .max_items(1000)
                .set_marker(marker)
                .send()
                .await
                .map_err(|e| aws_error("iam:ListAttachedRolePolicies", e))
        },
        |page| page.marker(),
    )
    .await;
    Ok(or_absent(answer)?
        .unwrap_or_default()
        .iter()
        .flat_map(|page| page.attached_policies())
        .filter_map(|policy| policy.policy_arn().map(str::to_owned))
        .collect())
}

/// The account's roles in one paged call. It leaves out descriptions and session lengths, which `listed` has for what stands under our
/// path; any other wanted role is asked for them.
async fn all(
    aws: &Aws,
    asked: &Asked,
    names: &BTreeSet<String>,
    listed: Vec<types::Role>,
) -> Result<Vec<Live>, CloudError> {
    let pages = pages(
        aws,
        DETAILS,
        |marker| async move {
            let request = details(aws, 1000).set_marker(marker);
            request.send().await.map_err(|e| aws_error(DETAILS, e))
        },
        |page| page.marker(),
    )
    .await;
    let pages = match pages {
        // A work-alike that does not have this call: role by role, however many there are.
        Err(error) if error.is(Class::Unsupported) => {
            let named = try_join_all(names.iter().map(|name| by_name(aws, name)));
            let (named, strays) = tokio::try_join!(named, strays(aws, asked, names, &listed))?;
            return Ok(named.into_iter().chain(strays).flatten().collect());
        }
        pages => pages?,
    };
    let wanted = pages
        .iter()
        .flat_map(|page| page.role_detail_list())
        .map(detail)
        .filter(|live| names.contains(&live.name) || asked.wants(&live.name, &live.tags));
    described(aws, wanted, &listed).await
}

/// What the account's details leave out, filled in.
async fn described(
    aws: &Aws,
    wanted: impl Iterator<Item = Live>,
    listed: &[types::Role],
) -> Result<Vec<Live>, CloudError> {
    let listed: HashMap<&str, &types::Role> =
        listed.iter().map(|role| (role.role_name(), role)).collect();
    try_join_all(wanted.map(|mut live| {
        let known = listed.get(live.name.as_str()).copied();
        async move {
            let asked_for;
            let role = match known {
                Some(role) => Some(role),
                None => {
                    asked_for = get(aws, &live.name).await?;
                    asked_for.as_ref()
                }
            };
            if let Some(role) = role.map(Live::read) {
                live.description = role.description;
                live.max_session_duration = role.max_session_duration;
            }
            Ok(live)
        }
    }))
    .await
}

fn detail(role: &types::RoleDetail) -> Live {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Live {
        name: text(role.role_name()),
        path: text(role.path()),
        arn: text(role.arn()),
        unique_id: text(role.role_id()),
        description: None,
        assume_role_policy: role
            .assume_role_policy_document()
            .map(document::read)
            .unwrap_or_default(),
        inline_policies: role
            .role_policy_list()
            .iter()
            .filter_map(|policy| {
                let document = document::read(policy.policy_document()?);
                Some((policy.policy_name()?.to_owned(), document))
            })
            .collect(),
        managed_policies: role
            .attached_managed_policies()
            .iter()
            .filter_map(|policy| policy.policy_arn().map(str::to_owned))
            .collect(),
        max_session_duration: SESSION,
        permissions_boundary: role
            .permissions_boundary()
            .and_then(|boundary| boundary.permissions_boundary_arn())
            .map(str::to_owned),
        tags: tags::read(role.tags()),
    }
}
