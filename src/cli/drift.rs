//! `drift`.

use clap::Args;

use super::failure::{Exit, Failure};
use super::global::Global;
use super::ui::Ui;
use crate::render::drift::{Drift, drift_text};
use crate::render::json;

/// Show what was changed outside: altered, gone, broken, or carrying this stack's tags and in no stack
///
/// What belongs to a resource alone and the stack leaves unset (a bucket's policy, lifecycle and CORS rules, a repository's policy, a role's
/// policies and boundary, a group's rules, a table's routes) is meant to be none: somebody else's is drift, and the next apply takes it
/// away, unless the stack says `ignore: [field]`. What AWS fills in, and resources of their own that others put beside this stack's (a
/// listener, a rule of a listener), are left alone.
#[derive(Args, Clone, Debug)]
pub struct DriftArgs {
    /// As JSON
    #[arg(long)]
    pub json: bool,

    /// Exit with 2 when there is drift, 0 when there is none
    #[arg(long)]
    pub detailed_exitcode: bool,
}

pub async fn run(args: &DriftArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let session = super::open(global, ui).await?;
    let plan = session.drift().await?;
    let drift = Drift::of(&plan);
    if args.json {
        ui.result(&json::pretty(&drift))?;
    } else {
        ui.screen(&drift_text(&plan, &drift, ui.out_palette))?;
    }
    Ok(if args.detailed_exitcode && !drift.is_empty() {
        Exit::CHANGES
    } else {
        Exit::FINE
    })
}
