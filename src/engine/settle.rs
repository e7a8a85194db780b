//! From what is there to what is wished: update until no field differs, then wait until it can be used. The same path finishes a create
//! that was cut short, in this run or in one before.

use std::time::Duration;

use tokio::time::Instant;

use super::look::Tools;
use super::react::Reaction;
use super::visibility::update_limit;
use crate::kind::{Class, CloudError, FieldChange, IntentVerb, Readiness, Settle, TAGS};
use crate::model::{Attributes, SecretRef, Tags, Value};
use crate::plan::diff::differences;
use crate::plan::{Act, ChangedBy, Sighting};

/// Why a step ended without its resource as wished; what is there of it all the same.
pub struct Trouble {
    pub error: CloudError,
    pub partial: Option<Box<Sighting>>,
}

impl Trouble {
    pub fn new(error: CloudError, partial: Option<Sighting>) -> Self {
        Self {
            error,
            partial: partial.map(Box::new),
        }
    }

    pub fn stopped(action: &str, partial: Option<Sighting>) -> Self {
        Self::new(
            CloudError::new(action, Class::Stopped, "Stopping", ""),
            partial,
        )
    }
}

/// Changes `live` until nothing differs. Says whether anything was changed.
pub async fn bring(
    tools: &Tools,
    desired: &Attributes,
    tags: &Tags,
    mut live: Sighting,
) -> Result<(Sighting, bool), Trouble> {
    let kind = tools.kind.clone();
    let mut changed = false;
    let mut since = Instant::now();
    let mut round = 0;
    loop {
        let changes = changes(tools, desired, tags, &live);
        if changes.is_empty() {
            return Ok((live, changed));
        }
        let sent = names(&changes);
        let mut cx = tools.cx(
            IntentVerb::Update,
            tags.clone(),
            Some(live.observed.id.clone()),
            desired.clone(),
            round,
        );
        cx.generation = live.generation;
        round += 1;
        match kind.update(&cx, &live.observed, desired, changes).await {
            Ok(Settle::Live(observed)) => {
                changed = true;
                since = Instant::now();
                let echo = Sighting {
                    generation: live.generation,
                    observed: *observed,
                };
                live = await_update_visible(tools, desired, tags, echo, &sent).await?;
            }
            Ok(Settle::Again(why)) => {
                changed = true;
                live = pause_and_look(tools, desired, live, since, why).await?;
            }
            Ok(Settle::Gone) => {
                return Err(Trouble::new(gone(tools), None));
            }
            Err(error) => {
                live = after_refusal(tools, desired, tags, live, since, error).await?;
            }
        }
    }
}

fn names(changes: &[FieldChange]) -> Vec<String> {
    changes.iter().map(|change| change.field.clone()).collect()
}

/// Waits until AWS shows what an accepted update has set. What it accepted is not sent again: some
/// services answer with the values from before, and show the new ones later.
async fn await_update_visible(
    tools: &Tools,
    desired: &Attributes,
    tags: &Tags,
    mut live: Sighting,
    sent: &[String],
) -> Result<Sighting, Trouble> {
    let since = Instant::now();
    loop {
        let differ = names(&changes(tools, desired, tags, &live));
        let unseen: Vec<&String> = differ.iter().filter(|name| sent.contains(name)).collect();
        if unseen.is_empty() {
            return Ok(live);
        }
        if since.elapsed() >= update_limit(tools.settings.settle_window) {
            if unseen.len() < sent.len() {
                // A part was taken: the rest may need a call of its own.
                return Ok(live);
            }
            let what = format!(
                "AWS accepts updates of {} but these fields do not change: {}",
                tools.step.address,
                differ.join(", ")
            );
            let error = CloudError::new(tools.step.kind.as_str(), Class::Other, "NotTaken", what);
            return Err(Trouble::new(error, Some(live)));
        }
        let why = "AWS does not show the change yet".to_owned();
        live = pause_and_look(tools, desired, live, since, why).await?;
    }
}

/// Waits as a failed update asks for, and looks at what there is then; fails where waiting is no use.
async fn after_refusal(
    tools: &Tools,
    desired: &Attributes,
    tags: &Tags,
    live: Sighting,
    since: Instant,
    error: CloudError,
) -> Result<Sighting, Trouble> {
    let kind = &tools.kind;
    let why = match tools.react(&error, since) {
        Reaction::Again(why) => why,
        Reaction::Unknown if since.elapsed() < tools.budget => {
            "the answer was lost; looking".into()
        }
        Reaction::Unknown | Reaction::GiveUp => {
            return Err(Trouble::new(error, Some(live)));
        }
    };
    let live = pause_and_look(tools, desired, live, since, why).await?;
    if kind.holds_data() && matches!(live.observed.readiness, Readiness::Broken(_)) {
        // It does not leave that state by itself.
        return Err(Trouble::new(error, Some(live)));
    }
    if error.is(Class::Unknown) && kind.update_appends() {
        return overtaken(tools, desired, tags, live, Duration::ZERO).await;
    }
    Ok(live)
}

/// Looks whether an update of unknown outcome was carried out, until AWS has had its time to show it: sent once more, it would make one
/// more. `age`: how long ago it was sent.
pub async fn overtaken(
    tools: &Tools,
    desired: &Attributes,
    tags: &Tags,
    mut live: Sighting,
    age: Duration,
) -> Result<Sighting, Trouble> {
    let since = Instant::now();
    while age + since.elapsed() < tools.settings.settle_window
        && !changes(tools, desired, tags, &live).is_empty()
    {
        let why = "looking for what an unanswered call may have changed".to_owned();
        live = pause_and_look(tools, desired, live, since, why).await?;
    }
    Ok(live)
}

