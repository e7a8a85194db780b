//! `apply`.

use std::path::PathBuf;

use clap::Args;

use super::ask::Selection;
use super::carry_out::{Consent, carry_out};
use super::failure::{Exit, Failure, FailureKind};
use super::global::Global;
use super::plan_file::PlanFile;
use super::session::Session;
use super::ui::Ui;
use crate::plan::Plan;

/// Make AWS as the stack file says
///
/// Shows the plan, asks, and carries it out. A failed resource stops what depends on it and nothing else. Interrupt it at any time:
/// Ctrl-C once starts nothing new and finishes what is under way, twice gives up waiting, three times leaves at once. The next run
/// goes on from where it stopped, whatever stopped it.
///
/// Databases, buckets and secrets are not deleted or replaced without --allow-delete or --allow-replace, except in an ephemeral environment.
#[derive(Args, Clone, Debug)]
pub struct ApplyArgs {
    /// Carry out this plan, made by `plan --out`; refused when anything it touches has changed since
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["targets", "replace"])]
    pub plan_file: Option<PathBuf>,

    #[command(flatten)]
    pub consent: Consent,

    #[command(flatten)]
    pub selection: Selection,
}

pub async fn run(args: &ApplyArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let file = args.plan_file.as_deref().map(PlanFile::read).transpose()?;
    let given = file.as_ref().map(|file| &file.given);
    let mut session = super::open_given(global, given, ui).await?;
    super::lock(&mut session, "apply", global, ui).await?;
    let plan = match file {
        Some(file) => from_file(file, &mut session, &args.selection).await?,
        None => session.plan(&args.selection.ask(false)).await?,
    };
    carry_out(session, plan, &args.consent, global, ui).await
}

/// A plan file's plan, if it still holds.
async fn from_file(
    file: PlanFile,
    session: &mut Session,
    selection: &Selection,
) -> Result<Plan, Failure> {
    file.check_world(&session.header)?;
    let mut ask = file.ask.clone();
    ask.allow_delete.extend(selection.allow_delete.clone());
    ask.allow_replace.extend(selection.allow_replace.clone());
    let fresh = session.plan(&ask).await?;
    file.check_steps(&fresh)?;
    Ok(file.judged_by(&fresh))
}

/// Says why a plan is not carried out; `Ok` when nothing stands against it.
pub fn permitted(plan: &Plan) -> Result<(), Failure> {
    let refusals = crate::render::plan_words::refusals(plan);
    let [first, rest @ ..] = refusals.as_slice() else {
        return Ok(());
    };
    let message = match rest.len() {
        0 => first.text.clone(),
        n => format!("{} (and {n} more, listed above)", first.text),
    };
    let failure = Failure::new(FailureKind::Refused, message);
    Err(refusals
        .into_iter()
        .fold(failure, |failure, refused| failure.hint(refused.help))
        .hint("nothing was changed"))
}
