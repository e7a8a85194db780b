//! A plan's notes, refusals and total as sentences.

use super::shown::clean;
use crate::model::{Address, KindName};
use crate::plan::{Act, Header, Mode, Note, Plan, Refusal, Totals};

/// Why a plan is not carried out, and what permits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub text: String,
    pub help: String,
}

/// A note as a sentence.
pub fn say(plan: &Plan, note: &Note) -> String {
    match note {
        Note::Gone { address, id } => {
            let next = if makes(plan, address) {
                ": it is made again"
            } else {
                ""
            };
            format!("{address} ({}) is gone from AWS{next}", clean(id.as_str()))
        }
        Note::Stray { address, kind, id } => format!(
            "stray: {kind} {} carries this stack's tags (address {address}) and stands in no stack file: this plan deletes it",
            clean(id.as_str())
        ),
        Note::FewerTasks { address, from, to } => {
            format!("{address} will run fewer tasks than now: {from} → {to}")
        }
        Note::NoImage {
            address,
            repository,
        } => format!(
            "{address} starts its tasks with the first image: {} holds none yet (circles-infra deploy ships one)",
            clean(repository)
        ),
        Note::NotSought { kind, call, code } => format!(
            "{kind} is not looked for: this server does not have {} ({}), so what carries this stack's tags there is not seen",
            clean(call),
            clean(code)
        ),
        Note::Knot { address, holder } => format!(
            "{address} goes before {holder} lets go of it, since that change needs what comes after: where AWS refuses it, add --replace {holder}, or `moved` if {address} only has another name now"
        ),
        Note::LeftOut { address } => format!("{address} is left out: no --target names it"),
        Note::Text {
            address: Some(address),
            text,
        } => format!("{address}: {}", clean(text)),
        Note::Text {
            address: None,
            text,
        } => clean(text).into_owned(),
    }
}

fn makes(plan: &Plan, address: &Address) -> bool {
    plan.steps
        .iter()
        .any(|step| step.address == *address && matches!(step.act, Act::Create { .. }))
}

/// Why a plan is not carried out: all that is protected in one sentence, anything else in one each.
pub fn refusals(plan: &Plan) -> Vec<Refused> {
    let mut all = Vec::new();
    for (replaced, elsewhere) in [(false, false), (true, false), (false, true), (true, true)] {
        let protected: Vec<&Address> = plan
            .refusals
            .iter()
            .filter_map(|refusal| match refusal {
                Refusal::Protected {
                    address,
                    replace,
                    outside,
                } if (*replace, *outside) == (replaced, elsewhere) => Some(address),
                _ => None,
            })
            .collect();
        match protected.is_empty() {
            true => {}
            false if elsewhere => all.push(kept_outside(&protected, replaced)),
            false => all.push(kept(&plan.header, &protected, replaced)),
        }
    }
    all.extend(plan.refusals.iter().filter_map(refused));
    all
}

fn kept(header: &Header, addresses: &[&Address], replace: bool) -> Refused {
    let names: Vec<&str> = addresses.iter().map(|address| address.as_str()).collect();
    let names = names.join(", ");
    let (are, them) = match addresses.len() {
        1 => ("is", names.as_str()),
        _ => ("are", "each of them"),
    };
    Refused {
        text: format!("{names} {are} protected, and would be {}", fate(replace)),
        help: if header.protect {
            format!(
                "everything in {0} is protected: take `protect` off the environment {0} in the stack file (and off {them}, where it says so itself) and apply that first, by itself",
                header.environment
            )
        } else {
            format!("take `protect` off {them} in the stack file and apply that first, by itself")
        },
    }
}