async fn pause_and_look(
    tools: &Tools,
    desired: &Attributes,
    live: Sighting,
    since: Instant,
    why: String,
) -> Result<Sighting, Trouble> {
    tools.waiting(why);
    if !tools.pause(since).await {
        return Err(Trouble::stopped(tools.step.kind.as_str(), Some(live)));
    }
    again(tools, desired, live).await
}

/// A fresh look; what was known before if AWS does not show it for the moment.
async fn again(tools: &Tools, desired: &Attributes, live: Sighting) -> Result<Sighting, Trouble> {
    match tools
        .look(Some(live.observed.id.clone()), Some(desired))
        .await
    {
        Ok(Some(now)) => Ok(now),
        Ok(None) => Ok(live),
        Err(error) => Err(Trouble::new(error, Some(live))),
    }
}

/// The fields that an update has to change, tags among them.
fn changes(tools: &Tools, desired: &Attributes, tags: &Tags, live: &Sighting) -> Vec<FieldChange> {
    // Its own values belong to the comparison too.
    for (key, value) in &live.observed.secrets {
        let secret = SecretRef {
            address: tools.step.address.clone(),
            key: key.clone(),
        };
        tools.vault.keep(secret, value.clone());
    }
    let mut all: Vec<FieldChange> = differences(
        tools.kind.fields(),
        desired,
        &live.observed.attributes,
        &|secret| tools.vault.get(secret),
    )
    .into_iter()
    .filter(|difference| !difference.replaces())
    .map(|difference| FieldChange {
        field: difference.field.name.to_owned(),
        from: difference.from,
        to: difference.to,
    })
    .collect();
    // Asked for though nothing differs, until there is another one.
    if let Act::Update { id, changes, .. } = &tools.step.act
        && *id == live.observed.id
    {
        let asked = changes
            .iter()
            .filter(|line| line.changed_by == ChangedBy::Asked);
        all.extend(asked.map(FieldChange::from));
    }
    if *tags != live.observed.tags {
        let map = |tags: &Tags| Value::map(tags.iter().map(|(k, v)| (k.clone(), Value::text(v))));
        all.push(FieldChange {
            field: TAGS.to_owned(),
            from: map(&live.observed.tags),
            to: map(tags),
        });
    }
    all
}

fn gone(tools: &Tools) -> CloudError {
    let what = format!("{} went away while it was worked on", tools.step.address);
    CloudError::new(tools.step.kind.as_str(), Class::NotFound, "Gone", what)
}

/// Waits until it can be used: looks at once, then with a gap that grows with the time waited.
pub async fn until_ready(
    tools: &Tools,
    desired: &Attributes,
    mut live: Sighting,
) -> Result<Sighting, Trouble> {
    let since = Instant::now();
    let mut absent_since: Option<Instant> = None;
    let mut first = true;
    loop {
        let why = match &live.observed.readiness {
            Readiness::Ready if absent_since.is_none() => return Ok(live),
            Readiness::Ready => "AWS does not show it yet".to_owned(),
            Readiness::NotYet(why) => why.clone(),
            // AWS has had its time to begin what it accepted: the rest is for a window that somebody chose.
            Readiness::Deferred(_) if since.elapsed() > tools.settings.settle_window => {
                return Ok(live);
            }
            Readiness::Deferred(why) => why.clone(),
            Readiness::Blocked(why) if since.elapsed() <= tools.settings.settle_window => {
                why.clone()
            }
            Readiness::Blocked(why) => {
                let what = format!("it does not become ready by itself: {why}");
                let error =
                    CloudError::new(tools.step.kind.as_str(), Class::Other, "Blocked", what);
                return Err(Trouble::new(error, Some(live)));
            }
            Readiness::Broken(why) | Readiness::Going(why) => {
                let what = format!("it will not become ready: {why}");
                let error = CloudError::new(tools.step.kind.as_str(), Class::Other, "Broken", what);
                return Err(Trouble::new(error, Some(live)));
            }
        };
        tools.waiting(&why);
        if since.elapsed() > tools.budget {
            let what = format!("still not ready after {} s: {why}", tools.budget.as_secs());
            let error = CloudError::new(tools.step.kind.as_str(), Class::Other, "NotReady", what);
            return Err(Trouble::new(error, Some(live)));
        }
        if !first && !tools.watch(since).await {
            return Err(Trouble::stopped(tools.step.kind.as_str(), Some(live)));
        }
        first = false;
        match tools
            .look(Some(live.observed.id.clone()), Some(desired))
            .await
        {
            Ok(Some(now)) => {
                absent_since = None;
                live = now;
            }
            Ok(None) => {
                let absent = absent_since.get_or_insert_with(Instant::now);
                // EC2's describes may lag a create by up to 5 min; longer than that it is gone.
                if absent.elapsed() > tools.settings.settle_window.max(tools.budget) {
                    return Err(Trouble::new(gone(tools), None));
                }
            }
            // One look that fails is no reason to give up what has been waited for so long.
            Err(error) => match tools.react(&error, since) {
                Reaction::Again(why) => tools.waiting(why),
                Reaction::Unknown => tools.waiting("the answer was lost; looking again"),
                Reaction::GiveUp => return Err(Trouble::new(error, Some(live))),
            },
        }
    }
}
