//! Looking by name, or through everything there is.
//!
//! Where a list carries no tags, each resource's tags cost a call. Those whose id or natural name is known are then read by it, and
//! the rest of the account is gone through only when something may be there that no id or name leads to.

use crate::kind::{Asked, AskedItem, Extent};

/// Whether ids and names (`field`) do not lead to all that is sought: an item has neither (its create was cut off), or
/// everything is sought and no id is known at all (the state is lost, or this is the first run), or the look is a thorough one.
pub fn needs_scan(asked: &Asked, field: &str) -> bool {
    let lost = |item: &AskedItem| {
        item.id.is_none()
            && [&item.desired, &item.last]
                .into_iter()
                .flatten()
                .all(|attributes| attributes.text(field).is_none())
    };
    asked.items.iter().any(lost)
        || asked.extent == Extent::Thorough
        || (asked.extent == Extent::Everything && asked.ids().next().is_none())
}
