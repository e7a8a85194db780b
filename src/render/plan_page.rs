//! A plan laid out for reading: one block per resource, a replacement as one block, then what there is to say besides, and one total.
//! Terminal and Markdown print the same page.

use super::leaves::{Leaf, given, leaves};
use super::outputs;
use super::plan_words::{Refused, refusals, say, total};
use super::shown::{Shown, clean};
use crate::model::{Address, Attributes, TAG_PREFIX, Tags};
use crate::plan::{Act, Cause, ChangedBy, Line, Mode, Note, Plan, Step, Why};

/// What happens to a resource, as the sign before it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Create,
    Update,
    Replace,
    Delete,
    Forget,
    /// Nothing is changed; it is waited for.
    Wait,
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub sign: Sign,
    pub address: String,
    pub kind: String,
    /// What AWS calls it, where it is there already.
    pub id: Option<String>,
    /// Why, and what its users feel meanwhile.
    pub remarks: Vec<Remark>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub text: String,
    /// Something to think about before saying yes.
    pub warning: bool,
}

/// One field of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Given {
        path: String,
        value: String,
    },
    Changed {
        leaf: Leaf,
        by: ChangedBy,
        /// `changed outside`, `cannot be changed in place`, `asked for by --replace`.
        note: Option<&'static str>,
    },
}

/// The whole plan, ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub blocks: Vec<Block>,
    pub outputs: Vec<(String, String)>,
    pub notes: Vec<String>,
    pub refusals: Vec<Refused>,
    /// The last line.
    pub total: String,
}

/// Lays a plan out.
pub fn page(plan: &Plan) -> Page {
    Page {
        blocks: plan
            .steps
            .iter()
            .filter_map(|step| block(plan, step))
            .collect(),
        outputs: if plan.is_empty() || plan.header.mode == Mode::Destroy {
            Vec::new()
        } else {
            let changed = |(name, _): &&(String, _)| !plan.same_outputs.contains(name);
            let changed: Vec<_> = plan.outputs.iter().filter(changed).cloned().collect();
            outputs::rows(&changed)
        },
        notes: plan.notes.iter().map(|note| say(plan, note)).collect(),
        refusals: refusals(plan),
        total: total(plan),
    }
}

/// `None`: this step is told in another's block.
fn block(plan: &Plan, step: &Step) -> Option<Block> {
    let (sign, id, mut remarks, rows) = match &step.act {
        Act::Create {
            desired,
            tags,
            replaces: false,
            because,
        } => (
            Sign::Create,
            None,
            because.iter().filter_map(cause).collect(),
            given_rows(desired, tags),
        ),
        Act::Create { because, .. } => return Some(replacement(plan, step, because)),
        Act::Update {
            id,
            moved_from: None,
            ..
        } if step.only_waits() => (
            Sign::Wait,
            Some(id.to_string()),
            vec![remark("an earlier run did not see it become ready")],
            Vec::new(),
        ),
        Act::Update {
            id,
            changes,
            moved_from,
            ..
        } => (
            Sign::Update,
            Some(id.to_string()),
            moved(moved_from.as_ref(), changes.is_empty()),
            changes.iter().flat_map(changed_rows).collect(),
        ),
        Act::Delete {
            why: Why::Replaced, ..
        } if replaced_by(plan, step).is_some() => return None,
        Act::Delete { id, why, .. } => (
            Sign::Delete,
            Some(id.to_string()),
            reason(plan, step, *why).map(remark).into_iter().collect(),
            Vec::new(),
        ),
        Act::Forget { id, .. } => (
            Sign::Forget,
            Some(id.to_string()),
            vec![remark("stays in AWS (retain), and is no longer managed")],
            Vec::new(),
        ),
    };
    remarks.extend(consequences(&[step]));
    Some(Block {
        sign,
        address: step.address.to_string(),
        kind: step.kind.to_string(),
        id: id.map(|id| clean(&id).into_owned()),
        remarks,
        rows,
    })
}

/// The new generation and the old one's end, told as one.
fn replacement(plan: &Plan, step: &Step, because: &[Cause]) -> Block {
    let old = plan.steps.iter().find(|other| {
        other.address == step.address
            && matches!(
                other.act,
                Act::Delete {
                    why: Why::Replaced,
                    ..
                }
            )
    });
    let id = old.and_then(|old| match &old.act {
        Act::Delete { id, .. } => Some(clean(id.as_str()).into_owned()),
        _ => None,
    });
    let mut remarks: Vec<Remark> = because.iter().filter_map(cause).collect();
    if let Some(old) = old {
        let first = if waits_for(plan, step, old) {
            "the old one goes first"
        } else {
            "the new one is made first, then the old one goes"
        };
        remarks.push(remark(first));
    }
    let steps: Vec<&Step> = std::iter::once(step).chain(old).collect();
    remarks.extend(consequences(&steps));
    Block {
        sign: Sign::Replace,
        address: step.address.to_string(),
        kind: step.kind.to_string(),
        id,
        remarks,
        rows: because
            .iter()
            .filter_map(|cause| match cause {
                Cause::Field(line) => Some(forced_rows(line)),
                _ => None,
            })
            .flatten()
            .collect(),
    }
}

