//! `rollback`.

use clap::Args;

use super::deploy::{Waiting, ship};
use super::failure::{Exit, Failure};
use super::global::Global;
use super::ui::Ui;
use crate::deploy::{Order, What};

/// Go back to the release that ran before, or to another one
///
/// The image of that release in a new revision; everything else stays as it runs. Releases whose roll-out was given up are passed over.
/// It is watched, and itself rolled back, as a deploy is.
#[derive(Args, Clone, Debug)]
pub struct RollbackArgs {
    /// The service, as named in the stack file [default: all that share the image]
    pub service: Option<String>,

    /// This release; what there is: `releases`
    #[arg(long, value_name = "RELEASE")]
    pub to: Option<String>,

    #[command(flatten)]
    pub waiting: Waiting,
}

pub async fn run(args: &RollbackArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let order = Order {
        service: args.service.clone(),
        what: What::Back(args.to.clone()),
        migrate: false,
        wait: !args.waiting.no_wait,
        patience: args.waiting.timeout,
    };
    ship(&order, "rollback", args.waiting.json, global, ui).await
}
