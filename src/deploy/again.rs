//! `redeploy`: the same revision once more, so that tasks start anew, with the secrets and the image as they are now.

use futures::future::try_join_all;

use super::error::DeployError;
use super::image::short;
use super::registry::Registry;
use super::roll::End;
use super::run::{Order, Outcome, Ship, back, steps};
use super::said::{Said, Tell};
use crate::engine::Stop;
use crate::plan::release::{OUTSIDE, RELEASE, SOURCE};
use crate::session::Session;

/// Starts every task of the services anew.
///
/// # Errors
/// As [`super::deploy`]'s.
pub async fn redeploy(
    session: &mut Session,
    order: &Order,
    stop: Stop,
    tell: Tell<'_>,
) -> Result<Outcome, DeployError> {
    let ship = Ship::open(session, order, stop, tell).await?;
    moved_on(&ship).await?;
    let mut calls = session.begin("redeploy").await?;
    let result = async {
        for (target, revision) in ship.targets.iter().zip(&ship.revisions) {
            steps::update(&ship, &mut calls, target, revision.arn(), true).await?;
            steps::remember(&ship, &mut calls, target, revision.arn()).await?;
            ship.say(format!(
                "{}: new tasks of {}",
                target.label(),
                revision.name()
            ));
        }
        if !order.wait {
            return Ok(());
        }
        let rolls: Vec<_> = ship
            .targets
            .iter()
            .zip(&ship.revisions)
            .map(|(target, revision)| ship.roll(target, revision))
            .collect();
        let ends = try_join_all(rolls.iter().map(super::roll::Roll::watch)).await?;
        ended(&ship, &rolls, &ends).await
    }
    .await;
    let closed = calls.close().await;
    result?;
    closed?;
    Ok(ship.unchanged())
}

async fn ended(
    ship: &Ship<'_>,
    rolls: &[super::roll::Roll<'_>],
    ends: &[End],
) -> Result<(), DeployError> {
    let rolling = ship.as_is();
    match back::trouble(ship, &rolling, rolls, ends).await? {
        None => Ok(()),
        Some(trouble) => Err(DeployError::RolledBack {
            what: format!("the new tasks did not come to run: {}", trouble.why),
            hints: vec![
                "ECS keeps the old ones as long as it can; what ran before: circles-infra rollback"
                    .into(),
            ],
        }),
    }
}

/// Says so when the tag that the running image was released from, or runs by, means another image now.
async fn moved_on(ship: &Ship<'_>) -> Result<(), DeployError> {
    for (target, revision) in ship.targets.iter().zip(&ship.revisions) {
        let image = revision.image(&target.info.container).unwrap_or_default();
        let (running, tag) = match image.split_once('@') {
            Some((_, digest)) => (Some(digest), revision.tags.get(SOURCE).cloned()),
            None => (None, image.rsplit_once(':').map(|(_, tag)| tag.to_owned())),
        };
        let Some(tag) = tag.filter(|tag| !tag.contains(['/', ' ']) && !tag.starts_with("sha256:"))
        else {
            continue;
        };
        let Some(now) = digest(&ship.registry, &tag, target.info.architecture.as_str()).await?
        else {
            continue;
        };
        let text = match running {
            Some(running) if running == now => continue,
            Some(running) => format!(
                "{tag} has moved on to image {} since {} was released from it; the new tasks run {} as the old ones did. Ship it with: circles-infra deploy {} --image {tag}",
                short(&now),
                revision.tags.get(RELEASE).map_or(OUTSIDE, String::as_str),
                short(running),
                target.label()
            ),
            None => format!(
                "{} runs by the tag {tag}, not by a digest: the new tasks run what it means now, image {}",
                target.label(),
                short(&now)
            ),
        };
        (ship.tell)(Said::Warning(text));
    }
    Ok(())
}

/// The image that a tag means for that architecture.
async fn digest(
    registry: &Registry,
    tag: &str,
    architecture: &str,
) -> Result<Option<String>, DeployError> {
    use super::image::{Document, Platform, choose, document};
    let Some(raw) = registry.manifest(tag).await? else {
        return Ok(None);
    };
    Ok(match document(raw, tag, None)? {
        Document::Image(manifest) => Some(manifest.digest),
        Document::Index(entries) => {
            let platform = Platform::of_architecture(architecture);
            choose(&entries, &platform).map(|entry| entry.digest.clone())
        }
    })
}
