//! `destroy`.

use clap::Args;

use super::ask::Selection;
use super::carry_out::{Consent, carry_out};
use super::failure::{Exit, Failure};
use super::global::Global;
use super::ui::Ui;

/// Delete everything of this stack and environment from AWS
///
/// In reverse order of its making, waiting for what AWS needs gone first. Stops before the first call when something is protected.
/// Databases leave a final snapshot, buckets with objects in them refuse to go, and secrets can be restored for a while, unless their
/// fields say otherwise. Other environments of the same stack are left alone.
#[derive(Args, Clone, Debug)]
pub struct DestroyArgs {
    #[command(flatten)]
    pub consent: Consent,

    /// Delete only this resource, what stands below it, and what depends on it; may be given several times
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<crate::model::Address>,
}

pub async fn run(args: &DestroyArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let mut session = super::open(global, ui).await?;
    super::lock(&mut session, "destroy", global, ui).await?;
    let selection = Selection {
        targets: args.targets.clone(),
        ..Selection::default()
    };
    let plan = session.plan(&selection.ask(true)).await?;
    carry_out(session, plan, &args.consent, global, ui).await
}
