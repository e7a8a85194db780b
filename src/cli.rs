//! The command line: one file per verb, whose doc comments are the manual.
//!
//! ```text
//!   arguments ─▶ terraform (old habits) ─▶ clap ─▶ verb ─▶ Session ─▶ render ─▶ Ui ─▶ exit code
//! ```
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod apply;
mod ask;
mod bootstrap;
mod carry_out;
mod checked;
mod completions;
mod deploy;
mod destroy;
mod drift;
pub mod failure;
mod global;
mod graph;
mod history;
mod invocation;
mod logs;
#[cfg(test)]
mod manual;
mod offline;
mod offline_names;
mod outputs;
mod permissions;
mod permitted;
mod plan;
mod plan_file;
mod redeploy;
mod releases;
mod rollback;
mod sandbox;
mod schema;
mod secrets;
mod session;
mod show;
mod signals;
mod state;
mod status;
mod suggest;
mod terraform;
mod ui;
mod validate;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use ask::{Applied, Given};
pub use checked::Checked;
pub use global::Global;
pub use sandbox::{SandboxStatus, SandboxVerb};
pub use session::Session;

use failure::{Exit, Failure, FailureKind};
use ui::Ui;

/// What the program is called.
const NAME: &str = "circles-infra";

/// Make AWS as one YAML file says
///
/// Start with `circles-infra --sandbox plan`, which needs no AWS account. Results go to standard output, everything else to standard
/// error. The first line of every command says whose account and region it looks at.
#[derive(Parser, Clone, Debug)]
#[command(name = NAME, version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,

    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand, Clone, Debug)]
pub enum Verb {
    Plan(plan::PlanArgs),
    Apply(apply::ApplyArgs),
    Destroy(destroy::DestroyArgs),
    #[command(visible_alias = "output")]
    Outputs(outputs::OutputsArgs),
    Drift(drift::DriftArgs),
    Status(status::StatusArgs),
    Logs(logs::LogsArgs),
    Verify(verify::VerifyArgs),
    Deploy(deploy::DeployArgs),
    Rollback(rollback::RollbackArgs),
    Redeploy(redeploy::RedeployArgs),
    Releases(releases::ReleasesArgs),
    Show(show::ShowArgs),
    State(state::StateArgs),
    History(history::HistoryArgs),
    Validate(validate::ValidateArgs),
    Graph(graph::GraphArgs),
    Permissions(permissions::PermissionsArgs),
    Schema(schema::SchemaArgs),
    Secrets(secrets::SecretsArgs),
    Sandbox(sandbox::SandboxArgs),
    Completions(completions::CompletionsArgs),
    Bootstrap(bootstrap::BootstrapArgs),
}

/// Runs the program. `arguments[0]` is its own name.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(exit) => return ExitCode::from(exit.0),
    };
    let mut ui = Ui::of_process(&cli.global);
    let result = runtime().and_then(|runtime| {
        let result = runtime.block_on(async {
            signals::full_files_are_errors();
            run(&cli, &mut ui).await
        });
        // A name look-up in a thread of its own must not hold the program up.
        runtime.shutdown_background();
        result
    });
    ExitCode::from(end(result, &mut ui).0)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(FailureKind::Local, format!("cannot start threads: {error}")))
}

/// Says what went wrong, and comes to the exit code.
fn end(result: Result<Exit, Failure>, ui: &mut Ui) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(failure) => {
            if failure.kind != FailureKind::ClosedPipe {
                let text = failure.text(ui.err_palette);
                ui.tell(&text);
            }
            failure.kind.exit()
        }
    }
}

/// Reads the command line. What is answered without running anything (help, a mistake, a habit from elsewhere) is printed here.
fn parse(arguments: Vec<OsString>) -> Result<Cli, Exit> {
    let arguments = match terraform::rewrite(arguments) {
        Ok(arguments) => arguments,
        Err(said) => {
            use std::io::Write;
            // Nobody who could be told of a standard error that is closed.
            let _ = writeln!(std::io::stderr(), "{}", said.text);
            return Err(said.exit);
        }
    };
    Cli::try_parse_from(&arguments).map_err(|error| {
        if let Some(text) = secrets::instead_of_echo(&error, &arguments) {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{text}");
            return Exit::USAGE;
        }
        // A closed pipe behind `--help` is no news to anybody.
        let _ = error.print();
        match error.exit_code() {
            0 => Exit::FINE,
            _ => Exit::USAGE,
        }
    })
}

async fn run(cli: &Cli, ui: &mut Ui) -> Result<Exit, Failure> {
    let global = &cli.global;
    match &cli.verb {
        Verb::Plan(args) => plan::run(args, global, ui).await,
        Verb::Apply(args) => apply::run(args, global, ui).await,
        Verb::Destroy(args) => destroy::run(args, global, ui).await,
        Verb::Outputs(args) => outputs::run(args, global, ui).await,
        Verb::Drift(args) => drift::run(args, global, ui).await,
        Verb::Status(args) => status::run(args, global, ui).await,
        Verb::Logs(args) => logs::run(args, global, ui).await,
        Verb::Verify(args) => verify::run(args, global, ui).await,
        Verb::Deploy(args) => deploy::run(args, global, ui).await,
        Verb::Rollback(args) => rollback::run(args, global, ui).await,
        Verb::Redeploy(args) => redeploy::run(args, global, ui).await,
        Verb::Releases(args) => releases::run(args, global, ui).await,
        Verb::Show(args) => show::run(args, ui),
        Verb::State(args) => state::run(args, global, ui).await,
        Verb::History(args) => history::run(args, global, ui).await,
        Verb::Validate(_) => validate::run(global, ui),
        Verb::Graph(args) => graph::run(args, global, ui),
        Verb::Permissions(args) => permissions::run(args, global, ui),
        Verb::Schema(_) => schema::run(ui),
        Verb::Secrets(args) => secrets::run(args, global, ui).await,
        Verb::Sandbox(args) => sandbox::run(args, global, ui).await,
        Verb::Completions(args) => completions::run(args, ui),
        Verb::Bootstrap(args) => bootstrap::run(args, global, ui).await,
    }
}

/// Opens the session and says whose world it is.
async fn open(global: &Global, ui: &mut Ui) -> Result<Session, Failure> {
    open_given(global, None, ui).await
}

/// With variables to take where the command line gives none.
async fn open_given(
    global: &Global,
    given: Option<&Given>,
    ui: &mut Ui,
) -> Result<Session, Failure> {
    let session = Session::open(global, given, ui.err_palette, ui.listener()).await?;
    let banner = session.banner().text(ui.err_palette);
    ui.say(&banner);
    if !session.warnings().is_empty() {
        ui.tell(session.warnings());
    }
    Ok(session)
}

/// Makes sure that nobody else is at work, before the first look of a command that changes something.
async fn lock(
    session: &mut Session,
    doing: &str,
    global: &Global,
    ui: &mut Ui,
) -> Result<(), Failure> {
    session
        .lock(doing, global.lock_timeout, &mut |text| ui.tell(text))
        .await
}
