//! A syntax error of the YAML parser in the reader's words: what is wrong, exactly where, and what to write. The parser's own message
//! speaks of grammar rules, and its place is often the line after the mistake.

mod pairs;

use std::ops::Range;

use self::pairs::{never_closed, quotes};
use super::terraform;

/// What is wrong with a text that is not YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Bytes of the text that are to be underlined.
    pub range: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

/// One line: where it starts, and its text without the line break.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t str,
}

impl<'t> Line<'t> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    fn content(&self) -> &'t str {
        self.text.trim()
    }

    fn is_blank(&self) -> bool {
        self.content().is_empty() || self.content().starts_with('#')
    }

    /// The bytes of `part`, which is a part of this line's text.
    fn range(&self, part: &str) -> Range<usize> {
        let at = self.start + (part.as_ptr() as usize - self.text.as_ptr() as usize);
        at..at + part.len().max(1)
    }
}

/// Explains the parser's message `info` about the byte `at` of `text`.
pub fn explain(text: &str, at: usize, info: &str) -> SyntaxError {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        lines.push(Line {
            start,
            text: line.trim_end_matches(['\n', '\r']),
        });
        start += line.len();
    }
    let last = lines.len().saturating_sub(1);
    let here = lines
        .iter()
        .rposition(|line| line.start <= at)
        .unwrap_or(last);
    // The mistake is in this line or in the one before it.
    let near: Vec<Line<'_>> = lines[..lines.len().min(here + 1)]
        .iter()
        .rev()
        .filter(|line| !line.is_blank())
        .take(2)
        .copied()
        .collect();
    let checks: [fn(&Line<'_>) -> Option<SyntaxError>; 6] = [
        tab,
        reference_in_flow,
        missing_space,
        reserved_start,
        second_colon,
        after_close,
    ];
    for check in checks {
        if let Some(error) = near.iter().find_map(check) {
            return error;
        }
    }
    terraform_variables(text)
        .or_else(|| quotes(text, at, info))
        .or_else(|| never_closed(text, &lines))
        .or_else(|| indentation(&lines, here, info))
        .or_else(|| near.iter().find_map(no_colon))
        .unwrap_or_else(|| in_parser_words(text, at, info))
}

fn error(range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> SyntaxError {
    SyntaxError {
        range,
        message: message.into(),
        help: Some(help.into()),
    }
}

fn in_parser_words(text: &str, at: usize, info: &str) -> SyntaxError {
    let mut start = at.min(text.trim_end().len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let width = text[start..].chars().next().map_or(0, char::len_utf8);
    SyntaxError {
        range: start..start + width,
        message: format!("this is not YAML: {info}"),
        help: None,
    }
}

fn tab(line: &Line<'_>) -> Option<SyntaxError> {
    let blank = &line.text[..line.text.len() - line.text.trim_start().len()];
    let at = blank.find('\t')?;
    Some(error(
        line.start + at..line.start + at + 1,
        "this line is indented with a tab",
        "indent with spaces; YAML does not allow tabs",
    ))
}

fn reference_in_flow(line: &Line<'_>) -> Option<SyntaxError> {
    let at = line.text.find("${")?;
    let before = &line.text[..at];
    let in_flow = before.matches(['[', '{']).count() > before.matches([']', '}']).count();
    if !in_flow || is_quoted(before) {
        return None;
    }
    let end = line.text[at..]
        .find('}')
        .map_or(line.text.len(), |end| at + end + 1);
    let reference = &line.text[at..end];
    Some(error(
        line.range(reference),
        "inside `{…}` and `[…]` a reference must be in quotes",
        format!("write \"{reference}\""),
    ))
}

/// Whether a quote is open at the end of this text.
fn is_quoted(before: &str) -> bool {
    let mut open = None;
    for c in before.chars() {
        match open {
            Some(quote) if c == quote => open = None,
            None if c == '"' || c == '\'' => open = Some(c),
            _ => {}
        }
    }
    open.is_some()
}

/// The key and the rest of a line of a block map, without the dashes before it.
fn entry<'t>(line: &Line<'t>) -> Option<(&'t str, &'t str)> {
    let content = line.content().trim_start_matches("- ").trim_start();
    let (key, rest) = content.split_once(':')?;
    let is_key = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/'));
    is_key.then_some((key, rest))
}

fn missing_space(line: &Line<'_>) -> Option<SyntaxError> {
    let (key, rest) = entry(line)?;
    if rest.is_empty() || rest.starts_with([' ', '\t']) || rest.starts_with("//") {
        return None;
    }
    let part = &line.content()[line.content().find(key)?..];
    Some(error(
        line.range(part),
        "a space is missing after the colon",
        format!("write `{key}: {rest}`"),
    ))
}

/// Characters that YAML keeps for itself at the start of a text.
fn reserved_start(line: &Line<'_>) -> Option<SyntaxError> {
    let (key, rest) = entry(line).unwrap_or(("", line.content().trim_start_matches("- ")));
    let value = rest.trim();
    let first = value.chars().next()?;
    if !matches!(first, '%' | '@' | '`') {
        return None;
    }
    let shown = if key.is_empty() {
        format!("\"{value}\"")
    } else {
        format!("{key}: \"{value}\"")
    };
    Some(error(
        line.range(value),
        format!("a text cannot start with `{first}`"),
        format!("put it in quotes: {shown}"),
    ))
}

/// `name: foo: bar`.
fn second_colon(line: &Line<'_>) -> Option<SyntaxError> {
    let (key, rest) = entry(line)?;
    let value = rest.trim();
    let is_plain = !value.starts_with(['"', '\'', '{', '[', '#', '|', '>', '&', '*', '!']);
    let value = value.split(" #").next().unwrap_or(value).trim_end();
    if !is_plain || !(value.contains(": ") || value.ends_with(':')) {
        return None;
    }
    Some(error(
        line.range(value),
        "a second colon is in this line",
        format!("put the text in quotes: `{key}: \"{value}\"`"),
    ))
}

/// Something behind the bracket or quote that ends a value: a comma, as JSON has it, or more text.
fn after_close(line: &Line<'_>) -> Option<SyntaxError> {
    let (_, rest) = entry(line)?;
    let value = rest.trim();
    let open = value
        .chars()
        .next()
        .filter(|c| matches!(c, '{' | '[' | '"' | '\''))?;
    let end = closing(value, open)?;
    let after = value[end..].trim_start();
    if after.is_empty() || after.starts_with('#') {
        return None;
    }
    let what = match open {
        '{' | '[' => "bracket",
        _ => "quote",
    };
    Some(error(
        line.range(after),
        format!("nothing may follow the closing {what}"),
        if after == "," {
            "take the comma away".to_owned()
        } else {
            format!("take `{after}` away, or put the whole text in quotes")
        },
    ))
}

/// The byte behind what closes `open`, with which the text starts.
fn closing(text: &str, open: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match quote {
            Some('"') if c == '\\' => escaped = true,
            Some(q) if c == q => {
                quote = None;
                if depth == 0 && matches!(open, '"' | '\'') {
                    return Some(at + 1);
                }
            }
            Some(_) => {}
            None => match c {
                '"' | '\'' => quote = Some(c),
                '{' | '[' => depth += 1,
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            },
        }
    }
    None
}

