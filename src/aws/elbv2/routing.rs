//! Where a load balancer's listeners and rules send requests.

use aws_sdk_elasticloadbalancingv2::types::{Action, Listener, Rule};
use futures::TryFutureExt;
use futures::future::try_join_all;

use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Class, CloudError};

const LISTENERS: &str = "elasticloadbalancing:DescribeListeners";
const RULES: &str = "elasticloadbalancing:DescribeRules";

/// A listener with its rules.
pub struct ListenerRules {
    pub listener: Listener,
    pub rules: Vec<Rule>,
}

/// The balancer's listeners, each with its rules; none when there is no such balancer.
pub async fn listeners(aws: &Aws, balancer: &str) -> Result<Vec<ListenerRules>, CloudError> {
    let list = |marker| {
        let request = aws.elb.describe_listeners().load_balancer_arn(balancer);
        let request = request.set_marker(marker);
        request.send().map_err(|e| aws_error(LISTENERS, e))
    };
    let found = match pages(aws, LISTENERS, list, |page| page.next_marker()).await {
        Ok(pages) => pages,
        Err(error) if error.is(Class::NotFound) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let listeners = found
        .into_iter()
        .flat_map(|page| page.listeners.unwrap_or_default());
    let with_rules = listeners.map(|listener| async move {
        let rules = rules(aws, listener.listener_arn()).await?;
        Ok::<_, CloudError>(ListenerRules { listener, rules })
    });
    try_join_all(with_rules).await
}

async fn rules(aws: &Aws, listener: Option<&str>) -> Result<Vec<Rule>, CloudError> {
    let list = |marker| {
        let request = aws.elb.describe_rules().set_marker(marker);
        let request = request.set_listener_arn(listener.map(str::to_owned));
        request.send().map_err(|e| aws_error(RULES, e))
    };
    match pages(aws, RULES, list, |page| page.next_marker()).await {
        Ok(pages) => Ok(pages
            .into_iter()
            .flat_map(|page| page.rules.unwrap_or_default())
            .collect()),
        // The listener went away between the two looks.
        Err(error) if error.is(Class::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

impl ListenerRules {
    /// Whether its default action or one of its rules forwards to the group.
    pub fn forwards_to(&self, group: &str) -> bool {
        forwards_to(self.listener.default_actions(), group)
            || self
                .rules
                .iter()
                .any(|rule| forwards_to(rule.actions(), group))
    }
}

pub fn forwards_to(actions: &[Action], group: &str) -> bool {
    actions.iter().any(|action| {
        action.target_group_arn() == Some(group)
            || action.forward_config().is_some_and(|forward| {
                let groups = forward.target_groups().iter();
                let weighted = groups.filter(|one| one.weight() != Some(0));
                weighted
                    .map(|one| one.target_group_arn())
                    .any(|arn| arn == Some(group))
            })
    })
}