/// Deletion protection that somebody switched on in AWS is drift: an apply switches it off.
fn kept_outside(addresses: &[&Address], replace: bool) -> Refused {
    let names: Vec<&str> = addresses.iter().map(|address| address.as_str()).collect();
    let verb = if addresses.len() == 1 { "has" } else { "have" };
    Refused {
        text: format!(
            "{} {verb} deletion protection that was switched on outside this stack, and would be {}",
            names.join(", "),
            fate(replace)
        ),
        help: "an apply switches it off again: run `circles-infra apply` first, then this".into(),
    }
}

/// Another refusal as a sentence, and what to do about it.
fn refused(refusal: &Refusal) -> Option<Refused> {
    Some(match refusal {
        Refusal::Protected { .. } => return None,
        Refusal::NameTaken {
            address,
            kind,
            id,
            owner,
        } => name_taken(address, kind, id.as_str(), owner.as_deref()),
        Refusal::LosesData { address, replace } => Refused {
            text: format!(
                "{address} holds data, which would be lost when it is {}",
                fate(*replace)
            ),
            help: format!(
                "if that is meant: --allow-{} {address}",
                if *replace { "replace" } else { "delete" }
            ),
        },
        Refusal::Broken { address, why } => Refused {
            text: format!("{address} is broken and holds data: {}", clean(why)),
            help: format!(
                "look at it in AWS; to start anew without its data: --allow-replace {address}"
            ),
        },
        Refusal::ForeignServices { address, services } => foreign_services(address, services),
    })
}

fn name_taken(address: &Address, kind: &KindName, id: &str, owner: Option<&str>) -> Refused {
    let id = clean(id);
    let owner = owner.map_or_else(
        || "is not of this stack".to_owned(),
        |owner| format!("belongs to {}", clean(owner)),
    );
    Refused {
        text: format!("{address} cannot be made: {kind} {id} has its name and {owner}"),
        help: format!(
            "give {address} another name, or take that one over: circles-infra state import {address} {id}"
        ),
    }
}

fn foreign_services(address: &Address, services: &[String]) -> Refused {
    let them = if services.len() == 1 { "it" } else { "them" };
    Refused {
        text: format!(
            "{address} cannot be deleted: it has services that are not of this stack: {}",
            clean(&services.join(", "))
        ),
        help: format!("delete {them}, or move {them} to another cluster, and run this again"),
    }
}

fn fate(replace: bool) -> &'static str {
    if replace { "replaced" } else { "deleted" }
}

/// `Plan: 3 to create, 1 to replace; 12 stay as they are.`, or the sentence that there is nothing to do.
pub fn total(plan: &Plan) -> String {
    let waits = plan.steps.iter().filter(|step| step.only_waits()).count();
    if plan.is_empty() && waits > 0 {
        let what = if waits == 1 {
            "one resource of an earlier run is".to_owned()
        } else {
            format!("{waits} resources of an earlier run are")
        };
        return format!("Nothing to change; {what} still waited for.");
    }
    if plan.is_empty() {
        return match plan.header.mode {
            Mode::Destroy => "Nothing to destroy.".into(),
            Mode::Apply => match plan.unchanged {
                0 => "Nothing to do: the stack is empty.".into(),
                1 => "Nothing to do: the one resource is as the stack says.".into(),
                n => format!("Nothing to do: all {n} resources are as the stack says."),
            },
        };
    }
    let mut text = format!("Plan: {}", tally(&plan.totals()));
    match plan.unchanged {
        0 => {}
        1 => text.push_str("; 1 stays as it is"),
        n => text.push_str(&format!("; {n} stay as they are")),
    }
    text.push('.');
    text
}

/// `3 to create, 1 to delete`.
pub fn tally(totals: &Totals) -> String {
    let parts: Vec<String> = [
        (totals.create, "create"),
        (totals.update, "update"),
        (totals.replace, "replace"),
        (totals.delete, "delete"),
        (totals.forget, "forget"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, verb)| format!("{count} to {verb}"))
    .collect();
    if parts.is_empty() {
        // Only ends of replacements that an earlier run began.
        "old generations to clear away".into()
    } else {
        parts.join(", ")
    }
}
