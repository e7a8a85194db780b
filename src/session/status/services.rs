//! What runs of each service, how requests reach it, and, where something is wrong, why its tasks ended.

use super::Balancers;
use crate::aws::elbv2::routing::ListenerRules;
use crate::aws::glance;
use crate::deploy::release::{self, Release};
use crate::deploy::{last_line_of, recently_ended};
use crate::kind::{Class, CloudError};
use crate::session::Session;
use crate::stack::ServiceInfo;
use crate::state::Snapshot;
use crate::status::{Deployment, EndedTask, Entry, Service, ServiceState, Status, Target, Task};

/// Tasks that ended, as far as they are told of.
const ENDED: usize = 3;
/// Events before a rollback that may say why it came, in seconds.
const BEFORE_ROLLBACK: i64 = 3600;

impl Session {
    pub(super) async fn service_status(
        &self,
        info: &ServiceInfo,
        known: &Snapshot,
        balancers: &Balancers,
    ) -> Result<Service, CloudError> {
        let name = self.text(&info.service, "name", known);
        // What this environment never made may be another one's by that name: it is not asked for.
        let Some(record) = known.resources.get(&info.service) else {
            return Ok(Service {
                address: info.address.clone(),
                name,
                made: false,
                recorded_count: None,
                cluster: String::new(),
                state: None,
            });
        };
        let cluster = match record.attributes.text("cluster") {
            Some(cluster) => cluster.to_owned(),
            None => self.text(&info.cluster, "name", known),
        };
        let definition = record
            .attributes
            .text("task_definition")
            .unwrap_or_default()
            .to_owned();
        let release = self.release(&definition, info);
        let (service, tasks, entry, release) = tokio::try_join!(
            glance::service(&self.aws, &cluster, &name),
            glance::tasks(&self.aws, &cluster, &name),
            self.entry(info, known, balancers),
            release,
        )?;
        let state = match service {
            None => None,
            Some(service) => {
                // Somebody rolled it meanwhile: then one more look tells what runs.
                let release = if service.task_definition == definition {
                    release
                } else {
                    self.release(&service.task_definition, info).await?
                };
                Some(service_state(service, tasks, entry, release))
            }
        };
        Ok(Service {
            address: info.address.clone(),
            name,
            made: true,
            recorded_count: record.attributes.get("desired_count").as_int(),
            cluster,
            state,
        })
    }

    /// The release that a task definition is; `None` when AWS has it no more.
    async fn release(
        &self,
        definition: &str,
        info: &ServiceInfo,
    ) -> Result<Option<Release>, CloudError> {
        if definition.is_empty() {
            return Ok(None);
        }
        match release::of_revision(&self.aws, definition, &info.container).await {
            Ok(found) => Ok(Some(Release {
                running: true,
                ..found
            })),
            Err(error) if error.is(Class::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How requests reach the service; `None` for one that is behind no load balancer.
    async fn entry(
        &self,
        info: &ServiceInfo,
        known: &Snapshot,
        balancers: &Balancers,
    ) -> Result<Option<(Entry, Vec<glance::Target>)>, CloudError> {
        let Some(address) = &info.target_group else {
            return Ok(None);
        };
        let group = known
            .resources
            .get(address)
            .and_then(|record| record.attributes.text("arn"));
        let targets = match group {
            Some(group) => glance::targets(&self.aws, group).await?,
            None => None,
        };
        let forwards = |one: &ListenerRules| group.is_some_and(|group| one.forwards_to(group));
        let entry = Entry {
            balancer: balancers.state(),
            listeners: balancers.listeners.len(),
            forwards: balancers.listeners.iter().any(forwards),
            target_group: targets.is_some(),
        };
        Ok(Some((entry, targets.unwrap_or_default())))
    }

    /// Reads why tasks of services that are not steady ended, and what they wrote last.
    pub(super) async fn explain(&self, status: &mut Status) -> Result<(), CloudError> {
        for service in &mut status.services {
            let Some(state) = &mut service.state else {
                continue;
            };
            if state.is_steady() || state.desired == 0 {
                continue;
            }
            let tasks = match recently_ended(&self.aws, &service.cluster, &service.name).await {
                Ok(tasks) => tasks,
                Err(error) if error.is(Class::NotFound) => continue,
                Err(error) => return Err(error),
            };
            for (place, task) in tasks.iter().take(ENDED).enumerate() {
                let last_line = match place {
                    0 => last_line_of(&self.aws, task).await,
                    _ => None,
                };
                state.ended.push(EndedTask {
                    id: task.id.clone(),
                    reason: task.reason.clone(),
                    last_line,
                });
            }
        }
        Ok(())
    }
}

fn service_state(
    service: glance::Service,
    tasks: Vec<glance::RunningTask>,
    entry: Option<(Entry, Vec<glance::Target>)>,
    release: Option<Release>,
) -> ServiceState {
    let events = events_since(&service);
    let (entry, targets) = match entry {
        Some((entry, targets)) => (Some(entry), targets),
        None => (None, Vec::new()),
    };
    ServiceState {
        status: service.status.clone(),
        release,
        task_definition: short(&service.task_definition),
        desired: service.desired,
        running: service.running,
        pending: service.pending,
        deployments: service
            .deployments
            .into_iter()
            .map(|deployment| Deployment {
                task_definition: short(&deployment.task_definition),
                status: deployment.status,
                rollout: deployment.rollout_state,
                running: deployment.running,
                desired: deployment.desired,
                failed: deployment.failed,
                reason: deployment.reason,
                since: deployment.made_at,
            })
            .collect(),
        tasks: tasks
            .into_iter()
            .map(|task| Task {
                id: task.id,
                status: task.status,
                health: task.health,
                started: task.started,
            })
            .collect(),
        targets: targets
            .into_iter()
            .map(|target| Target {
                id: target.id,
                state: target.state,
                reason: target.reason,
            })
            .collect(),
        entry,
        ended: Vec::new(),
        events,
        last_event: service.events.into_iter().next().map(|event| event.message),
        older_than_secrets: Vec::new(),
    }
}

/// `family:revision` of an ARN.
fn short(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

/// Events of the deployments that are listed; where ECS went back, also those from before.
fn events_since(service: &glance::Service) -> Vec<String> {
    let first = service.deployments.iter().map(|one| one.made_at).min();
    let rolled_back = service.deployments.iter().any(|one| one.is_rollback());
    let since = first.unwrap_or(0) - if rolled_back { BEFORE_ROLLBACK } else { 0 };
    let recent = service.events.iter().filter(|event| event.at >= since);
    recent.map(|event| event.message.clone()).collect()
}
