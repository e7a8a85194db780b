//! Releases: their names, the tags that say on a revision what was released, and reading them back.

use std::collections::BTreeMap;

use aws_sdk_ecr::types::{DescribeImagesFilter, TagStatus};
use futures::TryFutureExt;
use futures::future::try_join_all;
use serde::Serialize;

use super::error::DeployError;
use super::image::short;
use super::revision::{self, Revision};
use crate::aws::ecs::task_definition::{family_in, revisions};
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Class, CloudError};
use crate::model::{Ownership, Tags};
use crate::plan::release::{
    COMMIT, OUTSIDE, RAN, REJECTED, RELEASE, RELEASED_AT, RELEASED_BY, SOURCE, STACK_IMAGE,
    tag_text,
};
use crate::session::{PastRun, Session, Target};
use crate::state::RunInfo;

const IMAGES: &str = "ecr:DescribeImages";
/// What a release's tag begins with. The repository's lifecycle policy keeps the last of them.
pub const PREFIX: &str = "release-";
/// What the tag begins with that marks the image a service runs, so that no policy expires it.
pub const LIVE_PREFIX: &str = "live-";
/// Revisions that are read for a list.
const READ: usize = 40;

/// One release of one service, as its revision tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Release {
    /// `release-20260131T120000Z-1a2b3c4`; `outside` when a pipeline of its own shipped it; `None`: the stack file's image.
    pub name: Option<String>,
    /// `family:7`
    pub revision: String,
    /// The image as the revision names it.
    pub image: String,
    /// The tag, digest or archive that it was made of.
    pub source: Option<String>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Caller and `user@host` or CI job, as far as a tag holds it.
    pub by: Option<String>,
    pub commit: Option<String>,
    /// Why its roll-out was given up.
    pub rejected: Option<String>,
    /// Since when it was known to run well; RFC 3339, UTC.
    pub ran: Option<String>,
    pub running: bool,
}

/// The release that a revision is: what `status` shows of a service's task definition.
///
/// # Errors
/// AWS's; a revision that is not there is one.
pub async fn of_revision(aws: &Aws, arn: &str, container: &str) -> Result<Release, CloudError> {
    let found = revision::read(aws, arn).await?;
    Ok(release(&found, container))
}

/// What ran for a service, the newest first: its family's revisions, as far as AWS still has them.
///
/// # Errors
/// AWS's.
pub async fn list(aws: &Aws, target: &Target) -> Result<Vec<Release>, CloudError> {
    let mut arns = revisions(aws, family_in(&target.definition)).await?;
    arns.truncate(READ);
    if !arns.contains(&target.definition) {
        arns.push(target.definition.clone());
    }
    let each = arns.iter().map(|arn| async move {
        match revision::read(aws, arn).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is(Class::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    });
    let all = try_join_all(each).await?;
    Ok(all
        .iter()
        .flatten()
        .map(|found| Release {
            running: found.arn() == target.definition,
            ..release(found, &target.info.container)
        })
        .collect())
}

/// What ran for one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ran {
    pub service: String,
    /// Newest first.
    pub releases: Vec<Release>,
}

/// What ran for the named service, or for each: revisions, and releases whose image is still there though their revision is not.
///
/// # Errors
/// [`DeployError`].
pub async fn ran(session: &mut Session, service: Option<&str>) -> Result<Vec<Ran>, DeployError> {
    let targets = session.targets().await?;
    let names: Vec<&str> = targets.iter().map(Target::label).collect();
    if let Some(name) = service
        && !names.contains(&name)
    {
        return Err(DeployError::refused(
            format!("there is no service {name} whose image comes from a repository of the stack"),
            format!("services: {}", names.join(", ")),
        ));
    }
    let aws = session.aws.clone();
    let history = session.history(None).await?;
    let mut all = Vec::new();
    for target in &targets {
        if service.is_some_and(|name| name != target.label()) {
            continue;
        }
        let (revisions, tags) =
            tokio::try_join!(list(&aws, target), tagged(&aws, &target.repository))?;
        all.push(Ran {
            service: target.label().to_owned(),
            releases: complete(revisions, tags, &history, &target.url),
        });
    }
    Ok(all)
}

/// Adds what only a tag or the state's history still tells.
fn complete(
    mut releases: Vec<Release>,
    tags: BTreeMap<String, String>,
    history: &[PastRun],
    url: &str,
) -> Vec<Release> {
    for (name, digest) in tags.into_iter().rev() {
        let known = releases
            .iter()
            .any(|release| release.name.as_deref() == Some(name.as_str()));
        if known {
            continue;
        }
        let run = history.iter().find(|run| {
            run.doing
                .split_once(' ')
                .is_some_and(|(_, what)| what == name)
        });
        releases.push(Release {
            at: run.map_or_else(|| time_in(&name), |run| run.started.clone()),
            by: run.map(|run| run.who.clone()),
            commit: run.and_then(|run| run.commit.clone()),
            image: format!("{url}@{digest}"),
            name: Some(name),
            ..Release::default()
        });
    }
    releases
}

/// `release-20260131T120000Z-1a2b3c4` → `2026-01-31T12:00:00Z`
fn time_in(name: &str) -> String {
    let time = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split('-').next())
        .unwrap_or_default();
    jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time)
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

