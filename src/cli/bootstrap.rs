//! `bootstrap`.

use clap::{ArgGroup, Args};

use super::failure::{Exit, Failure, FailureKind};
use super::global::Global;
use super::ui::Ui;
use crate::policy::trust::{CiSystem, Repository};
use crate::session::PipelinePlan;

/// Prepare an account for a pipeline: its identity provider, a role that plans, a role that ships,
/// and the state's bucket
///
/// Shows what it would create, and asks. Run again, it updates what differs, and nothing else. It
/// takes an administrator's rights, once: the policies of the two roles are those that
/// `permissions` prints.
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("repository").required(true).args(["github", "gitlab"])))]
pub struct BootstrapArgs {
    /// The GitHub repository whose jobs may assume the roles: OWNER/REPO; with :ENVIRONMENT only
    /// jobs of that environment ship
    #[arg(long, value_name = "OWNER/REPO", value_parser = github)]
    pub github: Option<Repository>,

    /// The project on gitlab.com whose jobs may assume the roles
    #[arg(long, value_name = "GROUP/PROJECT", value_parser = gitlab)]
    pub gitlab: Option<Repository>,

    /// The branch whose jobs ship
    #[arg(long, value_name = "NAME", default_value = "main", value_parser = super::permissions::branch)]
    pub branch: String,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

pub async fn run(args: &BootstrapArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let Some(repository) = args.github.as_ref().or(args.gitlab.as_ref()) else {
        return Err(Failure::new(FailureKind::Usage, "no repository is given"));
    };
    let session = super::open(global, ui).await?;
    let plan = session.plan_pipeline(repository, &args.branch).await?;
    if plan.state_is_local {
        ui.tell(
            "The stack file keeps its state in a folder, which a runner forgets: write `state: { backend: s3, bucket: NAME }` into it and run this again.",
        );
    }
    if plan.is_empty() {
        ui.say("Nothing to do.");
    } else {
        ui.tell(&format!("{}\n", plan.lines().join("\n")));
        confirm(args.yes, ui)?;
        session
            .apply_pipeline(&plan, &mut |line| {
                ui.say(&format!("done: {line}"));
            })
            .await?;
    }
    ui.result(&roles(&plan, repository))?;
    Ok(Exit::FINE)
}

/// As the example pipelines call them.
fn roles(plan: &PipelinePlan, repository: &Repository) -> String {
    let place = match repository.system {
        CiSystem::GitHub => "repository variables",
        CiSystem::GitLab => "CI/CD variables",
    };
    format!(
        "# {place} of {}\nPLAN_ROLE={}\nSHIP_ROLE={}\n",
        repository.path, plan.plan_role, plan.ship_role
    )
}

fn confirm(yes: bool, ui: &mut Ui) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let refused =
        |message: &str| Failure::new(FailureKind::Refused, message).hint("nothing was changed");
    if !ui.interactive {
        return Err(
            refused("there is no terminal to ask on, and --yes was not given")
                .hint("check the steps, then run the same command with --yes"),
        );
    }
    match ui.ask("Type \"yes\" to continue:") {
        Some(answer) if answer == "yes" => Ok(()),
        _ => Err(refused("not confirmed")),
    }
}

fn github(text: &str) -> Result<Repository, String> {
    repository("github", text)
}

fn gitlab(text: &str) -> Result<Repository, String> {
    repository("gitlab", text)
}

fn repository(system: &str, text: &str) -> Result<Repository, String> {
    let parsed = format!("{system}:{text}").parse::<Repository>();
    parsed.map_err(|error| error.to_string())
}
