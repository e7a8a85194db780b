//! A deploy from beginning to end: which services, which image, the release's tag, a revision, the roll-out, and back again if it fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::build;
use super::error::DeployError;
use super::image::{Fit, Platform, short};
use super::packing::Memory;
use super::registry::Registry;
use super::revision::{self, Revision};
use super::roll::{Pace, Roll};
use super::said::{Said, Tell};
use super::source::{self, Ready, Source, Wants};
use super::watch::{self, View};
use crate::aws::Aws;
use crate::engine::Stop;
use crate::plan::release::{OUTSIDE, RELEASE};
use crate::session::{Session, Target};

pub(super) mod back;
mod carry_out;
mod commit;
mod past;
mod pick;
pub(super) mod steps;

pub use carry_out::Outcome;

/// What was asked for on the command line.
#[derive(Clone, Debug)]
pub struct Order {
    /// `None`: all that share the image.
    pub service: Option<String>,
    pub what: What,
    pub migrate: bool,
    pub wait: bool,
    pub patience: Duration,
}

/// Which image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// What was under way when the last deploy was interrupted, or else the image that the stack file names.
    Stack,
    Build,
    /// `--image`.
    Image(String),
    /// The release before, or the named one.
    Back(Option<String>),
}

/// All that one deploy works with.
pub(super) struct Ship<'a> {
    pub aws: Arc<Aws>,
    pub targets: Vec<Target>,
    pub views: Vec<View>,
    /// What each service runs, or is being rolled to.
    pub revisions: Vec<Revision>,
    pub registry: Registry,
    pub order: &'a Order,
    pub pace: Pace,
    pub stop: Stop,
    pub tell: Tell<'a>,
}

/// What is rolled out, and what stood before.
pub(super) struct Rolling {
    pub release: Option<String>,
    pub new: Vec<Revision>,
    pub before: Vec<Option<String>>,
}

/// Ships an image to services.
///
/// # Errors
/// [`DeployError`]: each says what is the matter, what became of the services, and what to do.
pub async fn deploy(
    session: &mut Session,
    order: &Order,
    stop: Stop,
    tell: Tell<'_>,
) -> Result<Outcome, DeployError> {
    let interrupted = session.interrupted().await?;
    let ship = Ship::open(session, order, stop, tell).await?;
    ship.stopped()?;
    ship.can_migrate()?;
    let memory = Memory::of_user(&session.request().process);
    let beside = session
        .request()
        .stack_file
        .parent()
        .map_or(PathBuf::new(), |folder| folder.to_path_buf());
    let first = &ship.targets[0];
    let platform = Platform::of_architecture(&first.info.architecture);
    let wants = Wants {
        fit: Fit {
            service: first.label().to_owned(),
            build: build::line(first.info.build.as_ref(), &platform, &beside),
            platform,
        },
        build: first.info.build.as_ref(),
        beside: &beside,
        memory: &memory,
    };
    let (source, name) = ship.source(interrupted.as_deref()).await?;
    let resumed = interrupted.is_some() && name == interrupted;
    let ready = source::ready(&source, &ship.registry, &wants, tell).await?;
    ship.stopped()?;
    carry_out::carry_out(ship, session, ready, name, resumed).await
}

impl<'a> Ship<'a> {
    pub(super) async fn open(
        session: &mut Session,
        order: &'a Order,
        stop: Stop,
        tell: Tell<'a>,
    ) -> Result<Self, DeployError> {
        let targets = pick::targets(session, order.service.as_deref()).await?;
        let aws = session.aws.clone();
        let views =
            futures::future::try_join_all(targets.iter().map(|target| watch::look(&aws, target)));
        let revisions = futures::future::try_join_all(
            targets
                .iter()
                .map(|target| revision::read(&aws, &target.definition)),
        );
        let (views, revisions) = tokio::try_join!(views, revisions)?;
        let registry = Registry::open(aws.clone(), &targets[0].repository).await?;
        Ok(Self {
            pace: Pace::of(session, order.patience),
            aws,
            targets,
            views,
            revisions,
            registry,
            order,
            stop,
            tell,
        })
    }

    pub(super) fn say(&self, text: impl Into<String>) {
        (self.tell)(Said::Text(text.into()));
    }

    fn stopped(&self) -> Result<(), DeployError> {
        if self.stop.level() == 0 {
            return Ok(());
        }
        Err(DeployError::Interrupted {
            what: "interrupted before anything was rolled out".into(),
            hints: vec!["what has been sent is not sent again by the next deploy".into()],
        })
    }

