//! `permissions`.

use clap::Args;

use super::failure::{Exit, Failure};
use super::global::Global;
use super::offline;
use super::ui::Ui;
use crate::render::json;
use crate::render::policy::policy;

/// Print the IAM policy that running this stack takes, and nothing more; asks nothing of AWS
#[derive(Args, Clone, Debug)]
pub struct PermissionsArgs {
    /// Just what `plan`, `drift` and `outputs` take
    #[arg(long)]
    pub read_only: bool,
}

pub fn run(args: &PermissionsArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let actions =
        offline::check(global, ui.err_palette)?.actions(&offline::tables(), args.read_only);
    ui.result(&json::pretty(&policy(&actions)))?;
    Ok(Exit::FINE)
}
