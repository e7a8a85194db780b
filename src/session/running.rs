//! What of the stack runs, for the commands that ask it: where the state knows it, from there, else found in AWS.

use super::{Session, SessionError};
use crate::aws::glance;
use crate::kind::CloudError;
use crate::model::{Address, Attributes};
use crate::stack::ServiceInfo;

impl Session {
    /// Everything of one kind as it was last seen. A state that is empty is no answer: then AWS is looked at.
    pub(super) async fn remembered(
        &self,
        kind: &str,
    ) -> Result<Vec<(Address, Attributes)>, SessionError> {
        let snapshot = self.snapshot().await?;
        if !snapshot.resources.is_empty() {
            return Ok(snapshot
                .resources
                .into_iter()
                .filter(|(_, record)| record.kind.as_str() == kind)
                .map(|(address, record)| (address, record.attributes))
                .collect());
        }
        let planned = self.survey().await?;
        Ok(planned
            .seen
            .ours
            .iter()
            .filter_map(|(address, all)| Some((address, all.first()?)))
            .filter(|(_, sighting)| sighting.observed.kind.as_str() == kind)
            .map(|(address, sighting)| (address.clone(), sighting.observed.attributes.clone()))
            .collect())
    }

    /// A load balancer's name. AWS's stays as it is; in a local AWS it follows the stand-in, so there it is asked for.
    pub(super) async fn balancer_name(
        &self,
        known: &Attributes,
    ) -> Result<Option<String>, CloudError> {
        let recorded = known.text("dns_name").map(str::to_owned);
        match known.text("arn") {
            Some(arn) if self.aws.endpoint.is_some() => {
                let found = glance::balancer(&self.aws, arn).await?;
                Ok(found.and_then(|one| one.dns_name).or(recorded))
            }
            _ => Ok(recorded),
        }
    }

    /// Where the service answers: the stack's one load balancer.
    pub async fn service_url(&self) -> Result<String, SessionError> {
        let balancers = self.remembered("elbv2.load_balancer").await?;
        let mut names = Vec::new();
        for (_, attributes) in &balancers {
            names.extend(self.balancer_name(attributes).await?);
        }
        match names.as_slice() {
            [name] => Ok(format!("http://{name}")),
            [] => Err(SessionError::NotFound(
                "the stack has no load balancer yet: apply it, or say --url".into(),
            )),
            several => Err(SessionError::NotFound(format!(
                "the stack has {} load balancers: say which one with --url http://{}",
                several.len(),
                several[0]
            ))),
        }
    }
}

impl Session {
    /// The services of the stack: the one at or above an address, or all.
    pub(super) fn services(
        &self,
        wanted: Option<&Address>,
    ) -> Result<Vec<&ServiceInfo>, SessionError> {
        let all = &self.stack.services;
        let found: Vec<&ServiceInfo> = all
            .iter()
            .filter(|service| {
                wanted.is_none_or(|at| service.address == *at || service.service == *at)
            })
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let names: Vec<&str> = all.iter().map(|one| one.address.as_str()).collect();
        Err(SessionError::NotFound(match wanted {
            Some(wanted) if !names.is_empty() => format!(
                "the stack has no service {wanted}; it has {}",
                names.join(", ")
            ),
            _ => "the stack has no service".into(),
        }))
    }
}
