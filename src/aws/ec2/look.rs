//! What an EC2 describe is narrowed to, and which of its answers a look is after.

use aws_sdk_ec2::types::Filter;

use super::cidr::canonical;
use crate::kind::Asked;
use crate::model::{TAG_PREFIX, Tags};

/// Values one filter may have (EC2 user guide, "List and filter your resources").
const VALUES: usize = 200;

/// Filters for a look at single items: by id where all are known (`filter` is the id's filter name, `subnet-id`), by our address tags
/// where none is. `None`: read everything, because more is asked for, or because some items could be found by neither alone.
pub fn narrowed(asked: &Asked, filter: &str) -> Option<Vec<Filter>> {
    if asked.extent.is_wide() || asked.items.len() > VALUES {
        return None;
    }
    let ids: Vec<&str> = asked.ids().map(|id| id.as_str()).collect();
    if ids.len() == asked.items.len() {
        return Some(vec![one(filter, ids)]);
    }
    let by_name = asked.items.iter().any(|item| item.desired.is_some());
    (ids.is_empty() && !by_name).then(|| {
        let addresses = asked.items.iter().map(|item| item.address.as_str());
        vec![
            one(
                &format!("tag:{TAG_PREFIX}stack"),
                [asked.scope.stack.as_str()],
            ),
            one(&format!("tag:{TAG_PREFIX}address"), addresses),
        ]
    })
}

/// One filter with its values.
pub fn one<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values.into_iter().map(str::to_owned).collect()))
        .build()
}

/// Whether a resource is asked for: by id, by our tags, or because an item of this look wishes for this natural key (field, live value).
/// Whose it is then is for the caller to judge.
pub fn wanted(asked: &Asked, id: &str, tags: &Tags, key: &[(&str, &str)]) -> bool {
    asked.wants(id, tags)
        || (!key.is_empty()
            && asked.items.iter().any(|item| {
                item.desired.as_ref().is_some_and(|desired| {
                    key.iter().all(|(field, value)| {
                        desired.text(field).map(canonical) == Some(canonical(value))
                    })
                })
            }))
}
