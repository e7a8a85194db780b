//! What ran before: which of it can be gone back to, and what of it never came to run.

use super::{Ship, steps};
use crate::aws::ecs::task_definition::{family_in, revision_in, revisions};
use crate::deploy::error::DeployError;
use crate::deploy::release::{self, Release};
use crate::deploy::revision;
use crate::deploy::said::Said;
use crate::kind::CloudError;
use crate::plan::release::{RAN, REJECTED, RELEASE};
use crate::session::{Calls, Target};

/// Revisions above the running one that are looked at for what did not come to run.
const ABOVE: usize = 5;

/// The release to go back to: the last before the running one that is known to have run well. Only where none is, one of which that is
/// not known, which is said.
pub async fn before(ship: &Ship<'_>, target: &Target) -> Result<Release, DeployError> {
    let running = ship.revisions[0].image(&target.info.container);
    let all = release::list(&ship.aws, target).await?;
    for one in candidates(&all, &target.definition, running) {
        // What no image is left of cannot run.
        if ship.registry.manifest(&what(one)).await?.is_none() {
            continue;
        }
        if one.ran.is_none() {
            (ship.tell)(Said::Warning(format!(
                "{} is not known to have run well; nothing else is there to go back to",
                one.name.as_deref().unwrap_or(&one.revision)
            )));
        }
        return Ok(one.clone());
    }
    Err(DeployError::refused(
        format!("nothing ran before what {} runs now", target.label()),
        "name a release: circles-infra rollback --to RELEASE; what there is: circles-infra releases",
    ))
}

/// Those before the running revision, the best first.
fn candidates<'a>(all: &'a [Release], here: &str, running: Option<&str>) -> Vec<&'a Release> {
    let mut before: Vec<&Release> = all
        .iter()
        .filter(|one| revision_in(&one.revision) < revision_in(here))
        .filter(|one| one.rejected.is_none() && Some(one.image.as_str()) != running)
        .collect();
    before.sort_by_key(|one| {
        (
            one.ran.is_none(),
            std::cmp::Reverse(revision_in(&one.revision)),
        )
    });
    before
}

/// The image's digest, or its tag where it ran by that.
pub fn what(release: &Release) -> String {
    match release.image.split_once('@') {
        Some((_, digest)) => digest.to_owned(),
        None => release
            .image
            .rsplit_once(':')
            .map_or("latest", |(_, tag)| tag)
            .to_owned(),
    }
}

/// Marks what ECS went back from while nobody watched, so that nobody goes back to it. Only a remark: what of this does not succeed is
/// said.
pub async fn give_up(ship: &Ship<'_>, calls: &mut Calls, name: &str) {
    for i in 0..ship.targets.len() {
        if let Err(error) = give_up_one(ship, calls, i, name).await {
            (ship.tell)(Said::Warning(format!(
                "what {} went back from was not looked at: {error}",
                ship.targets[i].label()
            )));
        }
    }
}

async fn give_up_one(
    ship: &Ship<'_>,
    calls: &mut Calls,
    i: usize,
    name: &str,
) -> Result<(), CloudError> {
    let (target, view) = (&ship.targets[i], &ship.views[i]);
    let Some((why, at)) = view.went_back() else {
        return Ok(());
    };
    let all = revisions(&ship.aws, family_in(&target.definition)).await?;
    let here = revision_in(&target.definition);
    let above = all.iter().take_while(|arn| revision_in(arn) > here);
    for arn in above.take(ABOVE) {
        let found = revision::read(&ship.aws, arn).await?;
        let Some(release) = found.tags.get(RELEASE) else {
            continue;
        };
        // What was registered since cannot be what failed.
        if found.registered_at() > at || found.tags.contains_key(RAN) || release == name {
            continue;
        }
        if !found.tags.contains_key(REJECTED) {
            ship.say(format!(
                "{release} ({}) did not come to run, and ECS went back from it: marked as given up",
                found.name()
            ));
            steps::reject(ship, calls, target, &found, why).await;
        }
        break;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(number: u32, ran: bool, rejected: bool) -> Release {
        Release {
            revision: format!("app:{number}"),
            image: format!("1.dkr.ecr.r.amazonaws.com/app@sha256:{number}"),
            ran: ran.then(|| "2026-01-31T12:00:00Z".into()),
            rejected: rejected.then(|| "exit code 1".into()),
            ..Release::default()
        }
    }

    #[test]
    fn what_is_known_to_have_run_comes_before_what_was_only_registered() {
        let all = [
            one(9, true, false),
            one(8, true, false),
            one(7, false, false),
            one(6, true, true),
            one(5, true, false),
            one(4, false, false),
        ];
        let numbers = |running: Option<&str>| -> Vec<i64> {
            candidates(&all, "arn:aws:ecs:r:1:task-definition/app:8", running)
                .iter()
                .map(|one| revision_in(&one.revision))
                .collect()
        };
        assert_eq!(numbers(Some(&all[1].image)), [5, 7, 4]);
        // The same image under another number is nothing to go back to.
        assert_eq!(numbers(Some(&all[4].image)), [7, 4]);
        assert_eq!(what(&all[0]), "sha256:9");
        let tagged = Release {
            image: "1.dkr.ecr.r.amazonaws.com/app:v1".into(),
            ..Release::default()
        };
        assert_eq!(what(&tagged), "v1");
    }
}
