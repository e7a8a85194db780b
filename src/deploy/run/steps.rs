//! Single steps of a deploy, each journalled, and repeated only after a look at what an unanswered call has done.

use std::time::Duration;

use aws_sdk_ecs::types::{self as sdk, Tag};
use futures::TryFutureExt;
use tokio::time::sleep;

use super::Rolling;
use super::Ship;
use crate::aws::aws_error;
use crate::aws::ecs::rollout::{self, Deployment};
use crate::aws::ecs::task_definition::{self, family_in, revision_in, revisions};
use crate::deploy::error::DeployError;
use crate::deploy::release;
use crate::deploy::revision::{self, REGISTER, Revision};
use crate::deploy::said::Said;
use crate::deploy::source::Ready;
use crate::deploy::watch;
use crate::kind::{Class, CloudError};
use crate::model::{KindName, Ownership, PhysicalId};
use crate::plan::release::{RAN, REJECTED, RELEASE, tag_text};
use crate::session::{Calls, Subject, Target};

const UPDATE: &str = "ecs:UpdateService";
const TAG: &str = "ecs:TagResource";
const DEREGISTER: &str = "ecs:DeregisterTaskDefinition";
const ATTEMPTS: u32 = 6;
/// Revisions of ours that stay in use: as many as the repository keeps releases.
const KEPT: usize = 30;

/// The family, for the journal.
pub fn definition(target: &Target) -> Subject {
    Subject {
        address: target.info.task_definition.clone(),
        kind: KindName::new("ecs.task_definition"),
        id: PhysicalId::new(&target.definition),
        generation: target.generation,
    }
}

fn service(target: &Target) -> Subject {
    Subject {
        address: target.info.service.clone(),
        kind: KindName::new("ecs.service"),
        id: PhysicalId::new(&target.arn),
        generation: target.service_generation,
    }
}

fn passes(error: &CloudError) -> bool {
    matches!(
        error.class,
        Class::Throttled | Class::Unknown | Class::Unreachable | Class::NotYet
    )
}

fn gap(attempt: u32) -> Duration {
    Duration::from_millis(100 << attempt.min(6))
}

