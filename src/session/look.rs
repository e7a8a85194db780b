//! Looking and planning.

use std::collections::BTreeSet;

use super::{Session, SessionError, required_keys, who};
use crate::aws::Lookup;
use crate::engine::{Look, Matcher, observe};
use crate::journal::{RunState, fold};
use crate::model::{Address, Value};
use crate::plan::order::Cycle;
use crate::plan::{self, Ask, Inputs, Mode, Note, Outputs, Plan, Seen, Sighting};
use crate::stack::nearest;
use crate::state::{Snapshot, StateKey, Version};

/// The release that a run which did not end was about. A way back is a deploy like any other, and begun anew it would go one further.
pub(super) fn under_way(unfinished: &RunState) -> Option<&str> {
    let open = unfinished.run.is_some() && !unfinished.closed;
    ["deploy ", "rollback "]
        .iter()
        .find_map(|verb| unfinished.doing.strip_prefix(verb))
        .filter(|_| open)
}

/// An apply begins a journal of its own, so a deploy that was cut short is not taken up by itself after it.
fn not_ended(release: &str) -> Note {
    Note::Text {
        address: None,
        text: format!(
            "the deploy of {release} has not ended, and an apply leaves it at that: circles-infra deploy goes on with it, and after an apply circles-infra deploy --image {release}"
        ),
    }
}

/// A plan with all that it was made from.
#[derive(Clone)]
pub struct Planned {
    pub plan: Plan,
    pub(super) ask: Ask,
    pub(super) seen: Seen,
    pub(super) matcher: Matcher,
    pub(super) snapshot: Snapshot,
    pub(super) version: Option<Version>,
    pub(super) unfinished: RunState,
}

/// The state as stored, brought up to its journal.
pub(super) struct Remembered {
    pub snapshot: Snapshot,
    pub version: Option<Version>,
    pub unfinished: RunState,
}

fn taken_back(matcher: &mut Matcher, address: &Address, back: &Sighting) -> Note {
    let observed = &back.observed;
    matcher.learn(&observed.kind, &observed.id, address, back.generation);
    Note::Text {
        address: Some(address.clone()),
        text: format!(
            "{} of an earlier run fits what the stack says again: it is taken back, and what replaced it goes",
            observed.id
        ),
    }
}

impl Session {
    /// The state and what its journal adds. A journal that was closed tells nothing that the state does not.
    pub(super) async fn remember(&self) -> Result<Remembered, SessionError> {
        let loaded = self.store.load().await?;
        let entries = self.store.journal().await?;
        let unfinished = fold(&entries).map_err(|e| SessionError::Journal {
            place: self.store.journal_place(),
            what: e.to_string(),
        })?;
        let (mut snapshot, version) = match loaded {
            Some((snapshot, version)) => (snapshot, Some(version)),
            None => (Snapshot::new(self.key()), None),
        };
        unfinished.apply_to(&mut snapshot);
        snapshot.zones.clone_from(&self.zones.names);
        snapshot.limited_zones.clone_from(&self.zones.limited);
        Ok(Remembered {
            snapshot,
            version,
            unfinished,
        })
    }

    pub(super) fn key(&self) -> StateKey {
        StateKey {
            scope: self.scope.clone(),
            endpoint: if self.header.sandbox {
                Some("sandbox".into())
            } else {
                self.header.endpoint.clone()
            },
        }
    }

    /// Looks at AWS and plans. Writes nothing: not AWS, lease, journal, state.
    pub async fn plan(&mut self, ask: &Ask) -> Result<Plan, SessionError> {
        let planned = self.look(ask).await?;
        let plan = planned.plan.clone();
        self.planned = Some(planned);
        Ok(plan)
    }

    /// The same, and whatever else in the account carries this stack's tags.
    pub async fn drift(&self) -> Result<Plan, SessionError> {
        let ask = Ask::default();
        Ok(self.look_with(&ask, true, plan::unordered).await?.plan)
    }

    fn lookups(&self) -> Vec<Lookup> {
        let existing = self.stack.existing.iter();
        existing
            .map(|existing| Lookup {
                address: existing.address.clone(),
                kind: existing.kind.clone(),
                criteria: existing.criteria.clone(),
            })
            .collect()
    }

    /// What is destroyed is sought thoroughly: nothing may stay behind.
    pub(super) async fn look(&self, ask: &Ask) -> Result<Planned, SessionError> {
        self.look_with(ask, ask.destroy, plan::plan).await
    }

