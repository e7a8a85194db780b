//! What services run, taken over as what is wished for: see `plan/release.rs`.

use std::collections::BTreeSet;

use super::{Session, SessionError};
use crate::aws::ecs::task_definition;
use crate::engine::Matcher;
use crate::kind::{Observed, Readiness};
use crate::model::{Address, Ownership};
use crate::plan::release::{self, Facts, Ruling};
use crate::plan::{Note, Seen, Sighting, Wish};
use crate::stack::ServiceInfo;
use crate::state::Snapshot;

/// The wishes with the images that were released, and what is to be said of that.
pub(super) struct Released {
    pub wishes: Vec<Wish>,
    pub notes: Vec<Note>,
}

impl Session {
    /// Looks which revision each service runs, and lets what was released count instead of the stack file's image.
    pub(super) async fn releases(
        &self,
        seen: &mut Seen,
        matcher: &mut Matcher,
        snapshot: &Snapshot,
        unwaited: &BTreeSet<Address>,
    ) -> Result<Released, SessionError> {
        let mut wishes = self.wishes.clone();
        let mut notes = Vec::new();
        for service in &self.stack.services {
            let Some(repository) = &service.repository else {
                continue;
            };
            // Without an image they cannot start, which is said already.
            let failed = bear_with(seen, service);
            notes.extend(failed.filter(|_| !unwaited.contains(&service.service)));
            let mut running = self.rolled_out(seen, service, &wishes).await?;
            let known = match current(seen, &service.task_definition) {
                Some(known) => known.clone(),
                // Behind all that a pipeline registered, ours was not found: what runs is what there is.
                None => match running.take() {
                    Some(running) => hidden(running, service, snapshot),
                    None => continue,
                },
            };
            let stack = stack_image(&wishes, seen, service);
            let recorded = snapshot
                .resources
                .get(&service.task_definition)
                .and_then(|record| release::image_of(&record.attributes, &service.container))
                .map(str::to_owned);
            let ruling = release::rule(&Facts {
                scope: &self.scope,
                known: &known,
                running: running.as_ref(),
                recorded: recorded.as_deref(),
                stack: stack.as_deref(),
                container: &service.container,
            });
            self.take_over(&ruling, service, running, known, &mut wishes, seen, matcher);
            self.not_gone(seen, &service.task_definition).await?;
            if ruling.moved_on
                && let Some(stack) = &stack
            {
                notes.push(moved_on(service, repository, stack));
            }
        }
        Ok(Released { wishes, notes })
    }

    /// The revision that the service runs, when it is of the same family and not the one that stands for it already.
    async fn rolled_out(
        &self,
        seen: &Seen,
        service: &ServiceInfo,
        wishes: &[Wish],
    ) -> Result<Option<Observed>, SessionError> {
        let Some(live) = current(seen, &service.service) else {
            return Ok(None);
        };
        let Some(arn) = live.observed.attributes.text("task_definition") else {
            return Ok(None);
        };
        let family = task_definition::family_in(arn);
        Ok(match current(seen, &service.task_definition) {
            Some(known) => {
                let known = known.observed.id.as_str();
                if arn == known || family != task_definition::family_in(known) {
                    return Ok(None);
                }
                task_definition::revision(&self.aws, arn).await?
            }
            None => {
                let wish = wishes.iter().find(|w| w.address == service.task_definition);
                if wish.and_then(|wish| wish.attributes.text("family")) != Some(family) {
                    return Ok(None);
                }
                // One that is out of use cannot stand for a family that is gone.
                task_definition::active(&self.aws, arn).await?
            }
        })
    }

