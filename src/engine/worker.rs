//! One step's work: create or update, re-entrant. It never repeats a call whose outcome is unknown before it has looked for what that
//! call may have made.

use std::time::Duration;

use tokio::time::Instant;

use super::look::Tools;
use super::react::Reaction;
use super::settle::{Trouble, bring, overtaken, until_ready};
use super::visibility::{CATCHING_UP, create_limit};
use crate::kind::{Class, CloudError, IntentVerb};
use crate::model::{Attributes, PhysicalId, Tags};
use crate::plan::Sighting;

/// What a create or update came to.
pub struct Made {
    pub live: Sighting,
    /// Nothing had to be changed after all.
    pub nothing: bool,
}

/// Makes the resource. `begun_for`: an earlier run sent a create for it that may have been carried out unseen, so long ago.
pub async fn create(
    tools: &Tools,
    desired: &Attributes,
    tags: &Tags,
    begun_for: Option<Duration>,
    wait: bool,
) -> Result<Made, Trouble> {
    let found = match begun_for {
        Some(age) => reappear(tools, desired, None, age).await?,
        None => None,
    };
    let live = match found {
        Some(live) => live,
        None => make(tools, desired, tags).await?,
    };
    let (live, _) = bring(tools, desired, tags, live).await?;
    let live = ready(tools, desired, live, wait).await?;
    Ok(Made {
        live,
        nothing: false,
    })
}

/// Changes the resource in place; nothing, when it turns out to be as wished. `begun_for`: an earlier run sent a call for it that may
/// have been carried out unseen, so long ago.
pub async fn update(
    tools: &Tools,
    desired: &Attributes,
    tags: &Tags,
    mut live: Sighting,
    begun_for: Option<Duration>,
    wait: bool,
) -> Result<Made, Trouble> {
    if let Some(age) = begun_for
        && tools.kind.update_appends()
    {
        live = overtaken(tools, desired, tags, live, age).await?;
    }
    let (live, changed) = bring(tools, desired, tags, live).await?;
    let live = ready(tools, desired, live, wait).await?;
    Ok(Made {
        live,
        nothing: !changed,
    })
}

async fn ready(
    tools: &Tools,
    desired: &Attributes,
    live: Sighting,
    wait: bool,
) -> Result<Sighting, Trouble> {
    if wait {
        until_ready(tools, desired, live).await
    } else {
        Ok(live)
    }
}

/// Calls `create` until there is something: after each failure first a look, then perhaps another attempt.
async fn make(tools: &Tools, desired: &Attributes, tags: &Tags) -> Result<Sighting, Trouble> {
    let since = Instant::now();
    let mut round = 0;
    loop {
        let effective = tools.gate.effective();
        let cx = tools.cx(
            IntentVerb::Create,
            tags.clone(),
            None,
            desired.clone(),
            round,
        );
        round += 1;
        let error = match tools.kind.create(&cx, desired).await {
            Ok(observed) => {
                return Ok(Sighting {
                    generation: tools.step.generation,
                    observed,
                });
            }
            Err(error) => error,
        };
        let begun = tools.gate.effective() > effective;
        if tools.gate.effective() > 0 {
            // Only now may what stands under that name be ours: a call that AWS refused has made nothing.
            tools
                .matcher
                .lock()
                .begin(tools.kind.as_ref(), desired, &tools.step);
        }
        if let Some(live) = nonetheless(tools, desired, error, since, begun).await? {
            return Ok(live);
        }
    }
}