/// Registers the revision, or finds the one that an interrupted deploy of the same release, or a call whose answer was lost, has made.
pub async fn register(
    ship: &Ship<'_>,
    calls: &mut Calls,
    target: &Target,
    from: &Revision,
    image: &str,
    said: &release::Said<'_>,
) -> Result<Revision, DeployError> {
    let mut tags = said.tags(&from.tags);
    let ownership = Ownership::new(
        calls.scope(),
        &target.info.task_definition,
        target.generation,
    );
    tags.extend(ownership.tags());
    let mut attempt = 0;
    loop {
        if let Some(found) = there(ship, target, from, image, said.name).await? {
            if attempt == 0 {
                ship.say(format!("{} was registered before", found.name()));
            }
            return Ok(found);
        }
        let request = revision::with_image(
            &ship.aws,
            &from.definition,
            &target.info.container,
            image,
            &tags,
        )?;
        let sent = revision::register(request, from);
        let answer = calls
            .call(&definition(target), REGISTER, sent, |arn| {
                Some(PhysicalId::new(arn))
            })
            .await;
        match answer {
            Ok(arn) => return Ok(revision::read(&ship.aws, &arn).await?),
            Err(error) if passes(&error) && attempt < ATTEMPTS => {
                attempt += 1;
                sleep(gap(attempt)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A later revision of that release with that image.
async fn there(
    ship: &Ship<'_>,
    target: &Target,
    from: &Revision,
    image: &str,
    name: &str,
) -> Result<Option<Revision>, CloudError> {
    let all = revisions(&ship.aws, family_in(from.arn())).await?;
    for arn in all
        .iter()
        .take_while(|arn| revision_in(arn) > revision_in(from.arn()))
        .take(5)
    {
        let found = revision::read(&ship.aws, arn).await?;
        if found.tags.get(RELEASE).map(String::as_str) == Some(name)
            && found.image(&target.info.container) == Some(image)
            && !found.tags.contains_key(REJECTED)
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Has the service run that revision, and remembers it.
pub async fn roll(
    ship: &Ship<'_>,
    calls: &mut Calls,
    target: &Target,
    arn: &str,
) -> Result<(), DeployError> {
    update(ship, calls, target, arn, false).await?;
    remember(ship, calls, target, arn).await
}

/// `force`: also when it runs that revision already.
pub async fn update(
    ship: &Ship<'_>,
    calls: &mut Calls,
    target: &Target,
    arn: &str,
    force: bool,
) -> Result<(), DeployError> {
    let mut attempt = 0;
    let before = watch::look(&ship.aws, target).await?.deployments;
    loop {
        let request = ship
            .aws
            .ecs
            .update_service()
            .cluster(&target.cluster)
            .service(&target.arn)
            .task_definition(arn)
            .set_force_new_deployment(force.then_some(true));
        let answer = calls
            .call(
                &service(target),
                UPDATE,
                request.send().map_err(|e| aws_error(UPDATE, e)),
                |_| None,
            )
            .await;
        match answer {
            Ok(answer) => {
                let after = answer.service().map(|service| service.deployments());
                note(ship, target, &before, after.unwrap_or_default());
                return Ok(());
            }
            Err(error) if passes(&error) && attempt < ATTEMPTS => {
                attempt += 1;
                sleep(gap(attempt)).await;
                let view = watch::look(&ship.aws, target).await?;
                if view.definition == arn && (!force || view.has_new_deployment(&before)) {
                    ship.aws
                        .deployments
                        .note(&target.arn, &before, &view.deployments);
                    return Ok(());
                }
            }
            Err(error) => {
                let view = watch::look(&ship.aws, target).await;
                calls.settled(&target.info.service);
                return Err(match view {
                    Ok(view) if !view.is_there() => gone(target),
                    _ => error.into(),
                });
            }
        }
    }
}

/// Notes the deployment that the call began, so that a rollback is told from it.
fn note(ship: &Ship<'_>, target: &Target, before: &[Deployment], after: &[sdk::Deployment]) {
    let after: Vec<Deployment> = after.iter().map(rollout::deployment).collect();
    ship.aws.deployments.note(&target.arn, before, &after);
}

pub fn gone(target: &Target) -> DeployError {
    DeployError::Failed {
        what: format!("{} was deleted under the deploy", target.label()),
        hints: vec![
            "make it again: circles-infra apply; it then runs what was released, as far as its task definition is still there"
                .into(),
        ],
    }
}

/// Writes to the state what the service runs.
pub async fn remember(
    ship: &Ship<'_>,
    calls: &mut Calls,
    target: &Target,
    arn: &str,
) -> Result<(), DeployError> {
    if let Some(observed) = task_definition::revision(&ship.aws, arn).await? {
        let subject = Subject {
            id: observed.id.clone(),
            ..definition(target)
        };
        calls.record(&subject, &observed).await?;
    }
    let mut live = target.live.clone();
    live.attributes.set("task_definition", arn);
    calls.record(&service(target), &live).await?;
    Ok(())
}

/// Writes to the revision why it was given up, so that nobody goes back to it. Only a remark: not being able to write it is no failure.
pub async fn reject(
    ship: &Ship<'_>,
    calls: &mut Calls,
    target: &Target,
    revision: &Revision,
    why: &str,
) {
    if let Err(error) = mark(ship, calls, target, revision, (REJECTED, why)).await {
        (ship.tell)(Said::Warning(format!(
            "{} could not be marked as given up: {error}",
            revision.name()
        )));
    }
}

/// Writes to the revision that runs well now, and to that which did before, that they did. A way back goes only to such.
async fn ran(
    ship: &Ship<'_>,
    calls: &mut Calls,
    target: &Target,
    new: &Revision,
    before: Option<&str>,
) -> Result<(), DeployError> {
    let at = calls.info.at.clone();
    if let Some(before) = before.filter(|before| *before != new.arn()) {
        let before = revision::read(&ship.aws, before).await?;
        if !before.tags.contains_key(RAN) && !before.tags.contains_key(REJECTED) {
            mark(ship, calls, target, &before, (RAN, &at)).await?;
        }
    }
    if new.tags.contains_key(RAN) {
        return Ok(());
    }
    mark(ship, calls, target, new, (RAN, &at)).await?;
    // The state has the revision's tags, too.
    remember(ship, calls, target, new.arn()).await
}

async fn mark(
    ship: &Ship<'_>,
    calls: &mut Calls,
    target: &Target,
    revision: &Revision,
    (key, value): (&str, &str),
) -> Result<(), CloudError> {
    let tag = Tag::builder().key(key).value(tag_text(value)).build();
    let request = ship
        .aws
        .ecs
        .tag_resource()
        .resource_arn(revision.arn())
        .tags(tag);
    let sent = request.send().map_err(|e| aws_error(TAG, e));
    let written = calls.call(&definition(target), TAG, sent, |_| None).await;
    calls.settled(&target.info.task_definition);
    written.map(|_| ())
}

/// After a good end: the image is marked as the running one, so that no policy expires it, and old revisions are put out of use. What
/// of this does not succeed is said, and done by the next deploy.
pub async fn settle(ship: &Ship<'_>, calls: &mut Calls, ready: &Ready, rolling: &Rolling) {
    let manifest = &ready.manifest;
    for target in &ship.targets {
        let tag = release::live_tag(&target.name);
        let put = ship
            .registry
            .put_manifest(&tag, &manifest.raw, &manifest.media_type)
            .await;
        if let Err(error) = put {
            (ship.tell)(Said::Warning(format!(
                "the running image could not be marked as such: {error}"
            )));
        }
    }
    let before = rolling.before.iter().map(Option::as_deref);
    for ((target, new), before) in ship.targets.iter().zip(&rolling.new).zip(before) {
        if let Err(error) = ran(ship, calls, target, new, before).await {
            (ship.tell)(Said::Warning(format!(
                "{} could not be marked as one to go back to: {error}",
                new.name()
            )));
        }
        if let Err(error) = tidy(ship, calls, target, new).await {
            (ship.tell)(Said::Warning(format!(
                "old revisions of {} are still in use: {error}",
                family_in(new.arn())
            )));
        }
        calls.settled(&target.info.task_definition);
    }
}

/// Puts revisions of ours beyond the last [`KEPT`] out of use.
async fn tidy(
    ship: &Ship<'_>,
    calls: &mut Calls,
    target: &Target,
    new: &Revision,
) -> Result<(), CloudError> {
    let all = revisions(&ship.aws, family_in(new.arn())).await?;
    for arn in all.iter().skip(KEPT) {
        if arn == new.arn() || *arn == target.definition {
            continue;
        }
        let old = revision::read(&ship.aws, arn).await?;
        let ours = Ownership::read(&old.tags).is_some_and(|owner| owner.is_of(calls.scope()));
        if !ours {
            continue;
        }
        let request = ship
            .aws
            .ecs
            .deregister_task_definition()
            .task_definition(arn);
        let sent = request.send().map_err(|e| aws_error(DEREGISTER, e));
        calls
            .call(&definition(target), DEREGISTER, sent, |_| None)
            .await?;
    }
    Ok(())
}
