//! Deleting a service: drained first, then gone, then its tasks' network interfaces gone. `INACTIVE` comes before the last of these,
//! and until then the interfaces keep subnets and security groups from being deleted.

use std::collections::HashSet;

use aws_sdk_ecs::types::DesiredStatus;

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

/// Interfaces of the service's own tasks that are still there. Subnets and groups may hold those of any other service, in any cluster:
/// the description of an interface is its attachment's ARN (ECS developer guide, task networking), and the task names the attachment.
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
    // The partition of the ARN differs.
    all.retain(|one| one.description.starts_with("arn:") && one.description.contains(":ecs:"));
    if all.is_empty() {
        return Ok(all);
    }
    let own = own_attachments(aws, cluster, name).await?;
    all.retain(|one| own.contains(attachment_in(&one.description)));
    Ok(all)
}

/// `arn:…:attachment/ID` → `ID`; newer ones have the cluster's name before it.
fn attachment_in(description: &str) -> &str {
    description.rsplit('/').next().unwrap_or(description)
}

/// Ids of the attachments of the service's tasks, also of those that have ended: ECS remembers them for about an hour.
async fn own_attachments(
    aws: &Aws,
    cluster: &str,
    name: &str,
) -> Result<HashSet<String>, CloudError> {
    const TASKS: &str = "ecs:DescribeTasks";
    let (running, stopped) = tokio::try_join!(
        list_tasks(aws, cluster, DesiredStatus::Running),
        list_tasks(aws, cluster, DesiredStatus::Stopped),
    )?;
    let arns: Vec<String> = running.into_iter().chain(stopped).collect();
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
        let own = answer
            .tasks()
            .iter()
            .filter(|task| task.group() == Some(&group));
        let attachments = own.flat_map(|task| task.attachments());
        ids.extend(attachments.filter_map(|one| one.id().map(str::to_owned)));
    }
    Ok(ids)
}

async fn list_tasks(
    aws: &Aws,
    cluster: &str,
    status: DesiredStatus,
) -> Result<Vec<String>, CloudError> {
    const TASKS: &str = "ecs:ListTasks";
    let list = |token| {
        let request = aws.ecs.list_tasks().cluster(cluster).set_next_token(token);
        let request = request.desired_status(status.clone());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_names_its_attachment() {
        for arn in [
            "arn:aws:ecs:eu-west-1:1:attachment/a1-b2",
            "arn:aws-cn:ecs:cn-north-1:1:attachment/cluster/a1-b2",
        ] {
            assert_eq!(attachment_in(arn), "a1-b2");
        }
    }
}
