//! Changing single resources by hand, as `state rm`, `mv` and `import` do: plans of one verb, carried out by the same engine.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::apply::RunAsk;
use super::{Planned, Session, SessionError};
use crate::engine::Stop;
use crate::event::{Event, Outcome, Sink};
use crate::kind::{Asked, AskedItem, Extent, Memo, Observed, Readiness};
use crate::model::{Address, Ownership, PROTECT_TAG, PhysicalId, TAG_PREFIX, Tags};
use crate::plan::{Act, Plan, Sighting, Step, StepId, Wish};
use crate::state::Record;

impl Session {
    /// Takes our tags off everything at and below the addresses, and forgets it. AWS keeps it.
    pub async fn forget(
        &mut self,
        addresses: &[Address],
        stop: Stop,
    ) -> Result<Vec<(Address, Record)>, SessionError> {
        self.lock("state rm", Duration::ZERO, &mut |_| {}).await?;
        let planned = self.survey().await?;
        let before = planned.snapshot.resources.clone();
        let mut steps = Vec::new();
        for (address, all) in &planned.seen.ours {
            if !addresses.iter().any(|asked| address.within(asked)) {
                continue;
            }
            for sighting in all {
                let act = Act::Forget {
                    id: sighting.observed.id.clone(),
                    last: sighting.observed.attributes.clone(),
                };
                steps.push(step(steps.len(), address, sighting, act));
            }
        }
        if steps.is_empty() {
            return Err(nothing_at(addresses));
        }
        let gone: BTreeSet<Address> = steps.iter().map(|step| step.address.clone()).collect();
        self.carry_out(planned, steps, "state rm", stop).await?;
        Ok(before
            .into_iter()
            .filter(|(address, _)| gone.contains(address))
            .collect())
    }

    /// Gives everything at and below `from` an address at and below `to`.
    pub async fn rename(
        &mut self,
        from: &Address,
        to: &Address,
        stop: Stop,
    ) -> Result<Vec<(Address, Record)>, SessionError> {
        self.lock("state mv", Duration::ZERO, &mut |_| {}).await?;
        let mut planned = self.survey().await?;
        if planned.seen.ours.keys().any(|address| address.within(to)) {
            return Err(SessionError::Guard(format!(
                "something stands at {to} already"
            )));
        }
        let moves = [(from.clone(), to.clone())];
        let moved = super::look::move_over(
            &moves,
            &mut planned.seen,
            &mut planned.snapshot,
            &mut planned.matcher,
        );
        if moved.is_empty() {
            return Err(nothing_at(std::slice::from_ref(from)));
        }
        let mut steps = Vec::new();
        for (old, new) in &moved {
            for sighting in planned.seen.ours.get(new).into_iter().flatten() {
                let act = self.retag(new, sighting, Some(old.clone()));
                steps.push(step(steps.len(), new, sighting, act));
            }
        }
        self.carry_out(planned, steps, "state mv", stop).await?;
        let snapshot = self.snapshot().await?;
        Ok(moved
            .into_iter()
            .filter_map(|(_, new)| Some((new.clone(), snapshot.resources.get(&new)?.clone())))
            .collect())
    }

    /// Takes over a live resource at an address that the stack file has. Says whether that is news: the same again changes nothing, and
    /// finishes one that was cut short.
    pub async fn import(
        &mut self,
        address: &Address,
        id: &PhysicalId,
        stop: Stop,
    ) -> Result<(Record, bool), SessionError> {
        let wish = self
            .wishes
            .iter()
            .find(|wish| wish.address == *address)
            .cloned()
            .ok_or_else(|| {
                SessionError::NotFound(format!(
                    "the stack file has no resource {address}: write it first, then import"
                ))
            })?;
        self.lock("state import", Duration::ZERO, &mut |_| {})
            .await?;
        let mut planned = self.survey().await?;
        let ours = planned.seen.ours.get(address).and_then(|all| all.first());
        let sighting = match ours.cloned() {
            Some(there) if there.observed.id != *id => {
                return Err(SessionError::Guard(format!(
                    "{address} is {} already",
                    there.observed.id
                )));
            }
            Some(there) => there,
            None => {
                let sighting = Sighting {
                    generation: 1,
                    observed: self.importable(&wish, id).await?,
                };
                planned.seen.add(address, sighting.clone());
                sighting
            }
        };
        let known = planned.snapshot.resources.get(address).cloned();
        if let Some(record) = known.filter(|record| record.id == *id)
            && planned.unfinished.open.is_empty()
        {
            return Ok((record, false));
        }
        planned
            .matcher
            .learn(&wish.kind, id, address, sighting.generation);
        let act = self.retag(address, &sighting, None);
        self.carry_out(
            planned,
            vec![step(0, address, &sighting, act)],
            "state import",
            stop,
        )
        .await?;
        Ok((self.record(address).await?, true))
    }

