//! Tags as IAM writes them.

use aws_sdk_iam::error::BuildError;
use aws_sdk_iam::types::Tag;

use crate::kind::{CloudError, Cx};
use crate::model::Tags;

/// As read: without AWS's own.
pub fn read(tags: &[Tag]) -> Tags {
    tags.iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .filter(|(key, _)| !key.starts_with("aws:"))
        .collect()
}

/// As create and tag calls take them.
pub fn list(cx: &Cx, tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, BuildError>>()
        .map_err(|e| CloudError::malformed(&cx.kind, e))
}

/// What to set and which keys to take away, so that `live` becomes the tags of `cx`.
pub fn difference(cx: &Cx, live: &Tags) -> (Tags, Vec<String>) {
    let set = cx
        .tags
        .iter()
        .filter(|(key, value)| live.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let gone = live
        .keys()
        .filter(|key| !cx.tags.contains_key(*key))
        .cloned()
        .collect();
    (set, gone)
}
