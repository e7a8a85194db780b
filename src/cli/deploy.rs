//! `deploy`, and what its sisters `rollback` and `redeploy` share with it.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;

use super::failure::{Exit, Failure, FailureKind};
use super::global::Global;
use super::session::Session;
use super::ui::Ui;
use crate::deploy::{self, DeployError, Order, Outcome, What};
use crate::render::json;

pub mod told;

use told::Teller;

/// Ship code: push the image, release it, roll the service to it
///
/// The image is an archive (OCI, or `docker save`), a tag or digest that is in the repository, or with --build what the stack file's
/// `build` says; without any of these, what an interrupted deploy was about, or else the image that the stack file names. It is refused
/// when it cannot run on the service's architecture. Layers that are there are not sent again.
///
/// The image gets an immutable `release-…` tag, the service a revision pinned by digest that differs from the running one in the image
/// alone. It ends when all tasks run it and are healthy, and the load balancer answers well where it can be reached from here; or it
/// rolls back, says why, and exits with 69. Interrupt it at any time: ECS carries a roll-out on by itself, and the next deploy says
/// where it stands and goes on.
///
/// From the first release on the stack file's image no longer counts: `plan` and `apply` keep what was released.
#[derive(Args, Clone, Debug)]
pub struct DeployArgs {
    /// The service, as named in the stack file [default: all that share the image]
    pub service: Option<String>,

    /// A tag or digest in the repository, or the path of an archive
    #[arg(long, value_name = "TAG|DIGEST|ARCHIVE", conflicts_with = "build")]
    pub image: Option<String>,

    /// Build it with Docker, as the stack file's `build` says
    #[arg(long)]
    pub build: bool,

    /// Run the stack file's `migrate` as a task of its own before; when it fails the service is not touched
    #[arg(long)]
    pub migrate: bool,

    #[command(flatten)]
    pub waiting: Waiting,
}

/// How long a roll-out is watched.
#[derive(Args, Clone, Debug)]
pub struct Waiting {
    /// Do not watch the roll-out; nothing is rolled back then
    #[arg(long)]
    pub no_wait: bool,

    /// How long tasks may take to become steady before they are given up
    #[arg(long, value_name = "TIME", default_value = "20m", value_parser = time)]
    pub timeout: Duration,

    /// The outcome as JSON
    #[arg(long)]
    pub json: bool,
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is written like 30s, 5m or 1h".to_owned();
    let parsed: SignedDuration = text.trim().parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).map_err(|_| wrong())
}

pub async fn run(args: &DeployArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let what = match (&args.image, args.build) {
        (Some(image), _) => What::Image(image.clone()),
        (None, true) => What::Build,
        (None, false) => What::Stack,
    };
    let order = Order {
        service: args.service.clone(),
        what,
        migrate: args.migrate,
        wait: !args.waiting.no_wait,
        patience: args.waiting.timeout,
    };
    ship(&order, "deploy", args.waiting.json, global, ui).await
}

/// Carries out an order, telling what happens on standard error.
pub async fn ship(
    order: &Order,
    doing: &str,
    as_json: bool,
    global: &Global,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let mut session = super::open(global, ui).await?;
    super::lock(&mut session, doing, global, ui).await?;
    let teller = Teller::new(ui);
    let outcome = session
        .ship(order, doing == "redeploy", &|said| teller.tell(said))
        .await;
    teller.end();
    let outcome = outcome?;
    if as_json {
        ui.result(&json::pretty(&outcome))?;
    } else {
        ui.say(&closing(&outcome));
    }
    Ok(Exit::FINE)
}

fn closing(outcome: &Outcome) -> String {
    let name = outcome.release.as_deref().unwrap_or("the image");
    let services: Vec<String> = outcome
        .services
        .iter()
        .map(|one| format!("{} ({})", one.service, one.revision))
        .collect();
    match (outcome.changed, outcome.steady) {
        (false, _) => format!("{name} runs: {}", services.join(", ")),
        (true, true) => format!("{name} runs, steady and healthy: {}", services.join(", ")),
        (true, false) => format!("{name} is being rolled out: {}", services.join(", ")),
    }
}

impl Session {
    /// A deploy, rollback or redeploy.
    async fn ship(
        &mut self,
        order: &Order,
        again: bool,
        tell: deploy::Tell<'_>,
    ) -> Result<Outcome, Failure> {
        let stop = super::signals::ladder();
        let inner = self.inner();
        let outcome = if again {
            deploy::redeploy(inner, order, stop, tell).await
        } else {
            deploy::deploy(inner, order, stop, tell).await
        };
        Ok(outcome?)
    }
}

impl From<DeployError> for Failure {
    fn from(error: DeployError) -> Self {
        let kind = match &error {
            DeployError::Cloud(_) | DeployError::Session(_) => None,
            DeployError::Image(_) | DeployError::Refused { .. } => Some(FailureKind::Refused),
            DeployError::Registry { .. } | DeployError::Failed { .. } => Some(FailureKind::Cloud),
            DeployError::Build { .. } => Some(FailureKind::Local),
            DeployError::RolledBack { .. } => Some(FailureKind::RolledBack),
            DeployError::Interrupted { .. } => Some(FailureKind::Interrupted),
        };
        let message = error.to_string();
        let hints = match error {
            DeployError::Cloud(inner) => return inner.into(),
            DeployError::Session(inner) => return inner.into(),
            DeployError::Image(inner) => inner.hints(),
            DeployError::Registry { hints, .. }
            | DeployError::Build { hints, .. }
            | DeployError::Refused { hints, .. }
            | DeployError::RolledBack { hints, .. }
            | DeployError::Failed { hints, .. }
            | DeployError::Interrupted { hints, .. } => hints,
        };
        hints.into_iter().fold(
            Self::new(kind.unwrap_or(FailureKind::Cloud), message),
            Self::hint,
        )
    }
}