    /// A live resource that nobody manages.
    async fn importable(&self, wish: &Wish, id: &PhysicalId) -> Result<Observed, SessionError> {
        let kind = self
            .kinds
            .get(&wish.kind)
            .cloned()
            .ok_or_else(|| SessionError::NotFound(format!("no such kind: {}", wish.kind)))?;
        let asked = Asked {
            scope: self.scope.clone(),
            extent: Extent::Items,
            items: vec![AskedItem {
                address: wish.address.clone(),
                id: Some(id.clone()),
                desired: Some(wish.attributes.clone()),
                last: None,
                tags: None,
            }],
            memo: Arc::new(Memo::default()),
        };
        let observed = kind
            .find(&asked)
            .await?
            .into_iter()
            .find(|observed| observed.id == *id)
            .ok_or_else(|| {
                SessionError::NotFound(format!(
                    "AWS has no {} {id} in this account and region",
                    wish.kind
                ))
            })?;
        if matches!(observed.readiness, Readiness::Going(_)) {
            return Err(SessionError::Guard(format!("{id} is being deleted")));
        }
        if let Some(why) = &observed.unmanageable {
            return Err(SessionError::Guard(format!(
                "{id} cannot be imported as {}: {why}",
                wish.kind
            )));
        }
        if let Some(owner) = Ownership::read(&observed.tags) {
            return Err(SessionError::Guard(format!(
                "{id} belongs to {} of stack {} in {}: `state rm` it there first",
                owner.address, owner.stack, owner.environment
            )));
        }
        Ok(observed)
    }

    /// A change of nothing but our tags.
    fn retag(&self, address: &Address, sighting: &Sighting, moved_from: Option<Address>) -> Act {
        let mut tags: Tags = sighting
            .observed
            .tags
            .iter()
            .filter(|(key, _)| !key.starts_with(TAG_PREFIX) || *key == PROTECT_TAG)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        tags.extend(Ownership::new(&self.scope, address, sighting.generation).tags());
        Act::Update {
            id: sighting.observed.id.clone(),
            desired: sighting.observed.attributes.clone(),
            tags,
            changes: Vec::new(),
            moved_from,
        }
    }

    async fn carry_out(
        &mut self,
        mut planned: Planned,
        steps: Vec<Step>,
        doing: &str,
        stop: Stop,
    ) -> Result<(), SessionError> {
        planned.plan = Plan {
            steps,
            notes: Vec::new(),
            refusals: Vec::new(),
            outputs: Vec::new(),
            ..planned.plan
        };
        let run = RunAsk {
            parallelism: 16,
            no_wait: true,
            doing: doing.to_owned(),
            confirmed: true,
        };
        let applied = self.conduct(planned, &run, stop, &mut Silent).await?;
        match (applied.outcome, applied.failures.into_iter().next()) {
            (Outcome::Done, _) => Ok(()),
            (_, Some((_, error))) => Err(error.into()),
            (_, None) => Err(SessionError::Guard(
                "stopped before its end; run it again".into(),
            )),
        }
    }
}

fn step(number: usize, address: &Address, sighting: &Sighting, act: Act) -> Step {
    Step {
        id: StepId(number),
        address: address.clone(),
        kind: sighting.observed.kind.clone(),
        generation: sighting.generation,
        act,
        after: Vec::new(),
        origin: None,
        downtime: None,
        loses_data: false,
    }
}

fn nothing_at(addresses: &[Address]) -> SessionError {
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    SessionError::NotFound(format!(
        "AWS has nothing of this stack at {}",
        names.join(", ")
    ))
}

struct Silent;

impl Sink for Silent {
    fn take(&mut self, _: &Event) -> bool {
        true
    }
}
