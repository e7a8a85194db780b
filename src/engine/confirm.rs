//! "Not there" in a batched read is no proof: what state or journal know by its id and the batch did
//! not show is read by itself, and read again until AWS must have shown it. So is what was made a
//! moment ago and shows none of the tags that it was made with.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::matching::Matcher;
use super::observe::{Found, Look, sort};
use super::react::gap;
use super::visibility::{read_limit, unproven_for};
use crate::kind::{AnyKind, Asked, AskedItem, Class, CloudError, Extent, Memo, Observed};
use crate::model::{KindName, PhysicalId};

/// The longest pause between two confirming reads.
const LONGEST_GAP: Duration = Duration::from_secs(5);

/// Whether the absence of what was made at `made_at` proves nothing yet.
pub(super) fn is_unproven(look: &Look<'_>, made_at: u64) -> bool {
    !unproven_for(look.settle_window, made_at, look.now).is_zero()
}

/// One read of a kind. One that fails because a part of AWS does not know an id yet, which another
/// part has just shown, is repeated.
pub(super) async fn find(
    look: &Look<'_>,
    kind: &dyn AnyKind,
    asked: &Asked,
) -> Result<Vec<Observed>, CloudError> {
    let since = Instant::now();
    loop {
        match kind.find(asked).await {
            Err(error)
                if error.is(Class::NotFound)
                    && !asked.items.is_empty()
                    && since.elapsed() < read_limit(look.settle_window) =>
            {
                sleep(gap(since, &kind.patience(), LONGEST_GAP)).await;
            }
            found => return found,
        }
    }
}

/// Looks for what is known and was not shown: by itself, then among all that there is, since another
/// generation may have taken its place; and, as long as it was made too recently to be shown for
/// certain, again.
pub(super) async fn confirm(
    look: &Look<'_>,
    kind: &dyn AnyKind,
    asked: &Asked,
    matcher: &Matcher,
    found: &mut Found,
) -> Result<(), CloudError> {
    let since = Instant::now();
    let mut extents = vec![Extent::Items];
    if !look.thorough {
        extents.push(Extent::Thorough);
    }
    loop {
        for extent in std::mem::replace(&mut extents, vec![Extent::Items]) {
            let missing = missing(look, kind, asked, found);
            if missing.is_empty() {
                return Ok(());
            }
            read_again(look, kind, extent, missing, matcher, found).await?;
        }
        let missing = missing(look, kind, asked, found);
        let waits = missing.iter().filter_map(|item| item.id.as_ref());
        let wait = waits.map(|id| unproven(look, &kind.name(), id)).max();
        if wait.is_none_or(|wait| since.elapsed() >= wait) {
            return Ok(());
        }
        sleep(gap(since, &kind.patience(), LONGEST_GAP)).await;
    }
}

/// What is known by its id and was not shown, or was shown without its tags while they may be late.
fn missing(look: &Look<'_>, kind: &dyn AnyKind, asked: &Asked, found: &Found) -> Vec<AskedItem> {
    let name = kind.name();
    let are_tags_late = |observed: &Observed| {
        observed.tags.is_empty() && !unproven(look, &name, &observed.id).is_zero()
    };
    let seen: BTreeSet<&PhysicalId> = found
        .ours
        .iter()
        .filter(|(_, sighting)| !are_tags_late(&sighting.observed))
        .map(|(_, sighting)| &sighting.observed.id)
        .collect();
    let is_missing = |id: &PhysicalId| {
        !seen.contains(id) && (look.state.holds(&name, id) || !unproven(look, &name, id).is_zero())
    };
    let items = asked.items.iter();
    items
        .filter(|item| item.id.as_ref().is_some_and(is_missing))
        .cloned()
        .collect()
}

/// How long the absence of this id proves nothing, as state and journal tell.
fn unproven(look: &Look<'_>, kind: &KindName, id: &PhysicalId) -> Duration {
    let leftovers = look.state.leftovers.iter().map(|(_, record)| record);
    let records = look.state.resources.values().chain(leftovers);
    let recorded = records
        .filter(|record| record.kind == *kind && record.id == *id)
        .filter_map(|record| record.made_at);
    let open = look.unfinished.open.values().flatten();
    let begun = open
        .filter(|open| open.intent.kind == *kind && open.learned.as_ref() == Some(id))
        .map(|open| open.at);
    let made_at = recorded.chain(begun).max();
    made_at.map_or(Duration::ZERO, |at| {
        unproven_for(look.settle_window, at, look.now)
    })
}

async fn read_again(
    look: &Look<'_>,
    kind: &dyn AnyKind,
    extent: Extent,
    items: Vec<AskedItem>,
    matcher: &Matcher,
    found: &mut Found,
) -> Result<(), CloudError> {
    let again = Asked {
        scope: look.scope.clone(),
        extent,
        items,
        memo: Arc::new(Memo::default()),
    };
    let live = find(look, kind, &again).await?;
    for (address, sighting) in sort(kind, live, &again.items, matcher).ours {
        let mut known = found.ours.iter_mut();
        match known.find(|(_, known)| known.observed.id == sighting.observed.id) {
            Some((_, known)) if known.observed.tags.is_empty() => *known = sighting,
            Some(_) => {}
            None => found.ours.push((address, sighting)),
        }
    }
    Ok(())
}
