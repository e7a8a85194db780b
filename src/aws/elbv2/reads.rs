//! Describes that the kinds of this service share, each read once per look.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer, TargetGroup};
use futures::TryFutureExt;
use futures::future::try_join_all;

use super::tags;
use crate::aws::scan::needs_scan;
use crate::aws::{Aws, aws_error, pages, tagged};
use crate::kind::{Asked, Class, CloudError, Extent};
use crate::model::Tags;

/// The largest page of every describe here (API reference).
pub const PAGE: i32 = 400;
/// The most ARNs one describe takes (API reference).
pub const ARNS: usize = 20;

pub const LOAD_BALANCERS: &str = "elasticloadbalancing:DescribeLoadBalancers";
pub const TARGET_GROUPS: &str = "elasticloadbalancing:DescribeTargetGroups";
pub const LISTENERS: &str = "elasticloadbalancing:DescribeListeners";

/// Every load balancer in the region.
pub async fn load_balancers(
    aws: &Aws,
    asked: &Asked,
) -> Result<Arc<Vec<LoadBalancer>>, CloudError> {
    asked
        .memo
        .get("all", || async {
            let list = |marker| {
                let request = aws.elb.describe_load_balancers().page_size(PAGE);
                let request = request.set_marker(marker);
                request.send().map_err(|e| aws_error(LOAD_BALANCERS, e))
            };
            let pages = pages(aws, LOAD_BALANCERS, list, |page| page.next_marker()).await?;
            Ok(pages
                .into_iter()
                .flat_map(|page| page.load_balancers.unwrap_or_default())
                .collect())
        })
        .await
}

