//! Going back: what ran before is rolled out again, unless ECS does so by itself.

use super::Rolling;
use super::Ship;
use super::steps;
use crate::deploy::error::DeployError;
use crate::deploy::revision;
use crate::deploy::roll::{End, Roll};
use crate::plan::release::RELEASE;
use crate::session::Calls;

/// Why a release is given up, and how each service's roll-out had ended by then.
pub struct Trouble {
    pub why: String,
    pub ends: Vec<End>,
}

/// Whether any service's roll-out ended badly. Ends that going back would not mend are errors at once.
pub async fn trouble(
    ship: &Ship<'_>,
    rolling: &Rolling,
    rolls: &[Roll<'_>],
    ends: &[End],
) -> Result<Option<Trouble>, DeployError> {
    let name = rolling.release.as_deref().unwrap_or("the roll-out");
    for (target, end) in ship.targets.iter().zip(ends) {
        match end {
            End::Gone => return Err(steps::gone(target)),
            End::Superseded(by) => {
                return Err(DeployError::Failed {
                    what: format!(
                        "somebody else rolled {} out to {} meanwhile",
                        revision::name_in(by),
                        target.label()
                    ),
                    hints: vec!["nothing was rolled back; what ran: circles-infra releases".into()],
                });
            }
            End::Stopped(line) => {
                return Err(DeployError::Interrupted {
                    what: format!("interrupted while {name} was being rolled out: {line}"),
                    hints: vec![
                        "ECS carries it on by itself; `circles-infra deploy` goes on watching it"
                            .into(),
                        "what ran before comes back with: circles-infra rollback".into(),
                    ],
                });
            }
            _ => {}
        }
    }
    for ((target, roll), end) in ship.targets.iter().zip(rolls).zip(ends) {
        let why = match end {
            End::Failed(why) | End::TakenBack(why) => why.clone(),
            End::TimedOut(line) => format!("it was not steady in time: {line}"),
            _ => continue,
        };
        let told = match roll.reason().await {
            Some(reason) => format!("{}: {reason} ({why})", target.label()),
            None => format!("{}: {why}", target.label()),
        };
        return Ok(Some(Trouble {
            why: told,
            ends: ends.to_vec(),
        }));
    }
    Ok(None)
}

/// Rolls every service back, and comes to the error that says so.
pub async fn go_back(
    ship: &Ship<'_>,
    calls: &mut Calls,
    rolling: &Rolling,
    trouble: Trouble,
) -> Result<DeployError, DeployError> {
    let name = rolling.release.as_deref().unwrap_or("the roll-out");
    let what = format!("{name} was given up: {}", trouble.why);
    let mut hints = Vec::new();
    let mut all_back = true;
    for (i, target) in ship.targets.iter().enumerate() {
        let (new, end) = (&rolling.new[i], &trouble.ends[i]);
        steps::reject(ship, calls, target, new, &trouble.why).await;
        let Some(before) = &rolling.before[i] else {
            let breaker = ship.views[i].breaker;
            hints.push(format!(
                "{} ran nothing before, so there is nothing to go back to: {}; ship a better image with `circles-infra deploy`",
                target.label(),
                match breaker {
                    true => format!("ECS has stopped starting tasks of {}", new.name()),
                    false => format!("ECS keeps starting tasks of {}", new.name()),
                }
            ));
            continue;
        };
        let revision = revision::read(&ship.aws, before).await?;
        let called = match revision.tags.get(RELEASE) {
            Some(release) => format!("{release} ({})", revision.name()),
            None => revision.name().to_owned(),
        };
        ship.say(format!("{}: going back to {called}", target.label()));
        if matches!(end, End::TakenBack(_)) {
            // From here on what ECS went back to is looked at.
            ship.aws.deployments.forget(&target.arn);
            steps::remember(ship, calls, target, before).await?;
        } else {
            steps::roll(ship, calls, target, before).await?;
        }
        if ship.roll(target, &revision).settle().await? {
            hints.push(format!(
                "{} runs {called} again, and is steady",
                target.label()
            ));
        } else {
            all_back = false;
            hints.push(format!(
                "{} is on its way back to {called}, and was not steady in time: circles-infra status",
                target.label()
            ));
        }
    }
    Ok(if all_back {
        DeployError::RolledBack { what, hints }
    } else {
        DeployError::Failed { what, hints }
    })
}
