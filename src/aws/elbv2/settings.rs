//! The "attributes" of load balancers and target groups: free keys with text values, which AWS adds to over the years. Only the keys
//! behind a field are ever compared or sent.

use std::collections::BTreeMap;

/// By AWS's key: `idle_timeout.timeout_seconds`.
pub type Settings = BTreeMap<String, String>;

pub fn settings<const N: usize>(entries: [(&str, &str); N]) -> Settings {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// What has to be sent so that `live` holds all of `wanted`.
pub fn differing(live: &Settings, wanted: &Settings) -> Settings {
    wanted
        .iter()
        .filter(|(key, value)| live.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

pub fn is_on(settings: &Settings, key: &str) -> Option<bool> {
    settings.get(key).map(|value| value == "true")
}

pub fn int(settings: &Settings, key: &str) -> Option<i64> {
    settings.get(key)?.parse().ok()
}

pub fn text(settings: &Settings, key: &str) -> Option<String> {
    settings.get(key).filter(|value| !value.is_empty()).cloned()
}
