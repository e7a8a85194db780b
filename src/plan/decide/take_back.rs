//! Going back half way: an older generation that is still there and fits what the stack says again is taken back, and the newer one goes.
//! A third one beside the two would find its place taken by our own.

use crate::kind::{AnyKind, Change, Kinds, Readiness};
use crate::model::Address;
use crate::plan::diff::{Difference, differences, is_left_out};
use crate::plan::order;
use crate::plan::{Seen, Sighting, Wish};

use super::bounds::{pulls_away, stand_elsewhere};
use super::replace::{accept_suffix, keep_zone};

/// Puts each older generation that fits, where the newest does not, above it: with a generation of its own, so that it is the newest from
/// now on for everybody. Says which, with that generation. What holds data is left to the one who looks after it.
pub fn take_back(wishes: &[Wish], kinds: &Kinds, seen: &mut Seen) -> Vec<(Address, Sighting)> {
    let mut taken = Vec::new();
    if seen.ours.values().all(|all| all.len() < 2) {
        return taken;
    }
    // A circle among the wishes is told by the plan.
    let in_order = order::wishes(wishes).unwrap_or_default();
    for wish in in_order.into_iter().map(|i| &wishes[i]) {
        let Some(kind) = kinds.get(&wish.kind).filter(|kind| !kind.holds_data()) else {
            continue;
        };
        let Some([newest, older @ ..]) = seen.ours.get(&wish.address).map(Vec::as_slice) else {
            continue;
        };
        if older.is_empty() || fits(wish, kind.as_ref(), newest, seen) {
            continue;
        }
        let above = newest.generation + 1;
        let fitting = older.iter().position(|one| {
            one.generation < newest.generation
                && one.observed.readiness == Readiness::Ready
                && fits(wish, kind.as_ref(), one, seen)
        });
        if let Some(at) = fitting
            && let Some(all) = seen.ours.get_mut(&wish.address)
        {
            let mut back = all.remove(at + 1);
            back.generation = above;
            taken.push((wish.address.clone(), back.clone()));
            all.insert(0, back);
        }
    }
    taken
}

/// Whether it can become what the stack says without being made anew.
fn fits(wish: &Wish, kind: &dyn AnyKind, live: &Sighting, seen: &Seen) -> bool {
    if live.observed.kind != wish.kind {
        return false;
    }
    let mut desired = wish.attributes.resolve(&|reference| seen.value(reference));
    for field in &wish.ignore {
        desired.set(field, live.observed.attributes.get(field).clone());
    }
    accept_suffix(kind, &mut desired, live);
    keep_zone(kind, &mut desired, &live.observed);
    let secret = |secret: &_| seen.secret(secret);
    let found = differences(kind.fields(), &desired, &live.observed.attributes, &secret);
    !found.iter().any(|one| is_anew(one, live, seen))
}

fn is_anew(difference: &Difference, live: &Sighting, seen: &Seen) -> bool {
    if is_left_out(&difference.from) {
        return false;
    }
    match difference.field.change {
        Change::Replace => true,
        Change::Grow => pulls_away(seen, live, difference),
        Change::Network => stand_elsewhere(seen, live, difference),
        Change::Update | Change::Ignore => false,
    }
}
