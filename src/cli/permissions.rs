//! `permissions`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value as Json};

use super::failure::{Exit, Failure, FailureKind};
use super::global::Global;
use super::suggest::nearest;
use super::ui::Ui;
use super::{offline, offline_names};
use crate::policy::trust::{Jobs, NO_ACCOUNT, Repository};
use crate::policy::{self, Document, Need, StackNames, access};
use crate::render::json;

/// Print the IAM policies needed to run this stack; asks nothing of AWS
///
/// One JSON object: the name of each policy, and its document, short enough for a managed policy.
/// Attach all of them to the role that applies and ships. What each is for is printed to standard
/// error.
#[derive(Args, Clone, Debug)]
pub struct PermissionsArgs {
    /// Only what reads: `plan`, `drift`, `status`, `logs`, `outputs`; no secret values
    #[arg(long, conflicts_with = "verbs")]
    pub read_only: bool,

    /// Only what these commands need: `--for plan "state list" secrets`
    #[arg(long = "for", value_name = "VERB", num_args = 1.., value_delimiter = ',')]
    pub verbs: Vec<String>,

    /// Write each policy to a file of its own in this folder: NAME.json
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print the trust policy of a role for a pipeline instead: github:OWNER/REPO[:ENVIRONMENT] or
    /// gitlab:GROUP/PROJECT; with --read-only also for its pull requests
    #[arg(long, value_name = "REPOSITORY")]
    pub trust: Option<Repository>,

    /// The branch that --trust is for
    #[arg(long, value_name = "NAME", default_value = "main", requires = "trust", value_parser = branch)]
    pub branch: String,

    /// The account of the role that --trust is for [default: the stack file's]
    #[arg(long, value_name = "NUMBER", requires = "trust", value_parser = account)]
    pub account: Option<String>,
}

pub fn run(args: &PermissionsArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let needs = needs(args)?;
    let names = offline_names::read(global, ui)?;
    let documents = match &args.trust {
        Some(repository) => vec![trust(args, repository, &names, ui)],
        None => policy::documents(&names, &offline::tables(), &needs)
            .into_iter()
            .map(named)
            .collect(),
    };
    match &args.out {
        Some(folder) => write(folder, &documents, ui)?,
        None => print(&documents, args.trust.is_some(), ui)?,
    }
    if documents.is_empty() {
        ui.say("These commands call nothing in AWS.");
    }
    Ok(Exit::FINE)
}

/// A name, what it is for, and the document.
type Named = (String, String, Json);

fn named(document: Document) -> Named {
    (document.name, document.purpose.to_owned(), document.json)
}

fn needs(args: &PermissionsArgs) -> Result<BTreeSet<Need>, Failure> {
    if args.read_only {
        return Ok(access::read_only());
    }
    if args.verbs.is_empty() {
        return Ok(access::everything());
    }
    let mut all = BTreeSet::new();
    for verb in &args.verbs {
        let needs = access::of_command(verb).ok_or_else(|| unknown(verb))?;
        all.extend(needs);
    }
    Ok(all)
}

fn unknown(verb: &str) -> Failure {
    let failure = Failure::new(FailureKind::Usage, format!("there is no command `{verb}`"));
    let known = access::COMMANDS.iter().map(|(name, _)| *name);
    match nearest(verb, known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure,
    }
}

fn trust(
    args: &PermissionsArgs,
    repository: &Repository,
    names: &StackNames,
    ui: &mut Ui,
) -> Named {
    let account = args.account.as_ref().or(names.account.as_ref());
    if account.is_none() {
        ui.tell(&format!(
            "The account is not known: replace {NO_ACCOUNT} with its number, or give --account."
        ));
    }
    let branch = args.branch.clone();
    let jobs = if args.read_only {
        Jobs::Review(branch)
    } else {
        Jobs::Ship(branch)
    };
    let partition = names.region.as_deref().map_or("aws", partition);
    let account = account.map_or(NO_ACCOUNT, String::as_str);
    let which = if args.read_only { "read" } else { "ship" };
    (
        format!("{}-{which}-trust", names.prefix),
        format!("trust policy of the role that jobs of {repository} assume"),
        repository.trust(&jobs, partition, account),
    )
}

/// Regions of the other partitions begin alike (AWS General Reference, "AWS service endpoints").
fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

fn print(documents: &[Named], alone: bool, ui: &mut Ui) -> Result<(), Failure> {
    if let ([(_, _, only)], true) = (documents, alone) {
        return ui.result(&json::pretty(only));
    }
    for (name, purpose, _) in documents {
        ui.say(&format!("{name}: {purpose}"));
    }
    let all: Map<String, Json> = documents
        .iter()
        .map(|(name, _, json)| (name.clone(), json.clone()))
        .collect();
    ui.result(&json::pretty(&all))
}

/// All of them, or none: each is complete under a name of its own before the first takes its place.
fn write(folder: &Path, documents: &[Named], ui: &mut Ui) -> Result<(), Failure> {
    let failed = |error| Failure::file("write the policies to", folder, error);
    fs::create_dir_all(folder).map_err(failed)?;
    let mut written = Vec::new();
    for (name, _, document) in documents {
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(json::pretty(document).as_bytes())
            .map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        written.push((file, folder.join(format!("{name}.json"))));
    }
    for (file, path) in written {
        file.persist(&path).map_err(|error| failed(error.error))?;
    }
    for (name, purpose, _) in documents {
        let path = folder.join(format!("{name}.json"));
        ui.result(&format!("{}: {purpose}\n", path.display()))?;
    }
    Ok(())
}

pub(super) fn branch(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['*', '?', ':', '$']) || text.contains(char::is_whitespace)
    {
        return Err("a branch must be named in full, without wildcards".into());
    }
    Ok(text.to_owned())
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err("an account must be a number of 12 digits".into())
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;
    use crate::cli::Cli;

    fn leaves(command: &Command, path: &str, all: &mut BTreeSet<String>) {
        let verbs = command
            .get_subcommands()
            .filter(|verb| verb.get_name() != "help");
        let mut any = false;
        for verb in verbs {
            any = true;
            leaves(verb, format!("{path} {}", verb.get_name()).trim(), all);
        }
        if !any {
            all.insert(path.to_owned());
        }
    }

    #[test]
    fn every_command_of_the_command_line_has_its_needs() {
        let mut all = BTreeSet::new();
        leaves(&Cli::command(), "", &mut all);
        let known: BTreeSet<String> = access::COMMANDS
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        assert_eq!(all, known);
        assert_eq!(known.len(), access::COMMANDS.len());
    }

    #[test]
    fn a_mistyped_command_is_named() {
        let args = |verb: &str| PermissionsArgs {
            read_only: false,
            verbs: vec![verb.to_owned()],
            out: None,
            trust: None,
            branch: "main".into(),
            account: None,
        };
        let failure = needs(&args("stauts")).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Usage);
        assert!(failure.hints[0].contains("`status`"), "{:?}", failure.hints);
        assert!(needs(&args("secrets set")).is_ok());
    }
}
