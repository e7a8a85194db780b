//! The plan on a terminal.

use super::leaves::Leaf;
use super::palette::{Palette, Tone};
use super::plan_page::{Block, Page, Row, Sign, page};
use crate::plan::Plan;

/// Field names are padded to a common width, up to this one.
const WIDEST_PATH: usize = 40;

/// The whole plan, ending with its total.
pub fn plan_text(plan: &Plan, palette: Palette) -> String {
    let Page {
        blocks,
        outputs,
        notes,
        refusals,
        total,
    } = page(plan);
    let mut out = String::new();
    for block in &blocks {
        print_block(&mut out, block, palette);
        out.push('\n');
    }
    if !outputs.is_empty() {
        line(&mut out, &palette.paint(Tone::Strong, "Outputs"));
        let width = outputs
            .iter()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or(0);
        for (name, value) in &outputs {
            line(&mut out, &format!("  {name:width$}  {value}"));
        }
        out.push('\n');
    }
    for note in &notes {
        line(
            &mut out,
            &format!("{} {note}", palette.paint(Tone::Warning, "note:")),
        );
    }
    if !notes.is_empty() {
        out.push('\n');
    }
    line(&mut out, &palette.paint(Tone::Strong, &total));
    if !refusals.is_empty() {
        out.push('\n');
        line(
            &mut out,
            &palette.paint(Tone::Error, "This plan is not carried out as it is:"),
        );
        for refused in &refusals {
            line(&mut out, &format!("  {}", refused.text));
            line(
                &mut out,
                &format!("    {}", palette.paint(Tone::Faint, &refused.help)),
            );
        }
    }
    out
}

/// The sign and its colour.
pub fn sign(sign: Sign) -> (&'static str, Tone) {
    match sign {
        Sign::Create => ("+", Tone::Create),
        Sign::Update => ("~", Tone::Update),
        Sign::Replace => ("±", Tone::Replace),
        Sign::Delete => ("-", Tone::Delete),
        Sign::Forget => ("○", Tone::Forget),
        Sign::Wait => ("…", Tone::Faint),
    }
}

/// `+ network/vpc  ec2.vpc`.
pub fn heading(block: &Block) -> String {
    let (mark, _) = sign(block.sign);
    let what = match block.sign {
        Sign::Replace => "  is replaced",
        Sign::Forget => "  is let go",
        Sign::Wait => "  is waited for",
        _ => "",
    };
    let id = block
        .id
        .as_ref()
        .map(|id| format!("  {id}"))
        .unwrap_or_default();
    format!("{mark} {}  {}{id}{what}", block.address, block.kind)
}

fn print_block(out: &mut String, block: &Block, palette: Palette) {
    let (_, tone) = sign(block.sign);
    line(out, &palette.paint(tone, &heading(block)));
    for remark in &block.remarks {
        let tone = if remark.warning {
            Tone::Warning
        } else {
            Tone::Faint
        };
        line(out, &format!("    {}", palette.paint(tone, &remark.text)));
    }
    let width = width(&block.rows);
    for row in &block.rows {
        line(out, &format!("    {}", print_row(row, width, palette)));
    }
}

/// How wide the column of field names is.
pub fn width(rows: &[Row]) -> usize {
    rows.iter()
        .map(|row| path(row).chars().count())
        .filter(|width| *width <= WIDEST_PATH)
        .max()
        .unwrap_or(0)
}

fn path(row: &Row) -> &str {
    match row {
        Row::Given { path, .. } => path,
        Row::Changed { leaf, .. } => &leaf.path,
    }
}

/// `idle_timeout  60 → 180  changed outside`.
pub fn print_row(row: &Row, width: usize, palette: Palette) -> String {
    let path = path(row);
    match row {
        Row::Given { value, .. } => format!("{path:width$}  {value}"),
        Row::Changed { leaf, note, .. } => {
            let note = note
                .map(|note| format!("  {}", palette.paint(Tone::Warning, note)))
                .unwrap_or_default();
            format!("{path:width$}  {}{note}", change(leaf, palette))
        }
    }
}

fn change(leaf: &Leaf, palette: Palette) -> String {
    match (&leaf.from, &leaf.to) {
        (Some(from), Some(to)) => format!(
            "{} → {}",
            palette.paint(Tone::Delete, from),
            palette.paint(Tone::Create, to)
        ),
        (Some(from), None) => palette.paint(Tone::Delete, &format!("- {from}")),
        (None, Some(to)) => palette.paint(Tone::Create, &format!("+ {to}")),
        (None, None) => String::new(),
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Mode, Plan};
    use crate::render::samples;

    #[test]
    fn every_act_cause_note_and_refusal() {
        insta::assert_snapshot!(
            "plan_text",
            plan_text(&samples::every_act(), Palette::PLAIN)
        );
    }

    #[test]
    fn signs_are_coloured_by_meaning() {
        let text = plan_text(&samples::every_act(), Palette::COLOUR);
        assert!(text.contains("\u{1b}[32m+ network/vpc  ec2.vpc\u{1b}[0m"));
        assert!(text.contains("\u{1b}[31m60\u{1b}[0m → \u{1b}[32m180\u{1b}[0m"));
    }

    #[test]
    fn an_empty_plan_is_one_sentence() {
        let mut plan = samples::empty();
        insta::assert_snapshot!(plan_text(&plan, Palette::PLAIN), @"Nothing to do: all 37 resources are as the stack says.");
        plan.header.mode = Mode::Destroy;
        insta::assert_snapshot!(plan_text(&plan, Palette::PLAIN), @"Nothing to destroy.");
    }

    #[test]
    fn a_plan_that_only_waits_says_so() {
        let plan = Plan {
            steps: vec![samples::waiting(0)],
            ..samples::empty()
        };
        insta::assert_snapshot!(plan_text(&plan, Palette::PLAIN), @r"
        … service  ecs.service  arn:svc/circles-svc  is waited for
            an earlier run did not see it become ready

        Nothing to change; one resource of an earlier run is still waited for.
        ");
    }

    #[test]
    fn the_total_counts_a_replacement_once() {
        let plan = Plan {
            unchanged: 1,
            ..samples::every_act()
        };
        insta::assert_snapshot!(crate::render::plan_words::total(&plan), @"Plan: 1 to create, 3 to update, 2 to replace, 5 to delete, 1 to forget; 1 stays as it is.");
    }
}
