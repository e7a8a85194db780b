//! What `status` reads: one call for each question, no paging beyond the first hundred tasks, nothing that changes.

use aws_sdk_ecs::types::{DesiredStatus, Task};

use super::ecs::rollout::{self, Deployment, Event};
use super::{Aws, aws_error};
use crate::kind::{Class, CloudError};

/// A service as ECS tells it.
#[derive(Clone, Debug, Default)]
pub struct Service {
    pub status: String,
    pub task_definition: String,
    pub desired: i32,
    pub running: i32,
    pub pending: i32,
    pub deployments: Vec<Deployment>,
    /// Newest first.
    pub events: Vec<Event>,
}

/// `None`: there is none of that name, or it is deleted.
pub async fn service(aws: &Aws, cluster: &str, name: &str) -> Result<Option<Service>, CloudError> {
    const ACTION: &str = "ecs:DescribeServices";
    let request = aws.ecs.describe_services().cluster(cluster).services(name);
    let answer = aws
        .read(ACTION, || async {
            let answer = request.clone().send().await;
            answer.map_err(|e| aws_error(ACTION, e))
        })
        .await;
    let found = match answer {
        Ok(answer) => answer.services.unwrap_or_default().into_iter().next(),
        Err(error) if error.is(Class::NotFound) => None,
        Err(error) => return Err(error),
    };
    Ok(found
        .filter(|service| service.status() != Some("INACTIVE"))
        .map(|service| Service {
            status: service.status().unwrap_or_default().to_owned(),
            task_definition: service.task_definition().unwrap_or_default().to_owned(),
            desired: service.desired_count(),
            running: service.running_count(),
            pending: service.pending_count(),
            deployments: service
                .deployments()
                .iter()
                .map(rollout::deployment)
                .collect(),
            events: service.events().iter().map(rollout::event).collect(),
        }))
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningTask {
    /// The last part of its ARN.
    pub id: String,
    pub status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
    pub health: String,
    pub task_definition: String,
    /// Seconds since 1970, when its containers started.
    pub started: Option<i64>,
}

/// The tasks that a service wants to run, as far as the first hundred.
pub async fn tasks(
    aws: &Aws,
    cluster: &str,
    service: &str,
) -> Result<Vec<RunningTask>, CloudError> {
    const LIST: &str = "ecs:ListTasks";
    const DESCRIBE: &str = "ecs:DescribeTasks";
    let request = aws
        .ecs
        .list_tasks()
        .cluster(cluster)
        .service_name(service)
        .desired_status(DesiredStatus::Running);
    let listed = aws
        .read(LIST, || async {
            let answer = request.clone().send().await;
            answer.map_err(|e| aws_error(LIST, e))
        })
        .await;
    let arns = match listed {
        Ok(answer) => answer.task_arns.unwrap_or_default(),
        Err(error) if error.is(Class::NotFound) => Vec::new(),
        Err(error) => return Err(error),
    };
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let request = aws
        .ecs
        .describe_tasks()
        .cluster(cluster)
        .set_tasks(Some(arns));
    let answer = aws
        .read(DESCRIBE, || async {
            let answer = request.clone().send().await;
            answer.map_err(|e| aws_error(DESCRIBE, e))
        })
        .await?;
    Ok(answer.tasks().iter().map(task).collect())
}

fn task(task: &Task) -> RunningTask {
    let last = |arn: Option<&str>| {
        let arn = arn.unwrap_or_default();
        arn.rsplit('/').next().unwrap_or(arn).to_owned()
    };
    RunningTask {
        id: last(task.task_arn()),
        status: task.last_status().unwrap_or_default().to_owned(),
        health: task
            .health_status()
            .map_or("UNKNOWN", |health| health.as_str())
            .to_owned(),
        task_definition: task.task_definition_arn().unwrap_or_default().to_owned(),
        started: task.started_at().map(|at| at.secs()),
    }
}

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balancer {
    /// The name that it answers at.
    pub dns_name: Option<String>,
    /// `active`, `provisioning`, `active_impaired`, `failed`.
    pub state: String,
}

/// `None`: there is none with this ARN.
pub async fn balancer(aws: &Aws, arn: &str) -> Result<Option<Balancer>, CloudError> {
    const ACTION: &str = "elasticloadbalancing:DescribeLoadBalancers";
    let request = aws.elb.describe_load_balancers().load_balancer_arns(arn);
    let answer = aws
        .read(ACTION, || async {
            let answer = request.clone().send().await;
            answer.map_err(|e| aws_error(ACTION, e))
        })
        .await;
    let found = match answer {
        Ok(answer) => answer.load_balancers.unwrap_or_default(),
        Err(error) if error.is(Class::NotFound) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(found.into_iter().next().map(|one| Balancer {
        state: one
            .state()
            .and_then(|state| state.code())
            .map_or("active", |code| code.as_str())
            .to_owned(),
        dns_name: one.dns_name,
    }))
}

/// One target behind the balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its address, as the target group has it.
    pub id: String,
    /// `healthy`, `unhealthy`, `initial`, `draining`, …
    pub state: String,
    pub reason: Option<String>,
}

/// `None`: there is no such target group.
pub async fn targets(aws: &Aws, group: &str) -> Result<Option<Vec<Target>>, CloudError> {
    const ACTION: &str = "elasticloadbalancing:DescribeTargetHealth";
    let request = aws.elb.describe_target_health().target_group_arn(group);
    let answer = aws
        .read(ACTION, || async {
            let answer = request.clone().send().await;
            answer.map_err(|e| aws_error(ACTION, e))
        })
        .await;
    let all = match answer {
        Ok(answer) => answer.target_health_descriptions.unwrap_or_default(),
        Err(error) if error.is(Class::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let targets = all
        .iter()
        .map(|one| {
            let health = one.target_health();
            Target {
                id: one
                    .target()
                    .and_then(|t| t.id())
                    .unwrap_or_default()
                    .to_owned(),
                state: health
                    .and_then(|h| h.state())
                    .map_or("unknown", |state| state.as_str())
                    .to_owned(),
                reason: health.and_then(|h| h.description()).map(str::to_owned),
            }
        })
        .collect();
    Ok(Some(targets))
}

/// A database instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    pub status: String,
    pub engine_version: String,
    pub class: String,
    /// GiB.
    pub storage: i32,
    pub multi_az: bool,
    pub endpoint: Option<String>,
}

pub async fn database(aws: &Aws, name: &str) -> Result<Option<Database>, CloudError> {
    const ACTION: &str = "rds:DescribeDBInstances";
    let request = aws.rds.describe_db_instances().db_instance_identifier(name);
    let answer = aws
        .read(ACTION, || async {
            let answer = request.clone().send().await;
            answer.map_err(|e| aws_error(ACTION, e))
        })
        .await;
    let found = match answer {
        Ok(answer) => answer.db_instances.unwrap_or_default().into_iter().next(),
        Err(error) if error.is(Class::NotFound) => None,
        Err(error) => return Err(error),
    };
    Ok(found.map(|db| Database {
        status: db.db_instance_status().unwrap_or_default().to_owned(),
        engine_version: db.engine_version().unwrap_or_default().to_owned(),
        class: db.db_instance_class().unwrap_or_default().to_owned(),
        storage: db.allocated_storage().unwrap_or_default(),
        multi_az: db.multi_az().unwrap_or_default(),
        endpoint: db
            .endpoint()
            .and_then(|endpoint| endpoint.address().map(str::to_owned)),
    }))
}
