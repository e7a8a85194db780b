//! Which commit an image is of.

use super::{Ship, What};
use crate::deploy::source::Ready;
use crate::session::Session;

/// What the image was built from: its own label, the CI job's commit, or for a build here, the checkout's.
pub async fn commit(ship: &Ship<'_>, session: &Session, ready: &Ready) -> Option<String> {
    if let Some(commit) = ready.config.commit() {
        return Some(commit.to_owned());
    }
    if matches!(ship.order.what, What::Back(_)) {
        return None;
    }
    let process = &session.request().process;
    let of_job = ["GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"]
        .iter()
        .find_map(|name| process.get(*name));
    if let Some(commit) = of_job {
        return Some(commit.clone());
    }
    if ship.order.what != What::Build {
        return None;
    }
    let folder = session.request().stack_file.parent()?.to_path_buf();
    let mut git = tokio::process::Command::new("git");
    git.args(["rev-parse", "HEAD"]);
    if !folder.as_os_str().is_empty() {
        git.current_dir(folder);
    }
    let said = git.output().await.ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| said.status.success() && !text.is_empty())
}