/// A `.tfvars` file.
fn terraform_variables(text: &str) -> Option<SyntaxError> {
    let first = text.lines().find(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with(['#', '/'])
    })?;
    if !first.contains('=') || first.contains(": ") || first.trim_end().ends_with(':') {
        return None;
    }
    let yaml = terraform::variable_as_yaml(text)?;
    let start = first.as_ptr() as usize - text.as_ptr() as usize;
    Some(error(
        start..start + first.trim_end().len(),
        "this is a file of Terraform, not YAML",
        format!("write `{yaml}`"),
    ))
}

/// A line that is indented unlike its neighbors.
fn indentation(lines: &[Line<'_>], here: usize, info: &str) -> Option<SyntaxError> {
    if ![
        "block mapping",
        "not allowed in this context",
        "invalid indentation",
        "block collection",
    ]
    .iter()
    .any(|part| info.contains(part))
    {
        return None;
    }
    let line = lines[..=here].iter().rev().find(|line| !line.is_blank())?;
    let before = lines[..here]
        .iter()
        .rev()
        .filter(|other| !other.is_blank() && other.start < line.start)
        .collect::<Vec<_>>();
    let neighbor = before.iter().find(|other| {
        other.indent() > 0
            && other.indent().abs_diff(line.indent()) < 2
            && other.indent() != line.indent()
    });
    let neighbor = neighbor.or_else(|| {
        before
            .first()
            .filter(|other| other.indent() != line.indent())
    })?;
    Some(error(
        line.range(line.content()),
        format!(
            "this line is indented by {}, and its neighbor by {}",
            spaces(line.indent()),
            spaces(neighbor.indent())
        ),
        "indent the keys of one map alike",
    ))
}

fn spaces(count: usize) -> String {
    match count {
        1 => "1 space".to_owned(),
        count => format!("{count} spaces"),
    }
}

fn no_colon(line: &Line<'_>) -> Option<SyntaxError> {
    let content = line.content();
    if content.contains(':') || content.starts_with(['-', '{', '[', '"', '\'', '}', ']']) {
        return None;
    }
    let word = content.split_whitespace().next()?;
    let help = match content.split_once(char::is_whitespace) {
        Some((key, rest)) => format!("write `{key}: {}`", rest.trim_start_matches('=').trim()),
        None => format!("write `{word}: VALUE`"),
    };
    Some(error(
        line.range(content),
        "this line has no colon after its key",
        help,
    ))
}
