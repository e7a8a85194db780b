//! `releases`.

use clap::Args;

use super::failure::{Exit, Failure};
use super::global::Global;
use super::ui::Ui;
use crate::deploy::release::Ran;
use crate::render::{json, releases};

/// Show what ran, when, by whom, and from which commit; the newest first
///
/// Read off AWS: the task definition's revisions, and the repository's `release-…` tags; so it works without a state. The state's
/// history adds what neither says any more.
#[derive(Args, Clone, Debug)]
pub struct ReleasesArgs {
    /// The service, as named in the stack file [default: all]
    pub service: Option<String>,

    /// As JSON
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &ReleasesArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let mut session = super::open(global, ui).await?;
    let ran: Vec<Ran> =
        crate::deploy::release::ran(session.inner(), args.service.as_deref()).await?;
    if ran.is_empty() {
        ui.say("No service of the stack is there yet: circles-infra apply makes it, circles-infra deploy ships its code.");
    }
    if args.json {
        ui.result(&json::pretty(&ran))?;
    } else {
        ui.screen(&releases::text(&ran))?;
    }
    Ok(Exit::FINE)
}
