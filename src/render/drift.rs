//! What was changed outside, read off a plan.

use std::collections::BTreeSet;

use serde::Serialize;

use super::palette::{Palette, Tone};
use super::plan_page::{Row, page};
use super::plan_text::{print_row, width};
use super::plan_words::say;
use super::shown::clean;
use crate::model::{Address, KindName, PhysicalId};
use crate::plan::{Act, Cause, Line, Note, Plan, Step};

/// AWS against what was last applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Fields that are not as the stack says, and not because it was edited. Where nothing is on record (the state was thrown away),
    /// every difference is one: the stack file is all there is to hold AWS to.
    pub changed: Vec<Changed>,
    /// Known to the state, not in AWS.
    pub gone: Vec<Thing>,
    /// Carries this stack's tags and stands in no stack file.
    pub strays: Vec<Thing>,
    /// Broken in AWS's eyes.
    pub broken: Vec<Broken>,
    /// What could not be looked for, as sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_sought: Vec<String>,
    /// Resources that a plan changes for other reasons: the stack file was edited.
    pub edited: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    pub address: Address,
    pub kind: KindName,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thing {
    pub address: Address,
    pub kind: Option<KindName>,
    pub id: PhysicalId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    pub address: Address,
    pub kind: KindName,
    pub why: String,
}

impl Drift {
    /// What there is, one line each.
    pub fn lines(&self) -> Vec<String> {
        let changed = self.changed.iter().map(|one| {
            let fields: Vec<&str> = one.lines.iter().map(|line| line.field.as_str()).collect();
            format!("{}: {}", one.address, fields.join(", "))
        });
        let gone = self
            .gone
            .iter()
            .map(|one| format!("{} is gone", one.address));
        let strays = self
            .strays
            .iter()
            .map(|one| format!("{} stands in no stack file", one.id));
        let broken = self
            .broken
            .iter()
            .map(|one| format!("{} is broken: {}", one.address, one.why));
        changed.chain(gone).chain(strays).chain(broken).collect()
    }

    pub fn of(plan: &Plan) -> Self {
        let mut drift = Self {
            changed: Vec::new(),
            gone: Vec::new(),
            strays: Vec::new(),
            broken: Vec::new(),
            not_sought: Vec::new(),
            edited: 0,
        };
        for note in &plan.notes {
            match note {
                Note::Gone { address, id } => drift.gone.push(Thing {
                    address: address.clone(),
                    kind: kind_at(plan, address),
                    id: id.clone(),
                }),
                Note::Stray { address, kind, id } => drift.strays.push(Thing {
                    address: address.clone(),
                    kind: Some(kind.clone()),
                    id: id.clone(),
                }),
                Note::NotSought { .. } => drift.not_sought.push(say(plan, note)),
                _ => {}
            }
        }
        let mut edited = BTreeSet::new();
        for step in &plan.steps {
            if !drift.take(step) {
                edited.insert(&step.address);
            }
        }
        drift.edited = edited.len();
        drift
    }

    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
            && self.gone.is_empty()
            && self.strays.is_empty()
            && self.broken.is_empty()
    }

    /// Whether the step mends something that happened outside; false: the stack file asks for it.
    fn take(&mut self, step: &Step) -> bool {
        let lines: Vec<Line> = lines(step)
            .filter(|line| line.changed_by.is_drift())
            .cloned()
            .collect();
        let broken = match &step.act {
            Act::Create { because, .. } => because.iter().find_map(|cause| match cause {
                Cause::Broken { why } => Some(why.clone()),
                _ => None,
            }),
            _ => None,
        };
        let known = |things: &[Thing]| things.iter().any(|thing| thing.address == step.address);
        let mends = !lines.is_empty()
            || broken.is_some()
            || known(&self.gone)
            || known(&self.strays)
            || self
                .broken
                .iter()
                .any(|broken| broken.address == step.address)
            || self
                .changed
                .iter()
                .any(|changed| changed.address == step.address);
        if !lines.is_empty() {
            self.changed.push(Changed {
                address: step.address.clone(),
                kind: step.kind.clone(),
                lines,
            });
        }
        if let Some(why) = broken {
            self.broken.push(Broken {
                address: step.address.clone(),
                kind: step.kind.clone(),
                why,
            });
        }
        mends
    }
}