/// The load balancers with these ARNs that are there: the direct read, for waiting.
pub async fn load_balancers_by_arn(
    aws: &Aws,
    arns: &[String],
) -> Result<Vec<LoadBalancer>, CloudError> {
    let each = try_join_all(arns.iter().map(|arn| async move {
        let request = aws.elb.describe_load_balancers().load_balancer_arns(arn);
        let answer = aws
            .read(LOAD_BALANCERS, || {
                request
                    .clone()
                    .send()
                    .map_err(|e| aws_error(LOAD_BALANCERS, e))
            })
            .await;
        match answer {
            Ok(answer) => Ok(answer.load_balancers.unwrap_or_default()),
            Err(error) if error.is(Class::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }))
    .await?;
    Ok(each.into_iter().flatten().collect())
}

/// Every target group in the region.
pub async fn target_groups(aws: &Aws, asked: &Asked) -> Result<Arc<Vec<TargetGroup>>, CloudError> {
    asked
        .memo
        .get("all", || async {
            let list = |marker| {
                let request = aws.elb.describe_target_groups().page_size(PAGE);
                let request = request.set_marker(marker);
                request.send().map_err(|e| aws_error(TARGET_GROUPS, e))
            };
            let pages = pages(aws, TARGET_GROUPS, list, |page| page.next_marker()).await?;
            Ok(pages
                .into_iter()
                .flat_map(|page| page.target_groups.unwrap_or_default())
                .collect())
        })
        .await
}

/// The listeners of one load balancer; none when it is gone.
pub async fn listeners(
    aws: &Aws,
    asked: &Asked,
    load_balancer: &str,
) -> Result<Arc<Vec<Listener>>, CloudError> {
    asked
        .memo
        .get(load_balancer, || async {
            let list = |marker| {
                let request = aws.elb.describe_listeners().page_size(PAGE);
                let request = request.load_balancer_arn(load_balancer).set_marker(marker);
                request.send().map_err(|e| aws_error(LISTENERS, e))
            };
            match pages(aws, LISTENERS, list, |page| page.next_marker()).await {
                Ok(pages) => Ok(pages
                    .into_iter()
                    .flat_map(|page| page.listeners.unwrap_or_default())
                    .collect()),
                Err(error) if error.is(Class::NotFound) => Ok(Vec::new()),
                Err(error) => Err(error),
            }
        })
        .await
}

/// Whose tags are read.
pub struct Tagged<'a> {
    /// In a look at single items: all that may be one of them.
    pub candidates: &'a [String],
    /// Those that an id or a name leads to.
    pub known: &'a [String],
    /// What the tagging API calls them (`elasticloadbalancing:targetgroup`).
    pub resource_type: &'static str,
}

pub const LOAD_BALANCER_TYPE: &str = "elasticloadbalancing:loadbalancer";
pub const TARGET_GROUP_TYPE: &str = "elasticloadbalancing:targetgroup";

/// The tags of load balancers and target groups. While one call tells those of all there are, it is made for both kinds. In a bigger account
/// only of the known ones, and where those may not be all, of those that the tagging API names, which lags by minutes.
pub async fn tags_of(
    aws: &Aws,
    asked: &Asked,
    of: Tagged<'_>,
) -> Result<Arc<HashMap<String, Tags>>, CloudError> {
    if asked.extent == Extent::Items {
        return tags::describe(aws, of.candidates).await.map(Arc::new);
    }
    if is_few(aws, asked).await? {
        return tags_of_all(aws, asked).await;
    }
    let mut arns = of.known.to_vec();
    if needs_scan(asked, "name") {
        match tagged::arns(aws, asked, of.resource_type).await? {
            Some(hits) => {
                arns.extend(hits.into_iter().filter(|hit| of.candidates.contains(hit)));
            }
            None => return tags_of_all(aws, asked).await,
        }
    }
    arns.sort();
    arns.dedup();
    tags::describe(aws, &arns).await.map(Arc::new)
}

/// Whether one `DescribeTags` tells of all load balancers and target groups.
async fn is_few(aws: &Aws, asked: &Asked) -> Result<bool, CloudError> {
    let (balancers, groups) =
        tokio::try_join!(load_balancers(aws, asked), target_groups(aws, asked))?;
    Ok(balancers.len() + groups.len() <= ARNS)
}

async fn tags_of_all(aws: &Aws, asked: &Asked) -> Result<Arc<HashMap<String, Tags>>, CloudError> {
    asked
        .memo
        .get("elbv2", || async {
            let (balancers, groups) =
                tokio::try_join!(load_balancers(aws, asked), target_groups(aws, asked))?;
            let arns: Vec<String> = balancers
                .iter()
                .filter_map(|balancer| balancer.load_balancer_arn.clone())
                .chain(
                    groups
                        .iter()
                        .filter_map(|group| group.target_group_arn.clone()),
                )
                .collect();
            tags::describe(aws, &arns).await
        })
        .await
}

/// ARNs of the load balancers that carry this stack's tags.
pub async fn our_load_balancers(aws: &Aws, asked: &Asked) -> Result<Vec<String>, CloudError> {
    let all = load_balancers(aws, asked).await?;
    let arns: Vec<String> = all
        .iter()
        .filter_map(|balancer| balancer.load_balancer_arn.clone())
        .collect();
    let of = Tagged {
        candidates: &arns,
        known: &[],
        resource_type: LOAD_BALANCER_TYPE,
    };
    let tags = tags_of(aws, asked, of).await?;
    Ok(arns
        .into_iter()
        .filter(|arn| {
            tags.get(arn)
                .and_then(crate::model::Ownership::read)
                .is_some_and(|owner| owner.is_of(&asked.scope))
        })
        .collect())
}

/// The load balancer a listener's ARN speaks of, or the listener a rule's ARN speaks of:
/// `…:listener/app/name/1a/2b` → `…:loadbalancer/app/name/1a`; `…:listener-rule/app/name/1a/2b/3c` → `…:listener/app/name/1a/2b`.
pub fn parent(arn: &str) -> Option<String> {
    let (above, _) = arn.rsplit_once('/')?;
    if above.contains(":listener-rule/") {
        Some(above.replacen(":listener-rule/", ":listener/", 1))
    } else if above.contains(":listener/") {
        Some(above.replacen(":listener/", ":loadbalancer/", 1))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_leads_to_its_parent() {
        let listener = "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/web/1a/2b";
        assert_eq!(
            parent(&format!(
                "{}/3c",
                listener.replace(":listener/", ":listener-rule/")
            ))
            .as_deref(),
            Some(listener)
        );
        assert_eq!(
            parent(listener).as_deref(),
            Some("arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/web/1a")
        );
        assert_eq!(
            parent("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/x/1"),
            None
        );
        assert_eq!(parent("nonsense"), None);
    }
}
