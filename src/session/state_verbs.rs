//! What the `state` commands do: list, forget, move, take over, rebuild.

use std::time::Duration;

use super::look::Remembered;
use super::who;
use super::{Session, SessionError};
use crate::engine::{Ledger, Opening};
use crate::journal::Event;
use crate::model::{Address, KindName, PhysicalId};
use crate::state::{Record, Snapshot};

/// What `state rebuild` changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// In AWS with our tags, and not in the state before.
    pub adopted: Vec<(Address, KindName, PhysicalId)>,
    /// In the state, and not in AWS.
    pub forgotten: Vec<(Address, KindName, PhysicalId)>,
    pub unchanged: usize,
}

impl Session {
    /// The state as it stands, journal included. Reads no AWS.
    pub async fn snapshot(&self) -> Result<Snapshot, SessionError> {
        Ok(self.remember().await?.snapshot)
    }

    /// Finds everything of this stack and environment in AWS and writes that down; AWS is not changed.
    pub async fn rebuild(&mut self) -> Result<Rebuilt, SessionError> {
        self.lock("state rebuild", Duration::ZERO, &mut |_| {})
            .await?;
        let planned = self.survey().await?;
        let mut ledger = self
            .ledger(
                planned.snapshot.clone(),
                planned.version.clone(),
                &planned.unfinished,
                "state rebuild",
            )
            .await?;
        let mut rebuilt = Rebuilt::default();
        let mut events: Vec<Event> = Vec::new();
        let kept = self.kept();
        for (address, all) in &planned.seen.ours {
            for sighting in all.iter().rev() {
                let observed = &sighting.observed;
                if planned.snapshot.holds(&observed.kind, &observed.id) {
                    rebuilt.unchanged += 1;
                    continue;
                }
                let wish = kept.get(address);
                rebuilt
                    .adopted
                    .push((address.clone(), observed.kind.clone(), observed.id.clone()));
                let record = Record {
                    kind: observed.kind.clone(),
                    id: observed.id.clone(),
                    generation: sighting.generation,
                    attributes: observed.attributes.clone(),
                    tags: observed.tags.clone(),
                    depends_on: wish.map(|k| k.depends_on.clone()).unwrap_or_default(),
                    protect: wish.is_some_and(|k| k.protect),
                    retain: wish.is_some_and(|k| k.retain),
                    made_at: None,
                };
                events.push(ledger.put(address, record));
            }
        }
        for (address, id) in &planned.seen.gone {
            if let Some(record) = planned.snapshot.resources.get(address) {
                rebuilt
                    .forgotten
                    .push((address.clone(), record.kind.clone(), id.clone()));
                events.push(ledger.removed(address, &record.kind, id));
            }
        }
        ledger.append(events).await.map_err(SessionError::Store)?;
        let outputs = planned
            .plan
            .outputs
            .iter()
            .filter(|(_, value)| !value.is_pending() && !value.is_secret())
            .cloned()
            .collect();
        ledger.close(Some(outputs), true).await?;
        Ok(rebuilt)
    }

    pub(super) async fn ledger(
        &mut self,
        snapshot: Snapshot,
        version: Option<crate::state::Version>,
        unfinished: &crate::journal::RunState,
        doing: &str,
    ) -> Result<Ledger, SessionError> {
        self.lock(doing, Duration::ZERO, &mut |_| {}).await?;
        let opening = Opening {
            info: who::run_info(&self.request().process, self.caller()),
            doing: doing.to_owned(),
            clock: who::clock,
        };
        Ok(Ledger::open(self.store.clone(), snapshot, version, unfinished, opening).await?)
    }

    /// The record at an address.
    pub async fn record(&self, address: &Address) -> Result<Record, SessionError> {
        let Remembered { snapshot, .. } = self.remember().await?;
        snapshot
            .resources
            .get(address)
            .cloned()
            .ok_or_else(|| SessionError::NotFound(format!("the state has nothing at {address}")))
    }
}