    /// `--migrate` without anything that says how would start the service itself once more.
    fn can_migrate(&self) -> Result<(), DeployError> {
        let able = self.targets.iter().any(|t| !t.info.migrate.is_empty());
        if !self.order.migrate || able {
            return Ok(());
        }
        Err(DeployError::refused(
            format!(
                "the stack file does not say what migrates {}",
                self.targets[0].label()
            ),
            "give it `migrate: [PROGRAM, ARGUMENT]`",
        ))
    }

    /// The whole name of an image, by digest.
    fn pinned(&self, digest: &str) -> String {
        format!("{}@{digest}", self.targets[0].url)
    }

    /// Where the image comes from, and the release's name where it has one already.
    async fn source(
        &self,
        interrupted: Option<&str>,
    ) -> Result<(Source, Option<String>), DeployError> {
        match &self.order.what {
            What::Build => Ok((Source::Build, None)),
            What::Image(text) => Ok((Source::read(text, &self.targets[0].url), None)),
            What::Back(to) => self.back(to.as_deref()).await,
            What::Stack => {
                if let Some(going_on) = self.under_way(interrupted).await? {
                    return Ok(going_on);
                }
                let image = &self.targets[0].stack_image;
                self.say(format!(
                    "no image given: {image}, which the stack file names"
                ));
                Ok((Source::read(image, &self.targets[0].url), None))
            }
        }
    }

    /// What an earlier deploy has left under way: a roll-out that ECS carries on by itself, or a release that did not get so far.
    async fn under_way(
        &self,
        interrupted: Option<&str>,
    ) -> Result<Option<(Source, Option<String>)>, DeployError> {
        for ((target, view), revision) in self.targets.iter().zip(&self.views).zip(&self.revisions)
        {
            let Some(name) = revision.tags.get(RELEASE).filter(|name| *name != OUTSIDE) else {
                continue;
            };
            let digest = revision
                .image(&target.info.container)
                .and_then(|image| image.split_once('@'));
            if let Some((_, digest)) = digest
                && view.is_rolling()
            {
                self.say(format!(
                    "{name} is being rolled out: {}; going on with it",
                    view.line(revision.arn())
                ));
                return Ok(Some((Source::There(digest.to_owned()), Some(name.clone()))));
            }
        }
        let Some(name) = interrupted else {
            return Ok(None);
        };
        if self.registry.manifest(name).await?.is_none() {
            return Ok(None);
        }
        self.say(format!(
            "the deploy of {name} was interrupted; going on with it"
        ));
        Ok(Some((
            Source::There(name.to_owned()),
            Some(name.to_owned()),
        )))
    }

    /// The release to go back to: the named one, or that which ran before.
    async fn back(&self, to: Option<&str>) -> Result<(Source, Option<String>), DeployError> {
        let target = &self.targets[0];
        if let Some(name) = to {
            if self.registry.manifest(name).await?.is_none() {
                return Err(DeployError::refused(
                    format!("{} has no release {name}", target.repository),
                    "what there is: circles-infra releases",
                ));
            }
            return Ok((Source::There(name.to_owned()), Some(name.to_owned())));
        }
        let before = past::before(self, target).await?;
        let what = past::what(&before);
        if !before.image.contains('@') {
            (self.tell)(Said::Warning(format!(
                "{} ran the tag {what}, not a digest: it is what the tag means now",
                before.revision
            )));
        }
        let name = before.name.clone().filter(|name| name != OUTSIDE);
        self.say(format!(
            "going back to {} (image {})",
            name.as_deref().unwrap_or(&before.revision),
            short(&what)
        ));
        Ok((Source::There(what), name))
    }

    pub(super) fn roll<'b>(&'b self, target: &'b Target, wanted: &'b Revision) -> Roll<'b> {
        Roll {
            aws: &self.aws,
            target,
            wanted,
            pace: self.pace,
            stop: &self.stop,
            tell: self.tell,
            several: self.targets.len() > 1,
        }
    }

    /// What runs, as if it were being rolled out.
    pub(super) fn as_is(&self) -> Rolling {
        Rolling {
            release: self.revisions[0].tags.get(RELEASE).cloned(),
            new: self.revisions.clone(),
            before: vec![None; self.revisions.len()],
        }
    }

    /// Whether every service runs this image, or is being rolled to it.
    fn has(&self, ready: &Ready) -> bool {
        let image = self.pinned(&ready.manifest.digest);
        self.targets
            .iter()
            .zip(&self.revisions)
            .all(|(target, revision)| revision.image(&target.info.container) == Some(&image))
    }
}