fn lines(step: &Step) -> Box<dyn Iterator<Item = &Line> + '_> {
    match &step.act {
        Act::Update { changes, .. } => Box::new(changes.iter()),
        Act::Create { because, .. } => Box::new(because.iter().filter_map(|cause| match cause {
            Cause::Field(line) => Some(line),
            _ => None,
        })),
        _ => Box::new(std::iter::empty()),
    }
}

fn kind_at(plan: &Plan, address: &Address) -> Option<KindName> {
    plan.steps
        .iter()
        .find(|step| step.address == *address)
        .map(|step| step.kind.clone())
}

/// Drift on a terminal, ending with one line that sums it up.
pub fn drift_text(plan: &Plan, drift: &Drift, palette: Palette) -> String {
    let mut out = String::new();
    let page = page(plan);
    for changed in &drift.changed {
        let title = format!("~ {}  {}", changed.address, changed.kind);
        out.push_str(&format!("{}\n", palette.paint(Tone::Update, &title)));
        let rows: Vec<Row> = page
            .blocks
            .iter()
            .filter(|block| block.address == changed.address.as_str())
            .flat_map(|block| block.rows.clone())
            .filter(|row| matches!(row, Row::Changed { by, .. } if by.is_drift()))
            .collect();
        let width = width(&rows);
        for row in &rows {
            out.push_str(&format!("    {}\n", print_row(row, width, palette)));
        }
    }
    for broken in &drift.broken {
        let line = format!(
            "! {}  {}  broken: {}",
            broken.address,
            broken.kind,
            clean(&broken.why)
        );
        out.push_str(&format!("{}\n", palette.paint(Tone::Error, &line)));
    }
    for (things, word) in [(&drift.gone, "gone"), (&drift.strays, "stray")] {
        for thing in things {
            let kind = thing.kind.as_ref();
            let kind = kind.map_or_else(String::new, |kind| format!("{kind}  "));
            let line = format!(
                "- {}  {kind}{}  {word}",
                thing.address,
                clean(thing.id.as_str())
            );
            out.push_str(&format!("{}\n", palette.paint(Tone::Delete, &line)));
        }
    }
    for unseen in &drift.not_sought {
        let line = format!("? {unseen}");
        out.push_str(&format!("{}\n", palette.paint(Tone::Warning, &line)));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&format!("{}\n", palette.paint(Tone::Strong, &sum(drift))));
    out
}

fn sum(drift: &Drift) -> String {
    let mut text = if drift.is_empty() {
        "No drift: nothing was changed outside.".to_owned()
    } else {
        let parts: Vec<String> = [
            (drift.changed.len(), "changed"),
            (drift.broken.len(), "broken"),
            (drift.gone.len(), "gone"),
            (drift.strays.len(), "stray"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
        format!("Drift: {}. {}", parts.join(", "), cure(drift))
    };
    let why = if drift.is_empty() {
        "would be changed because the stack was edited"
    } else {
        "would be changed with these or because the stack was edited"
    };
    match drift.edited {
        0 => {}
        1 => text.push_str(&format!(" Besides, one resource {why}: see `plan`.")),
        n => text.push_str(&format!(" Besides, {n} resources {why}: see `plan`.")),
    }
    text
}

/// What puts it right. An apply looks for strays of few kinds only; a destroy looks for all.
fn cure(drift: &Drift) -> &'static str {
    let only_strays = drift.changed.is_empty() && drift.broken.is_empty() && drift.gone.is_empty();
    match (drift.strays.is_empty(), only_strays) {
        (true, _) => "The next apply puts it right.",
        (false, true) => {
            "An apply may not find what is stray: circles-infra destroy --target ADDRESS deletes it."
        }
        (false, false) => {
            "The next apply puts right what is not stray; circles-infra destroy --target ADDRESS deletes what is."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn drift_is_told_from_edits() {
        let plan = samples::every_act();
        insta::assert_snapshot!(
            "drift_text",
            drift_text(&plan, &Drift::of(&plan), Palette::PLAIN)
        );
    }

    #[test]
    fn no_drift() {
        let plan = samples::empty();
        insta::assert_snapshot!(drift_text(&plan, &Drift::of(&plan), Palette::PLAIN), @"No drift: nothing was changed outside.");
    }

    #[test]
    fn no_apply_is_promised_to_delete_strays() {
        let mut drift = Drift::of(&samples::every_act());
        drift.changed.clear();
        drift.broken.clear();
        drift.gone.clear();
        drift.edited = 0;
        insta::assert_snapshot!(sum(&drift), @"Drift: 1 stray. An apply may not find what is stray: circles-infra destroy --target ADDRESS deletes it.");
    }
}