fn replaced_by<'a>(plan: &'a Plan, old: &Step) -> Option<&'a Step> {
    plan.steps.iter().find(|step| {
        step.address == old.address && matches!(step.act, Act::Create { replaces: true, .. })
    })
}

/// Whether `step` stands after `other`, directly or through others.
fn waits_for(plan: &Plan, step: &Step, other: &Step) -> bool {
    let mut ahead = step.after.clone();
    let mut seen = Vec::new();
    while let Some(id) = ahead.pop() {
        if id == other.id {
            return true;
        }
        if !seen.contains(&id) {
            seen.push(id);
            ahead.extend(plan.step(id).into_iter().flat_map(|s| s.after.clone()));
        }
    }
    false
}

/// Causes that are sentences; a field is a row of its own.
fn cause(cause: &Cause) -> Option<Remark> {
    Some(remark(match cause {
        Cause::Field(_) => return None,
        Cause::Broken { why } => format!("it is broken: {}", clean(why)),
        Cause::Asked => "asked for by --replace".into(),
        Cause::Holds { address } => {
            format!("it holds on to {address}, which cannot be replaced before")
        }
        Cause::Kind { was } => format!("the stack had {was} here before"),
    }))
}

/// Why it is deleted; `None`: the reader has just asked for it.
fn reason(plan: &Plan, step: &Step, why: Why) -> Option<String> {
    let stray = plan.notes.iter().any(|note| {
        matches!(note, Note::Stray { address, id, .. }
            if *address == step.address && matches!(&step.act, Act::Delete { id: of, .. } if of == id))
    });
    Some(match why {
        Why::NotInStack if stray => {
            "stray: it carries this stack's tags, and stands neither in the stack file nor in the state".into()
        }
        Why::NotInStack => "the stack does not have it any more".into(),
        Why::Replaced => "its replacement stands".into(),
        Why::Superseded => format!(
            "an older one (generation {}) that an earlier run left behind",
            step.generation
        ),
        Why::Destroy => return None,
        Why::Unfinished => "its deletion had begun, and is finished".into(),
    })
}

fn moved(from: Option<&Address>, only: bool) -> Vec<Remark> {
    from.map(|from| {
        let rest = if only { "; nothing else changes" } else { "" };
        remark(format!("was at {from}{rest}"))
    })
    .into_iter()
    .collect()
}

fn consequences(steps: &[&Step]) -> Vec<Remark> {
    let mut all: Vec<Remark> = Vec::new();
    for step in steps {
        if let Some(downtime) = &step.downtime {
            let text = format!("meanwhile: {downtime}");
            if !all.iter().any(|remark| remark.text == text) {
                all.push(Remark {
                    text,
                    warning: true,
                });
            }
        }
    }
    if steps.iter().any(|step| step.loses_data) {
        all.push(Remark {
            text: "its data goes with it".into(),
            warning: true,
        });
    }
    all
}

fn given_rows(desired: &Attributes, tags: &Tags) -> Vec<Row> {
    let mut rows: Vec<Row> = desired
        .0
        .iter()
        .filter(|(_, value)| !value.is_null())
        .flat_map(|(field, value)| given(field, &Shown::of(value)))
        .map(|(path, value)| Row::Given { path, value })
        .collect();
    let own: Vec<_> = tags
        .iter()
        .filter(|(key, _)| !key.starts_with(TAG_PREFIX))
        .map(|(key, value)| format!("{}={}", clean(key), clean(value)))
        .collect();
    if !own.is_empty() {
        rows.push(Row::Given {
            path: crate::kind::TAGS.into(),
            value: own.join(", "),
        });
    }
    rows
}

fn changed_rows(line: &Line) -> Vec<Row> {
    let note = match line.changed_by {
        ChangedBy::Outside => Some("changed outside"),
        ChangedBy::Asked => Some("asked for by --replace"),
        ChangedBy::Stack | ChangedBy::Unrecorded => None,
    };
    rows_of(line, note)
}

fn forced_rows(line: &Line) -> Vec<Row> {
    rows_of(
        line,
        Some(if line.changed_by == ChangedBy::Outside {
            "changed outside, and cannot be changed in place"
        } else {
            "cannot be changed in place"
        }),
    )
}

fn rows_of(line: &Line, note: Option<&'static str>) -> Vec<Row> {
    leaves(&line.field, &Shown::of(&line.from), &Shown::of(&line.to))
        .into_iter()
        .map(|leaf| Row::Changed {
            leaf,
            by: line.changed_by,
            note,
        })
        .collect()
}

fn remark(text: impl Into<String>) -> Remark {
    Remark {
        text: text.into(),
        warning: false,
    }
}