    /// A revision that the state knows and that does not stand for the family any more is not gone while it can be rolled out.
    async fn not_gone(&self, seen: &mut Seen, address: &Address) -> Result<(), SessionError> {
        let Some(at) = seen.gone.iter().position(|(gone, _)| gone == address) else {
            return Ok(());
        };
        if current(seen, address).is_some()
            && task_definition::active(&self.aws, seen.gone[at].1.as_str())
                .await?
                .is_some()
        {
            seen.gone.remove(at);
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn take_over(
        &self,
        ruling: &Ruling,
        service: &ServiceInfo,
        running: Option<Observed>,
        known: Sighting,
        wishes: &mut [Wish],
        seen: &mut Seen,
        matcher: &mut Matcher,
    ) {
        let address = &service.task_definition;
        let Some(wish) = wishes.iter_mut().find(|wish| wish.address == *address) else {
            return;
        };
        if let Some((image, tags)) = &ruling.keep {
            wish.attributes =
                release::with_image(&wish.attributes, &service.container, image.as_str().into());
            wish.tags.extend(tags.clone());
        }
        let current = match running.filter(|_| ruling.take_running) {
            Some(running) => running,
            None => known.observed,
        };
        let id = current.id.clone();
        let mut sighting = Sighting {
            generation: known.generation,
            observed: current,
        };
        let tags = &sighting.observed.tags;
        let foreign = Ownership::read(tags).is_none_or(|owner| !owner.is_of(&self.scope));
        let unnamed = ruling.keep.is_some() && !tags.contains_key(release::RELEASE);
        if foreign || unnamed {
            // A pipeline's revision carries no tags of ours, and needs none while nothing else changes.
            let ownership = Ownership::new(&self.scope, address, sighting.generation);
            sighting.observed.tags = release::as_wished(&wish.tags, &ownership);
        }
        matcher.learn(&wish.kind, &id, address, sighting.generation);
        seen.gone
            .retain(|(gone, what)| gone != address || *what != id);
        match seen.ours.entry(address.clone()).or_default() {
            all if all.is_empty() => all.push(sighting),
            all => all[0] = sighting,
        }
    }
}

/// The revision that runs, in the place that ours would have.
fn hidden(running: Observed, service: &ServiceInfo, snapshot: &Snapshot) -> Sighting {
    let last = snapshot.resources.get(&service.task_definition);
    Sighting {
        generation: last.map_or(1, |record| record.generation),
        observed: running,
    }
}

/// A roll-out that failed is no reason to make the service anew, which would help nobody: an image that runs would. So planning takes the
/// service as it is, and it is said.
fn bear_with(seen: &mut Seen, service: &ServiceInfo) -> Option<Note> {
    let live = seen.ours.get_mut(&service.service)?.first_mut()?;
    let Readiness::Broken(why) = &live.observed.readiness else {
        return None;
    };
    let note = Note::Text {
        address: Some(service.address.clone()),
        text: format!(
            "{why}; an image that runs mends it: circles-infra deploy {}",
            service.address
        ),
    };
    live.observed.readiness = Readiness::Ready;
    Some(note)
}

fn current<'a>(seen: &'a Seen, address: &Address) -> Option<&'a Sighting> {
    seen.ours.get(address)?.first()
}

/// The image as the stack file says it, as far as the repository's address is known.
fn stack_image(wishes: &[Wish], seen: &Seen, service: &ServiceInfo) -> Option<String> {
    let wish = wishes
        .iter()
        .find(|wish| wish.address == service.task_definition)?;
    let known = wish.attributes.resolve(&|reference| {
        current(seen, &reference.address)?
            .observed
            .attributes
            .path(&reference.attribute)
    });
    release::image_of(&known, &service.container).map(str::to_owned)
}

fn moved_on(service: &ServiceInfo, repository: &Address, stack: &str) -> Note {
    let said = stack.rsplit(['/']).next().unwrap_or(stack);
    let said = match said.split_once('@') {
        Some((_, digest)) => digest,
        None => said.rsplit_once(':').map_or(said, |(_, tag)| tag),
    };
    Note::Text {
        address: Some(service.address.clone()),
        text: format!(
            "the stack file names image {said} of {repository} now; an apply keeps what was released. Ship it with: circles-infra deploy {} --image {said}",
            service.address
        ),
    }
}