    /// What is there, for verbs that carry no plan out: they need no order of its steps, and must work where there is none.
    pub(super) async fn survey(&self) -> Result<Planned, SessionError> {
        self.look_with(&Ask::default(), false, plan::unordered)
            .await
    }

    async fn look_with(
        &self,
        ask: &Ask,
        thorough: bool,
        make: fn(Inputs<'_>) -> Result<Plan, Cycle>,
    ) -> Result<Planned, SessionError> {
        let Remembered {
            mut snapshot,
            version,
            unfinished,
        } = self.remember().await?;
        let look = Look {
            kinds: &self.kinds,
            scope: &self.scope,
            wishes: &self.wishes,
            state: &snapshot,
            unfinished: &unfinished,
            thorough,
            settle_window: self.settle_window()?,
            now: who::clock(),
        };
        let lookups = self.lookups();
        let existing = self.aws.existing(&lookups);
        let (observation, existing) = tokio::try_join!(observe(&look), existing)?;
        let mut seen = observation.seen;
        let mut matcher = observation.matcher;
        seen.existing = existing;
        let moved = move_over(&self.stack.moved, &mut seen, &mut snapshot, &mut matcher);
        self.named(ask, &seen)?;
        let back = self.take_back(ask, &mut seen, &mut matcher);
        let (unwaited, mut notes) = self.without_image(&seen);
        if ask.destroy {
            // A service that goes awaits no image.
            notes.clear();
        }
        notes.extend(back);
        let mut released = self
            .releases(&mut seen, &mut matcher, &snapshot, &unwaited)
            .await?;
        self.keep_logins(&mut released.wishes, &seen);
        notes.extend(released.notes);
        let cut_short = under_way(&unfinished).filter(|_| !ask.destroy);
        notes.extend(cut_short.map(not_ended));
        let mut header = self.header.clone();
        header.mode = if ask.destroy {
            Mode::Destroy
        } else {
            Mode::Apply
        };
        let mut plan = make(Inputs {
            header,
            scope: &self.scope,
            wishes: &released.wishes,
            outputs: &self.stack.outputs,
            moved: &moved,
            unwaited: &unwaited,
            kinds: &self.kinds,
            state: &snapshot,
            seen: &seen,
            ask,
            notes,
        })?;
        self.remark(&mut plan, ask, &seen, &snapshot);
        let foreign = self.foreign_services(&plan, &seen).await?;
        plan.refusals.extend(foreign);
        Ok(Planned {
            plan,
            ask: ask.clone(),
            seen,
            matcher,
            snapshot,
            version,
            unfinished,
        })
    }

    /// Adds what is to be said of the stack's secrets.
    fn remark(&self, plan: &mut Plan, ask: &Ask, seen: &Seen, snapshot: &Snapshot) {
        plan.notes.extend(self.newer_versions(seen, plan));
        plan.notes.extend(unread_versions(seen, snapshot));
        if !ask.destroy {
            plan.notes
                .extend(required_keys::unset(&self.declared_secrets(), seen));
        }
    }

    /// Older generations that fit again are known as the newest from here on.
    fn take_back(&self, ask: &Ask, seen: &mut Seen, matcher: &mut Matcher) -> Vec<Note> {
        if ask.destroy {
            return Vec::new();
        }
        let back = plan::take_back(&self.wishes, &self.kinds, seen);
        back.iter()
            .map(|(address, sighting)| taken_back(matcher, address, sighting))
            .collect()
    }

    /// A misspelled address must not come to "nothing to do".
    fn named(&self, ask: &Ask, seen: &Seen) -> Result<(), SessionError> {
        let wished: BTreeSet<&Address> = self.wishes.iter().map(|wish| &wish.address).collect();
        let all: BTreeSet<&Address> = wished.iter().copied().chain(seen.ours.keys()).collect();
        let asked = [
            ("--target", &ask.targets, &all),
            ("--replace", &ask.replace, &wished),
        ];
        for (option, addresses, known) in asked {
            for address in addresses {
                if !known.iter().any(|known| known.within(address)) {
                    return Err(SessionError::Unknown {
                        option,
                        address: address.clone(),
                        near: nearest(address.as_str(), known.iter().map(|known| known.as_str()))
                            .map(str::to_owned),
                    });
                }
            }
        }
        Ok(())
    }

    /// Services whose repository holds no image yet: they are made, and nobody waits for tasks that cannot start.
    fn without_image(&self, seen: &Seen) -> (BTreeSet<Address>, Vec<Note>) {
        let mut unwaited = BTreeSet::new();
        let mut notes = Vec::new();
        for service in &self.stack.services {
            let Some(repository) = &service.repository else {
                continue;
            };
            let live = seen.ours.get(repository).and_then(|all| all.first());
            let images = live.map_or(0, |s| {
                s.observed
                    .attributes
                    .get("image_count")
                    .as_int()
                    .unwrap_or(0)
            });
            if images > 0 {
                continue;
            }
            let name = self
                .stack
                .resource(repository.as_str())
                .and_then(|resource| resource.attributes.text("name"))
                .unwrap_or(repository.as_str());
            unwaited.insert(service.service.clone());
            notes.push(Note::NoImage {
                address: service.service.clone(),
                repository: name.to_owned(),
            });
        }
        (unwaited, notes)
    }

    /// Secrets that have a version newer than the deployment whose tasks read them, unless the plan rolls that service anyway.
    fn newer_versions(&self, seen: &Seen, plan: &Plan) -> Vec<Note> {
        let rolled = |address: &Address| plan.steps.iter().any(|step| step.address == *address);
        let at = |address: &Address, field: &str| {
            let live = seen.ours.get(address)?.first()?;
            live.observed.attributes.get(field).as_int()
        };
        let mut notes = Vec::new();
        for secret in self.declared_secrets() {
            for service in &self.stack.services {
                let newer = at(&secret.address, "version_created")
                    .zip(at(&service.service, "deployed_at"))
                    .is_some_and(|(version, deployment)| version > deployment);
                let reads = secret.readers.contains(&service.task_definition);
                if newer && reads && !rolled(&service.service) {
                    notes.push(Note::Text {
                        address: Some(secret.address.clone()),
                        text: format!(
                            "has a newer version than the deployment of {}: circles-infra redeploy gives it to the tasks",
                            service.address
                        ),
                    });
                }
            }
        }
        notes
    }

    /// The names of the outputs that the stack has, known or not.
    pub fn output_names(&self) -> Vec<String> {
        let outputs = self.stack.outputs.iter();
        outputs.map(|(name, _)| name.clone()).collect()
    }

    /// The outputs as AWS has them now.
    pub async fn outputs(&mut self) -> Result<Outputs, SessionError> {
        Ok(known(&self.survey().await?.plan.outputs))
    }
}

/// Secrets whose values the caller may not read, in a version that the state does not know. Of a known one, the state knows the keys.
fn unread_versions(seen: &Seen, snapshot: &Snapshot) -> Vec<Note> {
    let mut notes = Vec::new();
    for (address, all) in &seen.ours {
        let Some(live) = all.first() else { continue };
        let observed = &live.observed;
        let version = observed.attributes.get("version_id");
        let keys = observed.attributes.get("keys").as_map();
        let unread = keys.is_some_and(|keys| keys.len() > observed.secrets.len());
        let known = snapshot.resources.get(address);
        let same = known.is_some_and(|record| record.attributes.get("version_id") == version);
        if observed.kind.as_str() == "secretsmanager.secret" && unread && !same {
            notes.push(Note::Text {
                address: Some(address.clone()),
                text: "has a version that the state does not know: values not readable with these rights"
                    .to_owned(),
            });
        }
    }
    notes
}

/// Outputs that are known, secrets left out.
fn known(outputs: &[(String, Value)]) -> Outputs {
    outputs
        .iter()
        .filter(|(_, value)| !value.is_pending() && !value.is_secret())
        .cloned()
        .collect()
}

/// `moved:`: what was seen at the old address stands at the new one. A retag, never a replacement.
pub(super) fn move_over(
    moves: &[(Address, Address)],
    seen: &mut Seen,
    snapshot: &mut Snapshot,
    matcher: &mut Matcher,
) -> Vec<(Address, Address)> {
    let mut done = Vec::new();
    for (from, to) in moves {
        let below: Vec<Address> = seen
            .ours
            .keys()
            .filter(|address| address.within(from))
            .cloned()
            .collect();
        for old in below {
            let rest = &old.as_str()[from.as_str().len()..];
            let new = Address::new(format!("{to}{rest}"));
            if seen.ours.contains_key(&new) {
                continue;
            }
            let Some(all) = seen.ours.remove(&old) else {
                continue;
            };
            for sighting in all {
                matcher.learn(
                    &sighting.observed.kind,
                    &sighting.observed.id,
                    &new,
                    sighting.generation,
                );
                seen.add(&new, sighting);
            }
            if let Some(record) = snapshot.resources.remove(&old) {
                snapshot.resources.insert(new.clone(), record);
            }
            seen.strays.remove(&old);
            done.push((old, new));
        }
    }
    done
}