/// What there is although the create failed, after the wait that the failure asks for; `None`: it is tried again. `begun`: a call of the
/// attempt was, or may have been, carried out.
async fn nonetheless(
    tools: &Tools,
    desired: &Attributes,
    error: CloudError,
    since: Instant,
    begun: bool,
) -> Result<Option<Sighting>, Trouble> {
    let given_id = tools.gate.given_id();
    match tools.react(&error, since) {
        Reaction::Again(why) => {
            pause(tools, since, why, &error).await?;
            match given_id {
                Some(id) => await_created(tools, desired, id, error).await.map(Some),
                None if begun => find(tools, desired, None).await,
                None => Ok(None),
            }
        }
        Reaction::Unknown => {
            tools.waiting("the answer was lost; looking for what it made");
            if let Some(id) = given_id {
                return await_created(tools, desired, id, error).await.map(Some);
            }
            let found = reappear(tools, desired, None, Duration::ZERO).await?;
            // A server that answers nothing else never will.
            if found.is_none() && since.elapsed() >= tools.budget {
                return Err(Trouble::new(error, None));
            }
            Ok(found)
        }
        Reaction::GiveUp if error.is(Class::Exists) => {
            name_in_use(tools, desired, error, since).await
        }
        Reaction::GiveUp => {
            // A create of several calls may have got half way: what is there belongs in the state.
            let partial = match begun || given_id.is_some() {
                true => find(tools, desired, given_id).await?,
                false => None,
            };
            Err(Trouble::new(error, partial))
        }
    }
}

/// A create that AWS refused because its name is in use: by what an attempt before this one made,
/// by what this run has just deleted, or by somebody else's. `None`: it is tried again.
async fn name_in_use(
    tools: &Tools,
    desired: &Attributes,
    error: CloudError,
    since: Instant,
) -> Result<Option<Sighting>, Trouble> {
    let found = match tools.gate.effective() {
        0 => find(tools, desired, None).await?,
        _ => reappear(tools, desired, tools.gate.given_id(), Duration::ZERO).await?,
    };
    if found.is_some() {
        return Ok(found);
    }
    if tools.after_delete && since.elapsed() < CATCHING_UP {
        let why = "AWS still holds the name of what was deleted".to_owned();
        pause(tools, since, why, &error).await?;
        return Ok(None);
    }
    Err(Trouble::new(taken(tools, error), None))
}

async fn pause(
    tools: &Tools,
    since: Instant,
    why: String,
    error: &CloudError,
) -> Result<(), Trouble> {
    tools.waiting(why);
    if tools.pause(since).await {
        Ok(())
    } else {
        Err(Trouble::stopped(&error.action, None))
    }
}

/// Waits until AWS shows what it gave this id to. The id is the resource: the call that made it is
/// never sent again in this run, and what the failed create left undone is an update's work.
async fn await_created(
    tools: &Tools,
    desired: &Attributes,
    id: PhysicalId,
    cause: CloudError,
) -> Result<Sighting, Trouble> {
    let since = Instant::now();
    let limit = create_limit(tools.settings.settle_window);
    loop {
        if let Some(live) = find(tools, desired, Some(id.clone())).await? {
            return Ok(live);
        }
        if since.elapsed() >= limit {
            let mut error = cause;
            error.message = format!(
                "{} (AWS made {id} and does not show it after {} s)",
                error.message,
                limit.as_secs()
            );
            return Err(Trouble::new(error, None));
        }
        pause(tools, since, format!("AWS does not show {id} yet"), &cause).await?;
    }
}

fn taken(tools: &Tools, mut error: CloudError) -> CloudError {
    error.message = format!(
        "{} (its name is taken by something that is not of this stack: {})",
        error.message, tools.step.address
    );
    error
}

async fn find(
    tools: &Tools,
    desired: &Attributes,
    id: Option<PhysicalId>,
) -> Result<Option<Sighting>, Trouble> {
    tools
        .look(id, Some(desired))
        .await
        .map_err(|error| Trouble::new(error, None))
}

/// Looks for what a call of unknown outcome may have made, until AWS has had its time to show it. `age`: how long ago it was sent.
async fn reappear(
    tools: &Tools,
    desired: &Attributes,
    id: Option<PhysicalId>,
    age: Duration,
) -> Result<Option<Sighting>, Trouble> {
    let since = Instant::now();
    loop {
        let found = tools
            .look(id.clone(), Some(desired))
            .await
            .map_err(|error| Trouble::new(error, None))?;
        if found.is_some() || age + since.elapsed() >= tools.settings.settle_window {
            return Ok(found);
        }
        tools.waiting("looking for what an unanswered call may have made");
        if !tools.pause(since).await {
            return Err(Trouble::stopped(tools.step.kind.as_str(), None));
        }
    }
}
