//! Deleting a service: drained first, then gone, then its tasks' network interfaces gone. `INACTIVE` comes before the last of these,
//! and until then the interfaces keep subnets and security groups from being deleted.

use std::collections::HashSet;

use super::*;
use crate::aws::ec2::interfaces::{InterfaceInfo, interfaces, sentence};
use crate::aws::pages;
use crate::kind::Class;

/// The most tasks one `DescribeTasks` takes (API reference).
const PER_CALL: usize = 100;

pub async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
    let cluster = live.service.cluster_arn().unwrap_or_default();
    let name = live.service.service_name().unwrap_or_default();
    if cx.round == 0
        && let Err(error) = take_down(aws, cx, live, cluster).await
        && !error.is(Class::NotFound)
    {
        return Err(error);
    }
    let left = look::describe(aws, cluster, vec![name.to_owned()]).await?;
    if let Some(left) = left.first() {
        if left.status() == "ACTIVE" && cx.round > 0 {
            // The delete did not reach it, or somebody made it anew.
            take_down(aws, cx, left, cluster).await?;
        }
        let running = left.service.running_count() + left.service.pending_count();
        return Ok(Step::Again(format!("draining, {running} tasks left")));
    }
    let left = task_interfaces(aws, live, cluster, name).await?;
    if left.is_empty() {
        Ok(Step::Done(()))
    } else {
        Ok(Step::Again(sentence(&left)))
    }
}

async fn take_down(aws: &Aws, cx: &Cx, live: &Live, cluster: &str) -> Result<(), CloudError> {
    if live.service.desired_count() > 0 && live.status() == "ACTIVE" {
        let request = aws
            .ecs
            .update_service()
            .cluster(cluster)
            .service(&live.arn)
            .desired_count(0);
        cx.call(UPDATE, request.send().map_err(|e| aws_error(UPDATE, e)))
            .await?;
    }
    let request = aws
        .ecs
        .delete_service()
        .cluster(cluster)
        .service(&live.arn)
        .force(true);
    cx.call(DELETE, request.send().map_err(|e| aws_error(DELETE, e)))
        .await?;
    Ok(())
}

/// Interfaces of tasks in the service's subnets and groups, without those of other services' running tasks.
async fn task_interfaces(
    aws: &Aws,
    live: &Live,
    cluster: &str,
    name: &str,
) -> Result<Vec<InterfaceInfo>, CloudError> {
    let Some(network) = live.network() else {
        return Ok(Vec::new());
    };
    let mut filters = vec![("subnet-id", network.subnets().to_vec())];
    if !network.security_groups().is_empty() {
        filters.push(("group-id", network.security_groups().to_vec()));
    }
    let mut all = interfaces(aws, filters).await?;
    // The description is the attachment's ARN (ECS developer guide, task networking); the partition differs.
    all.retain(|one| one.description.starts_with("arn:") && one.description.contains(":ecs:"));
    if all.is_empty() {
        return Ok(all);
    }
    let others = interfaces_of_others(aws, cluster, name).await?;
    all.retain(|one| !others.contains(&one.id));
    Ok(all)
}

/// Ids of the interfaces of running tasks in the cluster that are not this service's.
async fn interfaces_of_others(
    aws: &Aws,
    cluster: &str,
    name: &str,
) -> Result<HashSet<String>, CloudError> {
    const TASKS: &str = "ecs:DescribeTasks";
    let arns = running_tasks(aws, cluster).await?;
    let group = format!("service:{name}");
    let mut ids = HashSet::new();
    for chunk in arns.chunks(PER_CALL) {
        let request = aws
            .ecs
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(chunk.to_vec()));
        let answer = aws
            .read(TASKS, || {
                request.clone().send().map_err(|e| aws_error(TASKS, e))
            })
            .await?;
        let others = answer
            .tasks()
            .iter()
            .filter(|task| task.group() != Some(&group));
        ids.extend(
            others
                .flat_map(|task| task.attachments())
                .flat_map(|attachment| attachment.details())
                .filter(|detail| detail.name() == Some("networkInterfaceId"))
                .filter_map(|detail| detail.value().map(str::to_owned)),
        );
    }
    Ok(ids)
}

async fn running_tasks(aws: &Aws, cluster: &str) -> Result<Vec<String>, CloudError> {
    const TASKS: &str = "ecs:ListTasks";
    let list = |token| {
        let request = aws.ecs.list_tasks().cluster(cluster).set_next_token(token);
        request.send().map_err(|e| aws_error(TASKS, e))
    };
    match pages(aws, TASKS, list, |page| page.next_token()).await {
        Ok(pages) => Ok(pages
            .into_iter()
            .flat_map(|page| page.task_arns.unwrap_or_default())
            .collect()),
        Err(error) if error.is(Class::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
