//! Keys of secrets that an operator has to set and has not: without them tasks start without the variable.

use crate::plan::{Note, Seen};
use crate::secrets::{Declared, Source};

/// A note for each secret that lacks required keys, with the commands that set them.
pub(super) fn unset(secrets: &[Declared], seen: &Seen) -> Vec<Note> {
    let note = |secret: &Declared| {
        let live = seen.ours.get(&secret.address).and_then(|all| all.first());
        let live = live.and_then(|live| live.observed.attributes.get("keys").as_map());
        let is_set = |key: &str| live.is_some_and(|keys| keys.contains_key(key));
        let unset: Vec<String> = secret
            .keys
            .iter()
            .filter(|(key, source)| {
                matches!(source, Source::Operator { required: true }) && !is_set(key)
            })
            .map(|(key, _)| format!("circles-infra secrets set {key}"))
            .collect();
        (!unset.is_empty()).then(|| Note::Text {
            address: Some(secret.address.clone()),
            text: format!(
                "lacks required keys, and tasks start without them until they are set: {}",
                unset.join("; ")
            ),
        })
    };
    secrets.iter().filter_map(note).collect()
}
