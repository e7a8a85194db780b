//! `plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ask::Selection;
use super::failure::{Exit, Failure};
use super::global::Global;
use super::invocation::quoted;
use super::plan_file::PlanFile;
use super::ui::Ui;
use crate::plan::Plan;
use crate::render::{json, markdown, plan_text, plan_words};

/// Show what an apply would do; writes nothing to AWS or the state
///
/// Reads the stack file and everything of this stack that is in AWS, and shows what is not as the file says: per resource what
/// changes from what to what, why it has to be replaced and what is down meanwhile. What somebody changed outside is marked as such.
/// Secrets are shown as `(secret)`, what AWS will only say later as `(known after apply)`.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// Keep the plan in a file, for `apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Plan to delete everything
    #[arg(long)]
    pub destroy: bool,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// How to print the plan: for people, for programs, or for a comment on a pull request
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// Exit with 2 when there are changes, 0 when there are none
    #[arg(long)]
    pub detailed_exitcode: bool,

    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Markdown,
}

pub async fn run(args: &PlanArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let mut session = super::open(global, ui).await?;
    let ask = args.selection.ask(args.destroy);
    let plan = session.plan(&ask).await?;
    let format = if args.json { Format::Json } else { args.format };
    print(&plan, format, ui)?;
    let exit = if args.detailed_exitcode && !plan.is_empty() {
        Exit::CHANGES
    } else {
        Exit::FINE
    };
    if let Some(path) = &args.out {
        PlanFile::new(ask, session.given(), plan).write(path)?;
        ui.say(&format!(
            "Written to {}; to carry out exactly this: circles-infra apply {}",
            path.display(),
            quoted(&path.display().to_string())
        ));
    }
    Ok(exit)
}

/// Prints a plan on standard output; just its total with `--quiet`.
pub fn print(plan: &Plan, format: Format, ui: &mut Ui) -> Result<(), Failure> {
    match format {
        Format::Text if ui.quiet => ui.result(&format!("{}\n", plan_words::total(plan))),
        Format::Text => ui.screen(&plan_text::plan_text(plan, ui.out_palette)),
        Format::Json => ui.result(&json::plan(plan)),
        Format::Markdown => ui.screen(&markdown::markdown(plan)),
    }
}
