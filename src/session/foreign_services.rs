//! Services of others in clusters that a plan deletes. AWS refuses such a deletion at the very end, when everything that stood before the
//! cluster is gone; so they are looked for before the first call.

use std::collections::BTreeSet;

use futures::future::try_join_all;

use super::{Session, SessionError};
use crate::aws::ecs::clusters::services_in;
use crate::plan::{Act, Plan, Refusal, Seen};

impl Session {
    /// One refusal for each cluster that the plan deletes and that others use.
    pub(super) async fn foreign_services(
        &self,
        plan: &Plan,
        seen: &Seen,
    ) -> Result<Vec<Refusal>, SessionError> {
        let ours: BTreeSet<&str> = seen
            .ours
            .values()
            .flatten()
            .map(|sighting| sighting.observed.id.as_str())
            .collect();
        let deleted = plan.steps.iter().filter_map(|step| match &step.act {
            Act::Delete { id, .. } if step.kind.as_str() == "ecs.cluster" => Some((step, id)),
            _ => None,
        });
        let looks = deleted.map(|(step, cluster)| async move {
            let all = services_in(&self.aws, cluster.as_str()).await?;
            Ok::<_, SessionError>((step.address.clone(), all))
        });
        let found = try_join_all(looks).await?;
        Ok(found
            .into_iter()
            .filter_map(|(address, all)| {
                let services: Vec<String> = all
                    .iter()
                    .filter(|arn| !ours.contains(arn.as_str()))
                    .map(|arn| arn.rsplit('/').next().unwrap_or(arn).to_owned())
                    .collect();
                let any = !services.is_empty();
                any.then_some(Refusal::ForeignServices { address, services })
            })
            .collect())
    }
}
