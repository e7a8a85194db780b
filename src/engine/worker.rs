//! One step's work: create or update, re-entrant. It never repeats a call whose outcome is unknown before it has looked for what that
//! call may have made.

use std::time::Duration;

use tokio::time::Instant;

use super::look::Tools;
use super::react::{Reaction, react};
use super::settle::{Trouble, bring, overtaken, until_ready};
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
    let patience = tools.kind.patience();
    match react(&error, &patience, tools.budget, since, tools.fresh) {
        Reaction::Again(why) => {
            tools.waiting(why);
            if !tools.pause(since).await {
                return Err(Trouble::stopped(&error.action, None));
            }
            match begun {
                true => find(tools, desired).await,
                false => Ok(None),
            }
        }
        Reaction::Unknown => {
            tools.waiting("the answer was lost; looking for what it made");
            let found = reappear(tools, desired, None, Duration::ZERO).await?;
            // A server that answers nothing else never will.
            if found.is_none() && since.elapsed() >= tools.budget {
                return Err(Trouble::new(error, None));
            }
            Ok(found)
        }
        Reaction::GiveUp => {
            // A create of several calls may have got half way: what is there belongs in the state.
            let partial = if begun || error.is(Class::Exists) {
                find(tools, desired).await?
            } else {
                None
            };
            match partial {
                // Taken, and ours: an attempt before this one had made it.
                Some(live) if error.is(Class::Exists) => Ok(Some(live)),
                partial => Err(Trouble::new(taken(tools, error), partial)),
            }
        }
    }
}

fn taken(tools: &Tools, mut error: CloudError) -> CloudError {
    if error.is(Class::Exists) {
        error.message = format!(
            "{} (its name is taken by something that is not of this stack: {})",
            error.message, tools.step.address
        );
    }
    error
}

async fn find(tools: &Tools, desired: &Attributes) -> Result<Option<Sighting>, Trouble> {
    tools
        .look(None, Some(desired))
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
