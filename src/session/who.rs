//! Who is at work: for leases, history and messages.

use std::collections::BTreeMap;

use crate::model::process_id;
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
    let user = match get("USER").or(get("LOGNAME")) {
        Some(user) => user.clone(),
        None => {
            let id = rustix::process::getuid().as_raw();
            let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
            name_of(id, &known).unwrap_or_else(|| format!("uid {id}"))
        }
    };
    let host = rustix::system::uname();
    format!("{user}@{}", host.nodename().to_string_lossy())
}

/// A user's name in the text of `/etc/passwd` (`name:password:id:…`).
fn name_of(id: u32, known: &str) -> Option<String> {
    let id = id.to_string();
    known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1) == Some(&id)).then(|| name.to_owned())
    })
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

/// Who began a CI job, if that is said.
fn actor(process: &BTreeMap<String, String>) -> Option<&str> {
    ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID"]
        .iter()
        .filter_map(|name| process.get(*name))
        .map(String::as_str)
        .find(|name| !name.is_empty())
}

/// A new run's description.
pub fn run_info(process: &BTreeMap<String, String>, caller: &str) -> RunInfo {
    let at = now();
    let run = format!("{}-{}", at.replace([':', '-'], ""), process_id());
    RunInfo {
        run,
        caller: caller.to_owned(),
        who: match actor(process) {
            Some(actor) => format!("{actor}, {}", who(process)),
            None => who(process),
        },
        at,
        commit: commit(process),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(process: &[(&str, &str)]) -> RunInfo {
        let process = process.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        run_info(&process.collect(), "arn:aws:iam::111122223333:role/ci")
    }

    #[test]
    fn without_a_word_of_the_user_the_system_is_asked() {
        let known = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n:x:7:\n";
        assert_eq!(name_of(1000, known).as_deref(), Some("ann"));
        assert_eq!(name_of(100, known), None);
        assert_eq!(name_of(7, known), None);
        let nobody = info(&[]);
        let (user, _) = nobody.who.split_once('@').unwrap();
        assert!(!user.is_empty() && user != "somebody", "{user}");
    }

    #[test]
    fn a_run_keeps_the_caller_the_actor_the_job_and_the_commit() {
        let github = info(&[
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_SHA", "c0ffee"),
            ("USER", "runner"),
        ]);
        assert_eq!(
            github.who,
            "octocat, https://github.com/acme/shop/actions/runs/7"
        );
        assert_eq!(github.caller, "arn:aws:iam::111122223333:role/ci");
        assert_eq!(github.commit.as_deref(), Some("c0ffee"));
        let gitlab = info(&[
            ("CI_JOB_URL", "https://gitlab.com/acme/shop/-/jobs/9"),
            ("GITLAB_USER_LOGIN", "ann"),
            ("CI_COMMIT_SHA", "beef"),
        ]);
        assert_eq!(gitlab.who, "ann, https://gitlab.com/acme/shop/-/jobs/9");
        assert_eq!(gitlab.commit.as_deref(), Some("beef"));
        let laptop = info(&[("USER", "ann")]);
        assert!(laptop.who.starts_with("ann@"), "{}", laptop.who);
        assert_eq!(laptop.commit, None);
    }
}
