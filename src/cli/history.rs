//! `history`.

use clap::Args;

use super::failure::{Exit, Failure};
use super::global::Global;
use super::ui::Ui;
use crate::model::Address;
use crate::render::{history, json};

/// Show what ran, when, and by whom; newest first
#[derive(Args, Clone, Debug)]
pub struct HistoryArgs {
    /// Only runs that changed something at or below this address, and what they did there
    pub address: Option<Address>,

    /// As JSON
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &HistoryArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let mut session = super::open(global, ui).await?;
    let runs = session.history(args.address.as_ref()).await?;
    let text = if args.json {
        json::pretty(&runs)
    } else {
        history::text(&runs, args.address.as_ref())
    };
    ui.result(&text)?;
    Ok(Exit::FINE)
}
