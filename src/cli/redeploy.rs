//! `redeploy`.

use clap::Args;

use super::deploy::{Waiting, ship};
use super::failure::{Exit, Failure};
use super::global::Global;
use super::ui::Ui;
use crate::deploy::{Order, What};

/// Start every task anew, with the same image
///
/// For tasks to take up changed secrets, or to get rid of a state of theirs. When the tag that the running image was released from has
/// moved on to another image, it says so.
#[derive(Args, Clone, Debug)]
pub struct RedeployArgs {
    /// The service, as named in the stack file [default: all that share the image]
    pub service: Option<String>,

    #[command(flatten)]
    pub waiting: Waiting,
}

pub async fn run(args: &RedeployArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let order = Order {
        service: args.service.clone(),
        what: What::Stack,
        migrate: false,
        wait: !args.waiting.no_wait,
        patience: args.waiting.timeout,
    };
    ship(&order, "redeploy", args.waiting.json, global, ui).await
}
