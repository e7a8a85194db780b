//! `sandbox …`.

mod up;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::global::Global;
use super::session;
use super::ui::Ui;
use crate::render::json;
use crate::sandbox::Shown;

/// The local AWS: start it, stop it, look at it, empty it; and the whole system on this machine
///
/// With --sandbox every command starts it by itself. It keeps running between commands, for what it holds is in its memory.
#[derive(Args, Clone, Debug)]
pub struct SandboxArgs {
    #[command(subcommand)]
    pub verb: SandboxVerb,
}

#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum SandboxVerb {
    /// Start it, unless it runs; the first time it is installed, which takes a minute
    Start,
    /// Stop it, and the system with it; everything in it is gone
    Stop,
    /// Say whether it runs, and where
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Empty it, and forget the states of stacks that were applied to it
    Reset,
    Up(up::UpArgs),
    /// End the system that `up` has started, and the sandbox if that was started by it; nothing else
    Down,
}

/// How the local AWS is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SandboxStatus {
    pub running: bool,
    /// `http://127.0.0.1:PORT`.
    pub endpoint: Option<String>,
    pub pid: Option<u32>,
    /// Where it writes its log.
    pub log: Option<String>,
    /// What runs as processes of this machine, after `sandbox up`.
    pub system: Option<Shown>,
}

impl SandboxStatus {
    fn text(&self) -> String {
        let Some(endpoint) = self.endpoint.as_ref().filter(|_| self.running) else {
            return "The sandbox does not run.\n".into();
        };
        let mut text = format!("The sandbox runs at {endpoint}");
        if let Some(pid) = self.pid {
            text.push_str(&format!(" (process {pid})"));
        }
        if let Some(log) = &self.log {
            text.push_str(&format!(", its log is {log}"));
        }
        text.push_str(".\n");
        if let Some(system) = &self.system {
            text.push_str(&up::text(system));
        }
        text
    }
}

pub async fn run(args: &SandboxArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    match &args.verb {
        SandboxVerb::Up(args) => return up::run(args, global, ui).await,
        SandboxVerb::Down => return up::down(ui).await,
        _ => {}
    }
    let status = session::sandbox(&args.verb).await?;
    let text = match args.verb {
        SandboxVerb::Status { json: true } => json::pretty(&status),
        SandboxVerb::Reset => format!("The sandbox is empty. {}", status.text()),
        SandboxVerb::Stop if !status.running => "The sandbox is stopped.\n".into(),
        _ => status.text(),
    };
    ui.result(&text)?;
    Ok(Exit::FINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_a_sentence() {
        let mut status = SandboxStatus {
            running: true,
            endpoint: Some("http://127.0.0.1:4566".into()),
            pid: Some(7),
            log: Some("sandbox.log".into()),
            system: None,
        };
        assert_eq!(
            status.text(),
            "The sandbox runs at http://127.0.0.1:4566 (process 7), its log is sandbox.log.\n"
        );
        status.running = false;
        assert_eq!(status.text(), "The sandbox does not run.\n");
    }
}
