//! `status`.

use clap::Args;

use super::failure::{Exit, Failure};
use super::global::Global;
use super::ui::Ui;
use crate::plan::Ask;
use crate::render::drift::Drift as Whole;
use crate::render::{json, status as render};
use crate::status::Drift;

/// Show whether the services serve: release, tasks, target health, database, secret versions, drift
///
/// What is wrong is named with its likely cause and the next command. Ends with 0 when every service serves, or there is none; with 77
/// when one does not; with 1 when that could not be found out.
///
/// Some 16 calls side by side; what they do not read (networks, roles, buckets) is `drift`'s to tell, or --drift's.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Look at every resource for drift, as `drift` does
    #[arg(long)]
    pub drift: bool,

    /// As JSON
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &StatusArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let mut session = super::open(global, ui).await?;
    let mut status = session.status().await?;
    if args.drift {
        let plan = session.plan(&Ask::default()).await?;
        let whole = Whole::of(&plan);
        status.drift = Drift {
            whole: true,
            found: whole.lines(),
        };
    }
    if args.json {
        for finding in &mut status.findings {
            let next = finding.next.as_deref();
            finding.next = next.map(|next| ui.invocation.complete(next).into_owned());
        }
        ui.result(&json::pretty(&status))?;
    } else {
        ui.screen(&render::screen(&status, ui.out_palette))?;
    }
    Ok(if status.serves() {
        Exit::FINE
    } else {
        Exit::NOT_SERVING
    })
}
