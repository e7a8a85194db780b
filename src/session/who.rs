//! Who is at work: for leases, history and messages.

use std::collections::BTreeMap;

use crate::state::RunInfo;

/// The CI job's URL, or `user@host`.
pub fn who(process: &BTreeMap<String, String>) -> String {
    let get = |name: &str| process.get(name).filter(|value| !value.is_empty());
    if let (Some(server), Some(repository), Some(run)) = (
        get("GITHUB_SERVER_URL"),
        get("GITHUB_REPOSITORY"),
        get("GITHUB_RUN_ID"),
    ) {
        return format!("{server}/{repository}/actions/runs/{run}");
    }
    if let Some(url) = get("CI_JOB_URL").or(get("BUILD_URL")) {
        return url.clone();
    }
    let user = get("USER")
        .or(get("LOGNAME"))
        .map_or("somebody", String::as_str);
    let host = rustix::system::uname();
    format!("{user}@{}", host.nodename().to_string_lossy())
}

/// The commit that a CI job works on.
fn commit(process: &BTreeMap<String, String>) -> Option<String> {
    ["GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"]
        .iter()
        .find_map(|name| process.get(*name))
        .cloned()
}

/// RFC 3339, UTC.
pub fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// Milliseconds since 1970.
pub fn clock() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// A new run's description.
pub fn run_info(process: &BTreeMap<String, String>, caller: &str) -> RunInfo {
    let at = now();
    let run = format!(
        "{}-{:06x}",
        at.replace([':', '-'], ""),
        rand::random::<u32>() & 0xff_ffff
    );
    RunInfo {
        run,
        caller: caller.to_owned(),
        who: who(process),
        at,
        commit: commit(process),
    }
}