fn release(found: &Revision, container: &str) -> Release {
    let get = |key: &str| found.tags.get(key).cloned();
    let registered = Some(found.registered_at())
        .filter(|at| *at > 0)
        .and_then(|at| jiff::Timestamp::from_second(at).ok());
    // An apply's carries our tags.
    let outside = Ownership::read(&found.tags).is_none();
    Release {
        name: get(RELEASE).or(outside.then(|| OUTSIDE.to_owned())),
        revision: found.name().to_owned(),
        image: found.image(container).unwrap_or_default().to_owned(),
        source: get(SOURCE),
        at: get(RELEASED_AT)
            .or(registered.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
            .unwrap_or_default(),
        by: get(RELEASED_BY),
        commit: get(COMMIT),
        rejected: get(REJECTED),
        ran: get(RAN),
        running: false,
    }
}

/// Tags of releases that the repository has, with the image's digest; by name, which is by time.
///
/// # Errors
/// AWS's.
pub async fn tagged(aws: &Aws, repository: &str) -> Result<BTreeMap<String, String>, CloudError> {
    let list = |token| {
        let request = aws
            .ecr
            .describe_images()
            .repository_name(repository)
            .filter(
                DescribeImagesFilter::builder()
                    .tag_status(TagStatus::Tagged)
                    .build(),
            )
            .max_results(1000)
            .set_next_token(token);
        request.send().map_err(|e| aws_error(IMAGES, e))
    };
    let pages = pages(aws, IMAGES, list, |page| page.next_token()).await?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.image_details.unwrap_or_default())
        .flat_map(|image| {
            let digest = image.image_digest.unwrap_or_default();
            image
                .image_tags
                .unwrap_or_default()
                .into_iter()
                .filter(|tag| tag.starts_with(PREFIX))
                .map(move |tag| (tag, digest.clone()))
        })
        .collect())
}

/// A new release's name: its time, and the commit it was built from, or else its digest.
pub fn name(at: &str, commit: Option<&str>, digest: &str) -> String {
    let time: String = at.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let word = commit.unwrap_or_else(|| short(digest));
    let word: String = word
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(7)
        .collect();
    format!("{PREFIX}{time}-{word}")
}

/// The tag that marks the image a service runs. A tag has 128 characters at most (ECR API reference, ImageIdentifier).
pub fn live_tag(service: &str) -> String {
    let name: String = service
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(100)
        .collect();
    format!("{LIVE_PREFIX}{name}")
}

/// What a release's revision is to say of it.
pub struct Said<'a> {
    pub name: &'a str,
    pub source: &'a str,
    pub commit: Option<&'a str>,
    pub stack_image: &'a str,
    pub info: &'a RunInfo,
}

impl Said<'_> {
    /// The tags of the revision that stands for this release: those of the one before, with what is said of it exchanged.
    pub fn tags(&self, before: &Tags) -> Tags {
        let mut tags = before.clone();
        for gone in [COMMIT, REJECTED, RAN] {
            tags.remove(gone);
        }
        let by = format!("{} {}", self.info.who, self.info.caller);
        let said = [
            (RELEASE, self.name),
            (SOURCE, self.source),
            (STACK_IMAGE, self.stack_image),
            (RELEASED_BY, &by),
            (RELEASED_AT, &self.info.at),
        ];
        for (key, value) in said.into_iter().chain(self.commit.map(|c| (COMMIT, c))) {
            tags.insert(key.to_owned(), tag_text(value));
        }
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_without_our_tags_was_shipped_outside() {
        let mut found = Revision {
            definition: aws_sdk_ecs::types::TaskDefinition::builder().build(),
            tags: Tags::new(),
            text: serde_json::Value::Null,
        };
        assert_eq!(release(&found, "app").name.as_deref(), Some(OUTSIDE));
        let scope = crate::model::Scope {
            stack: "circles".into(),
            environment: "dev".into(),
            account: "1".into(),
            region: "us-east-1".into(),
            partition: "aws".into(),
        };
        found.tags = Ownership::new(&scope, &"app/task-definition".into(), 1).tags();
        assert_eq!(release(&found, "app").name, None, "an apply's");
        found.tags.insert(RELEASE.into(), "release-1".into());
        assert_eq!(release(&found, "app").name.as_deref(), Some("release-1"));
    }

    #[test]
    fn names_are_in_the_order_of_time_and_say_the_commit() {
        let digest = format!("sha256:{}", "ab12".repeat(16));
        let first = name("2026-01-31T12:00:00Z", None, &digest);
        assert_eq!(first, "release-20260131T120000Z-ab12ab1");
        let second = name("2026-01-31T12:00:01Z", Some("0123456789abcdef"), &digest);
        assert_eq!(second, "release-20260131T120001Z-0123456");
        assert!(first < second);
        assert_eq!(time_in(&first), "2026-01-31T12:00:00Z");
        assert_eq!(time_in("release-once"), "");
        assert_eq!(live_tag("circles/svc"), "live-circlessvc");
        assert!(live_tag(&"x".repeat(300)).len() < 128);
    }
}
