//! What each command needs of AWS. A test compares this table with the command line, so that a new
//! command cannot be forgotten.

use std::collections::BTreeSet;

/// A group of rights that commands have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Settings of all resources, and the stored state. No secret values.
    Look,
    /// Lines that tasks wrote.
    Logs,
    /// Values of secrets.
    Values,
    /// Write the stored state and hold its lease.
    State,
    /// Create and update what the stack file describes.
    Change,
    /// Delete resources that carry the stack's tags.
    Delete,
    /// Push an image, register a revision, run a task, update a service.
    Ship,
    /// Store new versions of secrets.
    SetSecrets,
    /// Change or remove the tags of the stack's resources.
    Retag,
    /// Tag resources that belong to no stack.
    Import,
    /// Create the state's bucket and lock table.
    Bootstrap,
    /// Create the roles and policies of a pipeline: for an administrator.
    Pipeline,
}

use Need::{
    Bootstrap, Change, Delete, Import, Logs, Look, Pipeline, Retag, SetSecrets, Ship, State, Values,
};

const READ: &[Need] = &[Look];
const APPLY: &[Need] = &[Look, Logs, Values, State, Change, Delete, Ship];
const SHIP: &[Need] = &[Look, Logs, Values, State, Ship];
const SECRET: &[Need] = &[Look, Values, State, SetSecrets];
const TAGS: &[Need] = &[Look, State, Retag];

/// Every command that exists, with what it needs. Empty: it calls nothing in AWS.
pub const COMMANDS: &[(&str, &[Need])] = &[
    ("plan", READ),
    ("apply", APPLY),
    ("destroy", &[Look, State, Delete]),
    ("outputs", READ),
    ("drift", READ),
    ("status", &[Look, Logs]),
    ("logs", &[Look, Logs]),
    ("verify", READ),
    ("deploy", SHIP),
    ("rollback", SHIP),
    ("redeploy", SHIP),
    ("releases", READ),
    ("show", &[]),
    ("state list", READ),
    ("state show", READ),
    ("state rm", TAGS),
    ("state mv", TAGS),
    ("state import", &[Look, Values, State, Retag, Import]),
    ("state rebuild", &[Look, State]),
    ("state bootstrap", &[Look, Bootstrap]),
    ("state migrate", &[Look, State]),
    ("history", READ),
    ("validate", &[]),
    ("graph", &[]),
    ("permissions", &[]),
    ("schema", &[]),
    ("secrets list", READ),
    ("secrets set", SECRET),
    ("secrets unset", SECRET),
    (
        "secrets rotate",
        &[Look, Logs, Values, State, SetSecrets, Ship],
    ),
    ("secrets get", &[Look, Values]),
    ("sandbox up", &[]),
    ("sandbox down", &[]),
    ("sandbox start", &[]),
    ("sandbox stop", &[]),
    ("sandbox status", &[]),
    ("sandbox reset", &[]),
    ("completions", &[]),
    ("bootstrap", &[Look, Bootstrap, Pipeline]),
];

/// What commands that change nothing need.
pub fn read_only() -> BTreeSet<Need> {
    BTreeSet::from([Look, Logs])
}

/// What all commands need together, but for those that create rights.
pub fn everything() -> BTreeSet<Need> {
    COMMANDS
        .iter()
        .flat_map(|(_, needs)| needs.iter().copied())
        .filter(|need| *need != Pipeline)
        .collect()
}

/// What a command needs, or a family of commands (`state`, `secrets`); `None`: there is no such
/// command.
pub fn of_command(command: &str) -> Option<BTreeSet<Need>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let asked = words.join(" ");
    let family = format!("{asked} ");
    let mut fitting = COMMANDS
        .iter()
        .filter(|(name, _)| *name == asked || name.starts_with(&family))
        .peekable();
    fitting.peek()?;
    Some(
        fitting
            .flat_map(|(_, needs)| needs.iter().copied())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_needs_what_its_commands_need() {
        assert_eq!(of_command("plan"), Some([Look].into()));
        assert_eq!(of_command("state  list"), Some([Look].into()));
        let state = of_command("state").unwrap_or_default();
        assert!(state.contains(&Import) && state.contains(&Bootstrap));
        assert!(!state.contains(&Values) || !state.contains(&Change));
        assert_eq!(of_command("sta"), None);
        assert_eq!(of_command("validate"), Some(BTreeSet::new()));
    }

    #[test]
    fn nothing_creates_rights_unless_a_command_for_it_is_named() {
        assert!(!everything().contains(&Pipeline));
        assert!(of_command("bootstrap").is_some_and(|needs| needs.contains(&Pipeline)));
    }
}
