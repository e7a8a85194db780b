//! Deployments that this process began. A circuit breaker's rollback is a deployment of its own, often of the same task definition
//! (`redeploy`, a changed network), so only the deployment's id tells it from the one that was asked for.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::rollout::Deployment;

/// One deployment, as the answer of `UpdateService` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunDeployment {
    /// Empty when ECS had gone back from it before it answered.
    pub id: String,
    /// Seconds since 1970, by AWS's clock.
    pub made_at: i64,
}

/// The last deployment begun, by the service's ARN.
#[derive(Debug, Default)]
pub struct BegunDeployments(Mutex<BTreeMap<String, BegunDeployment>>);

impl BegunDeployments {
    /// Notes the deployment that an update began: the primary one of its answer, unless it was there before.
    pub fn note(&self, service: &str, before: &[Deployment], after: &[Deployment]) {
        let Some(primary) = after.iter().find(|one| one.status == "PRIMARY") else {
            return;
        };
        if before.iter().any(|one| one.id == primary.id) {
            return;
        }
        let id = if primary.is_rollback() {
            String::new()
        } else {
            primary.id.clone()
        };
        let made_at = primary.made_at;
        self.lock()
            .insert(service.to_owned(), BegunDeployment { id, made_at });
    }

    /// What was begun is given up; whatever runs from now on is judged by itself.
    pub fn forget(&self, service: &str) {
        self.lock().remove(service);
    }

    pub fn of(&self, service: &str) -> Option<BegunDeployment> {
        self.lock().get(service).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, BegunDeployment>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, status: &str, reason: &str) -> Deployment {
        Deployment {
            id: id.into(),
            status: status.into(),
            task_definition: "app:1".into(),
            rollout_state: "IN_PROGRESS".into(),
            reason: reason.into(),
            made_at: 100,
            desired: 2,
            running: 0,
            pending: 0,
            failed: 0,
        }
    }

    #[test]
    fn only_a_new_deployment_is_begun() {
        let begun = BegunDeployments::default();
        let before = [one("ecs-svc/1", "PRIMARY", "")];
        // An update that rolls nothing out, of a service that went back earlier.
        begun.note("svc", &before, &before);
        begun.note("svc", &before, &[]);
        assert_eq!(begun.of("svc"), None);
        let after = [
            one("ecs-svc/2", "PRIMARY", ""),
            one("ecs-svc/1", "ACTIVE", ""),
        ];
        begun.note("svc", &before, &after);
        let of = |id: &str| {
            Some(BegunDeployment {
                id: id.into(),
                made_at: 100,
            })
        };
        assert_eq!(begun.of("svc"), of("ecs-svc/2"));
        assert_eq!(begun.of("other"), None);
        let reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.";
        begun.note("svc", &before, &[one("ecs-svc/3", "PRIMARY", reason)]);
        assert_eq!(begun.of("svc"), of(""));
        begun.forget("svc");
        assert_eq!(begun.of("svc"), None);
    }
}
