//! The part of a deploy that changes something: tag, revision, migration, roll-out.

use futures::future::try_join_all;
use serde::Serialize;

use super::back::{self, Trouble};
use super::commit::commit;
use super::{Rolling, Ship, What, past, steps};
use crate::deploy::error::DeployError;
use crate::deploy::image::short;
use crate::deploy::migrate;
use crate::deploy::one_off::OneOff;
use crate::deploy::probe::{self, Answered};
use crate::deploy::release;
use crate::deploy::revision::{self, Revision};
use crate::deploy::roll::{self, End, Roll};
use crate::deploy::said::Said;
use crate::deploy::source::Ready;
use crate::model::Ownership;
use crate::plan::release::{OUTSIDE, RELEASE};
use crate::session::{Calls, Session};

/// How long the load balancer is asked before it counts as not answering well.
const ANSWER_PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What a deploy came to.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub release: Option<String>,
    /// `sha256:…`
    pub image: String,
    /// False: every service ran it already.
    pub changed: bool,
    /// Whether the roll-out was watched to its end.
    pub steady: bool,
    pub services: Vec<Shipped>,
}

/// One service of it.
#[derive(Clone, Debug, Serialize)]
pub struct Shipped {
    pub service: String,
    /// `family:7`
    pub revision: String,
    pub before: String,
    /// What the load balancer said, or why it was not asked.
    pub answered: Option<String>,
}

pub(super) async fn carry_out(
    ship: Ship<'_>,
    session: &mut Session,
    ready: Ready,
    name: Option<String>,
    resumed: bool,
) -> Result<Outcome, DeployError> {
    let running = ship.revisions[0].tags.get(RELEASE).cloned();
    if ship.has(&ready) {
        let rolling = ship.views.iter().any(|view| view.is_rolling());
        // An interrupted deploy whose roll-out has ended meanwhile still lacks its last steps.
        if !rolling && !resumed {
            return Ok(already(&ship, &ready, running));
        }
        return go_on(&ship, session, &ready, running).await;
    }
    let commit = commit(&ship, session, &ready).await;
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let fresh = name.is_none();
    let name = name.unwrap_or_else(|| {
        release::name(&now.to_string(), commit.as_deref(), &ready.manifest.digest)
    });
    let doing = match ship.order.what {
        What::Back(_) => format!("rollback {name}"),
        _ => format!("deploy {name}"),
    };
    let mut calls = session.begin(&doing).await?;
    past::give_up(&ship, &mut calls, &name).await;
    if fresh {
        let manifest = &ready.manifest;
        ship.registry
            .put_manifest(&name, &manifest.raw, &manifest.media_type)
            .await?;
    }
    let said = release::Said {
        name: &name,
        source: &ready.source,
        commit: commit.as_deref(),
        stack_image: &ship.targets[0].stack_image,
        info: &calls.info.clone(),
    };
    let result = roll_out(&ship, &mut calls, &ready, &said).await;
    // What was done is in the state also when it ended badly.
    let closed = calls.close().await;
    let outcome = result?;
    closed?;
    Ok(outcome)
}

impl Ship<'_> {
    /// The same image with new tasks.
    pub(in crate::deploy) fn unchanged(&self) -> Outcome {
        let image = self.revisions[0].image(&self.targets[0].info.container);
        Outcome {
            release: self.revisions[0].tags.get(RELEASE).cloned(),
            image: image.unwrap_or_default().to_owned(),
            changed: true,
            steady: self.order.wait,
            services: shipped(self, &self.revisions, Vec::new()),
        }
    }
}

