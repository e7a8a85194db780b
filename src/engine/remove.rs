//! One step's work: delete, or let go. Absent is success; "in use" passes when what holds it is gone.

use std::time::Duration;

use tokio::time::Instant;

use super::look::Tools;
use super::react::{Reaction, react};
use super::settle::Trouble;
use crate::kind::{Class, CloudError, FieldChange, IntentVerb, Observed, Settle, TAGS};
use crate::model::{Attributes, TAG_PREFIX, Tags, Value};
use crate::plan::Sighting;

/// Deletes `live` and waits until nothing of it is in anybody's way.
pub async fn delete(tools: &Tools, live: Sighting, last: &Attributes) -> Result<(), Trouble> {
    if !still_there(tools, &live).await? {
        return Ok(());
    }
    let since = Instant::now();
    let mut round = 0;
    loop {
        let mut going = false;
        let mut cx = tools.cx(
            IntentVerb::Delete,
            live.observed.tags.clone(),
            Some(live.observed.id.clone()),
            last.clone(),
            round,
        );
        cx.generation = live.generation;
        round += 1;
        let why = match tools.kind.delete(&cx, &live.observed).await {
            Ok(Settle::Gone | Settle::Live(_)) => {
                if is_proven_gone(tools) {
                    return Ok(());
                }
                NOT_SHOWN.to_owned()
            }
            Ok(Settle::Again(why)) => {
                going = true;
                why
            }
            Err(error) if error.is(Class::NotFound) => {
                if is_proven_gone(tools) {
                    return Ok(());
                }
                NOT_SHOWN.to_owned()
            }
            Err(error) => match react_to(tools, &error, since) {
                Reaction::Again(why) => why,
                Reaction::Unknown if since.elapsed() < tools.budget => {
                    "the answer was lost; asking again".into()
                }
                Reaction::Unknown | Reaction::GiveUp => {
                    return Err(Trouble::new(error, Some(live)));
                }
            },
        };
        tools.waiting(&why);
        if since.elapsed() > tools.budget {
            let what = format!("still there after {} s: {why}", tools.budget.as_secs());
            let error = CloudError::new(tools.step.kind.as_str(), Class::Other, "NotGone", what);
            return Err(Trouble::new(error, Some(live)));
        }
        let awake = if going {
            tools.watch(since).await
        } else {
            tools.pause(since).await
        };
        if !awake {
            return Err(Trouble::stopped(tools.step.kind.as_str(), Some(live)));
        }
    }
}

const NOT_SHOWN: &str = "it was made recently, and AWS does not know it yet";

/// Whether an answer of "no such id" means that the resource is gone. What was made recently may
/// only not be known yet; it is gone when AWS has carried out its delete.
fn is_proven_gone(tools: &Tools) -> bool {
    tools.gate.has_deleted()
        || tools
            .unproven_until
            .is_none_or(|until| Instant::now() >= until)
}

fn react_to(tools: &Tools, error: &CloudError, since: Instant) -> Reaction {
    let patience = tools.kind.patience();
    react(error, &patience, tools.budget, since, Duration::ZERO)
}

/// Whether what holds data, and is this step's by its tags alone, still is. A list may lag behind, and a name that was given up be
/// another resource's id by now.
async fn still_there(tools: &Tools, live: &Sighting) -> Result<bool, Trouble> {
    let Observed { kind, id, .. } = &live.observed;
    let named = !tools.kind.identity().natural_key.is_empty();
    if !tools.kind.holds_data() || !named || tools.matcher.lock().knows(kind, id) {
        return Ok(true);
    }
    let found = tools.look(Some(id.clone()), Some(&live.observed.attributes));
    match found.await {
        Ok(found) => Ok(found.is_some()),
        Err(error) => Err(Trouble::new(error, Some(live.clone()))),
    }
}

/// Takes our tags off, so that no later run finds it again.
pub async fn forget(tools: &Tools, live: &Sighting) -> Result<(), Trouble> {
    let theirs: Tags = live
        .observed
        .tags
        .iter()
        .filter(|(key, _)| !key.starts_with(TAG_PREFIX))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let map = |tags: &Tags| Value::map(tags.iter().map(|(k, v)| (k.clone(), Value::text(v))));
    let since = Instant::now();
    loop {
        let change = FieldChange {
            field: TAGS.to_owned(),
            from: map(&live.observed.tags),
            to: map(&theirs),
        };
        let cx = tools.cx(
            IntentVerb::Update,
            theirs.clone(),
            Some(live.observed.id.clone()),
            live.observed.attributes.clone(),
            0,
        );
        let desired = &live.observed.attributes;
        match tools
            .kind
            .update(&cx, &live.observed, desired, vec![change])
            .await
        {
            Ok(_) => return Ok(()),
            Err(error) if error.is(Class::NotFound) => return Ok(()),
            Err(error) => match react_to(tools, &error, since) {
                Reaction::Again(why) => tools.waiting(why),
                Reaction::Unknown if since.elapsed() < tools.budget => {
                    tools.waiting("asking again")
                }
                Reaction::Unknown | Reaction::GiveUp => {
                    return Err(Trouble::new(error, Some(live.clone())));
                }
            },
        }
        if !tools.pause(since).await {
            return Err(Trouble::stopped(
                tools.step.kind.as_str(),
                Some(live.clone()),
            ));
        }
    }
}
