//! `show`.

use std::path::PathBuf;

use clap::Args;

use super::failure::{Exit, Failure};
use super::plan::{Format, print};
use super::plan_file::PlanFile;
use super::ui::Ui;

/// Show a plan file again; asks nothing of AWS
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// A file made by `plan --out`
    #[arg(value_name = "PLANFILE")]
    pub file: PathBuf,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// How to print the plan
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

pub fn run(args: &ShowArgs, ui: &mut Ui) -> Result<Exit, Failure> {
    let file = PlanFile::read(&args.file)?;
    let header = &file.plan.header;
    ui.say(&format!(
        "{}/{} · account {} · {}{}",
        header.stack,
        header.environment,
        header.account,
        header.region,
        if header.sandbox { " · SANDBOX" } else { "" }
    ));
    let format = if args.json { Format::Json } else { args.format };
    print(&file.plan, format, ui)?;
    Ok(Exit::FINE)
}