fn already(ship: &Ship<'_>, ready: &Ready, running: Option<String>) -> Outcome {
    let image = short(&ready.manifest.digest);
    let ours = |one: &Revision| Ownership::read(&one.tags).is_some();
    let what = match &running {
        Some(name) if name != OUTSIDE => format!("{name} (image {image}) runs already"),
        None if ship.revisions.iter().all(ours) => {
            format!("the stack file's image ({image}) runs already")
        }
        _ => {
            let names: Vec<&str> = ship.revisions.iter().map(Revision::name).collect();
            format!(
                "image {image} runs already, as {}: registered outside, it counts as a release of its own",
                names.join(", ")
            )
        }
    };
    ship.say(format!("nothing to do: {what}"));
    Outcome {
        changed: false,
        steady: true,
        services: shipped(ship, &ship.revisions, Vec::new()),
        image: ready.manifest.digest.clone(),
        release: running,
    }
}

/// The image is being rolled out already, by an earlier deploy that did not see its end: watch it.
async fn go_on(
    ship: &Ship<'_>,
    session: &mut Session,
    ready: &Ready,
    running: Option<String>,
) -> Result<Outcome, DeployError> {
    let name = running.clone().unwrap_or_else(|| "a roll-out".into());
    let rolling = Rolling {
        before: ship
            .views
            .iter()
            .zip(&ship.revisions)
            .map(|(view, new)| roll::before(view, new.arn()))
            .collect(),
        new: ship.revisions.clone(),
        release: running,
    };
    let mut calls = session.begin(&format!("deploy {name}")).await?;
    let result = async {
        for ((target, new), view) in ship.targets.iter().zip(&rolling.new).zip(&ship.views) {
            // An earlier process began what is primary now.
            if view.primary().is_some_and(|primary| !primary.is_rollback()) {
                let deployments = &ship.aws.deployments;
                deployments.note(&target.arn, &[], &view.deployments);
            }
            steps::remember(ship, &mut calls, target, new.arn()).await?;
        }
        finish(ship, &mut calls, ready, &rolling).await
    }
    .await;
    let closed = calls.close().await;
    let outcome = result?;
    closed?;
    Ok(outcome)
}

async fn roll_out(
    ship: &Ship<'_>,
    calls: &mut Calls,
    ready: &Ready,
    said: &release::Said<'_>,
) -> Result<Outcome, DeployError> {
    let image = ship.pinned(&ready.manifest.digest);
    ship.say(format!(
        "release {} is image {}",
        said.name,
        short(&ready.manifest.digest)
    ));
    let mut new = Vec::new();
    for (target, from) in ship.targets.iter().zip(&ship.revisions) {
        new.push(steps::register(ship, calls, target, from, &image, said).await?);
    }
    if ship.order.migrate {
        migrate(ship, calls, ready, &new).await?;
    }
    if ship.stop.level() > 0 {
        return Err(DeployError::Interrupted {
            what: "interrupted before the service was touched".into(),
            hints: vec![format!(
                "`circles-infra deploy --image {}` goes on",
                said.name
            )],
        });
    }
    let before = ship
        .views
        .iter()
        .zip(&new)
        .map(|(view, new)| roll::before(view, new.arn()))
        .collect();
    for (target, new) in ship.targets.iter().zip(&new) {
        steps::roll(ship, calls, target, new.arn()).await?;
        ship.say(format!(
            "{}: {} takes the place of {}",
            target.label(),
            new.name(),
            revision::name_in(&target.definition)
        ));
    }
    let rolling = Rolling {
        release: Some(said.name.to_owned()),
        new,
        before,
    };
    if !ship.order.wait {
        ship.say(
            "the roll-out goes on by itself in ECS; `circles-infra deploy` looks how it stands",
        );
        return Ok(outcome(ship, ready, &rolling, false, Vec::new()));
    }
    finish(ship, calls, ready, &rolling).await
}

