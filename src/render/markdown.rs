//! The plan as a comment on a pull request.

use super::palette::Palette;
use super::plan_page::{Block, Page, Row, Sign, page};
use super::plan_text::{heading, print_row, width};
use crate::plan::{Mode, Plan};

/// GitHub refuses comments of more than 65,536 characters; some room is left for what a pipeline puts around this one.
const LONGEST: usize = 60_000;

/// Heading, warnings in the open, the blocks folded away in a `diff` fence.
pub fn markdown(plan: &Plan) -> String {
    let page = page(plan);
    let header = &plan.header;
    let verb = match header.mode {
        Mode::Apply => "Plan",
        Mode::Destroy => "Destroy plan",
    };
    let sandbox = if header.sandbox { ", SANDBOX" } else { "" };
    let mut out = format!(
        "### {verb}: {}/{}\n\naccount {}, {}{sandbox}\n\n**{}**\n",
        plain(&header.stack),
        plain(&header.environment),
        plain(&header.account),
        plain(&header.region),
        plain(&page.total),
    );
    attention(&mut out, &page);
    if !page.blocks.is_empty() {
        folded(&mut out, "What changes", "diff", &diff(&page));
    }
    if !page.outputs.is_empty() {
        let rows: String = page
            .outputs
            .iter()
            .map(|(name, value)| format!("{name} = {value}\n"))
            .collect();
        folded(&mut out, "Outputs", "text", &rows);
    }
    out
}

/// What a reviewer must not overlook: refusals, warnings of blocks, notes.
fn attention(out: &mut String, page: &Page) {
    let refusals = page
        .refusals
        .iter()
        .map(|refused| format!("🛑 {}: {}", refused.text, refused.help));
    let warnings = page.blocks.iter().flat_map(|block| {
        block
            .remarks
            .iter()
            .filter(|remark| remark.warning)
            .map(|remark| format!("⚠️ {}: {}", block.address, remark.text))
    });
    let notes = page.notes.iter().map(|note| format!("ℹ️ {note}"));
    let all: Vec<String> = refusals.chain(warnings).chain(notes).collect();
    if all.is_empty() {
        return;
    }
    out.push('\n');
    for text in all {
        out.push_str(&format!("- {}\n", plain(&text)));
    }
}

fn diff(page: &Page) -> String {
    let mut out = String::new();
    for (index, block) in page.blocks.iter().enumerate() {
        let text = block_diff(block);
        if out.len() + text.len() > LONGEST {
            let left = page.blocks.len() - index;
            out.push_str(&format!(
                "# {left} more resources: the plan is too long for a comment\n"
            ));
            break;
        }
        out.push_str(&text);
    }
    out
}

/// Lines that begin with `+`, `-` or `!` are coloured by the `diff` fence.
fn block_diff(block: &Block) -> String {
    let mark = match block.sign {
        Sign::Create => '+',
        Sign::Delete => '-',
        Sign::Update | Sign::Replace | Sign::Forget => '!',
        Sign::Wait => '#',
    };
    let title = heading(block);
    let title = match block.sign {
        Sign::Create | Sign::Delete => title.get(2..).unwrap_or(&title),
        _ => &title,
    };
    let mut out = format!("{mark} {title}\n");
    for remark in &block.remarks {
        out.push_str(&format!("#     {}\n", remark.text));
    }
    let width = width(&block.rows);
    for row in &block.rows {
        let mark = match row {
            Row::Given { .. } => mark,
            Row::Changed { leaf, .. } => match (&leaf.from, &leaf.to) {
                (Some(_), None) => '-',
                (None, Some(_)) => '+',
                _ => '!',
            },
        };
        out.push_str(&format!(
            "{mark}     {}\n",
            print_row(row, width, Palette::PLAIN)
        ));
    }
    out
}

fn folded(out: &mut String, title: &str, language: &str, body: &str) {
    let fence = fence(body);
    out.push_str(&format!(
        "\n<details><summary>{title}</summary>\n\n{fence}{language}\n{body}{fence}\n\n</details>\n"
    ));
}

/// One backtick more than the body has in a row, so that nothing in it ends the fence.
fn fence(body: &str) -> String {
    let longest = body
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// Outside fences, what could be read as Markdown or HTML is taken literally.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '\n' => out.push(' '),
            '*' | '`' | '[' | ']' | '\\' | '@' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn a_plan_as_a_comment() {
        insta::assert_snapshot!("plan_markdown", markdown(&samples::every_act()));
    }

    #[test]
    fn an_empty_plan_is_one_sentence() {
        insta::assert_snapshot!(markdown(&samples::empty()), @r"
        ### Plan: circles/dev

        account 000000000000, us-east-1, SANDBOX

        **Nothing to do: all 37 resources are as the stack says.**
        ");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fence("a"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }

    #[test]
    fn a_long_plan_is_cut_with_a_word_about_it() {
        let text = markdown(&samples::large(4000));
        assert!(text.len() < 65_536, "{}", text.len());
        assert!(text.contains("more resources: the plan is too long for a comment"));
    }
}