async fn migrate(
    ship: &Ship<'_>,
    calls: &mut Calls,
    ready: &Ready,
    new: &[Revision],
) -> Result<(), DeployError> {
    // Refused before, when none says how.
    let able = ship.targets.iter().position(|t| !t.info.migrate.is_empty());
    let (target, new) = able.map_or((&ship.targets[0], &new[0]), |at| {
        (&ship.targets[at], &new[at])
    });
    let migration = OneOff {
        aws: &ship.aws,
        target,
        revision: new,
        pace: ship.pace,
        stop: &ship.stop,
        tell: ship.tell,
        what: "migration",
        left: "the service was not touched: it runs what it ran",
    };
    let command = migrate::command(
        &target.info.migrate,
        new,
        &target.info.container,
        &ready.config,
    );
    ship.say(format!(
        "migrating: a task of {} runs `{}`",
        new.name(),
        command.join(" ")
    ));
    let done = migration
        .run(calls, &steps::definition(target), Some(command))
        .await;
    match &done {
        Ok(()) => ship.say("migrated"),
        Err(DeployError::Failed { what, .. }) => {
            steps::reject(ship, calls, target, new, what).await
        }
        Err(_) => {}
    }
    done
}

/// Watches every service to its end, asks the load balancer, and goes back when something is wrong.
async fn finish(
    ship: &Ship<'_>,
    calls: &mut Calls,
    ready: &Ready,
    rolling: &Rolling,
) -> Result<Outcome, DeployError> {
    let rolls: Vec<Roll<'_>> = ship
        .targets
        .iter()
        .zip(&rolling.new)
        .map(|(target, new)| ship.roll(target, new))
        .collect();
    let ends = try_join_all(rolls.iter().map(Roll::watch)).await?;
    let trouble = back::trouble(ship, rolling, &rolls, &ends).await?;
    let trouble = match trouble {
        Some(trouble) => Some(trouble),
        None => {
            let answers = answers(ship).await?;
            match badly(ship, &answers) {
                Some(why) => Some(Trouble {
                    why,
                    ends: vec![End::Failed("the load balancer".into()); ends.len()],
                }),
                None => {
                    steps::settle(ship, calls, ready, rolling).await;
                    let said = answers
                        .iter()
                        .map(|answered| Some(answered.words()))
                        .collect();
                    return Ok(outcome(ship, ready, rolling, true, said));
                }
            }
        }
    };
    match trouble {
        Some(trouble) => Err(back::go_back(ship, calls, rolling, trouble).await?),
        None => Ok(outcome(ship, ready, rolling, true, Vec::new())),
    }
}

async fn answers(ship: &Ship<'_>) -> Result<Vec<Answered>, DeployError> {
    let patience = ANSWER_PATIENCE.min(ship.pace.patience);
    let all = ship
        .targets
        .iter()
        .map(|target| probe::probe(&ship.aws, target, patience));
    Ok(try_join_all(all).await?)
}

fn badly(ship: &Ship<'_>, answers: &[Answered]) -> Option<String> {
    for (target, answered) in ship.targets.iter().zip(answers) {
        match answered {
            Answered::Badly { url, what } => {
                return Some(format!(
                    "{}: its tasks are healthy, but the load balancer answers {what} at {url}",
                    target.label()
                ));
            }
            Answered::Well { .. } => ship.say(answered.words()),
            Answered::NotReached(_) | Answered::Unclear { .. } => {
                (ship.tell)(Said::Warning(answered.words()))
            }
            Answered::NoBalancer => {}
        }
    }
    None
}

fn outcome(
    ship: &Ship<'_>,
    ready: &Ready,
    rolling: &Rolling,
    steady: bool,
    answered: Vec<Option<String>>,
) -> Outcome {
    Outcome {
        release: rolling.release.clone(),
        image: ready.manifest.digest.clone(),
        changed: true,
        steady,
        services: shipped(ship, &rolling.new, answered),
    }
}

fn shipped(ship: &Ship<'_>, new: &[Revision], answered: Vec<Option<String>>) -> Vec<Shipped> {
    let mut answered = answered.into_iter();
    ship.targets
        .iter()
        .zip(new)
        .map(|(target, new)| Shipped {
            service: target.label().to_owned(),
            revision: new.name().to_owned(),
            before: revision::name_in(&target.definition).to_owned(),
            answered: answered.next().flatten(),
        })
        .collect()
}
