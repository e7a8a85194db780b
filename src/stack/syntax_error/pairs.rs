//! Quotes and brackets that are open at the end, close nothing, or are closed by the other kind.

use super::{Line, SyntaxError, error};

pub(super) fn quotes(text: &str, at: usize, info: &str) -> Option<SyntaxError> {
    if info.contains("unknown escape") {
        let slash = unknown_escape(text, at)?;
        let end = text[slash..]
            .char_indices()
            .nth(2)
            .map_or(text.len(), |(i, _)| slash + i);
        return Some(error(
            slash..end,
            format!("`{}` means nothing inside double quotes", &text[slash..end]),
            "use single quotes, or write the backslash twice",
        ));
    }
    if info.contains("quoted scalar") || info.contains("double-quoted") {
        let (start, quote) = last_open_quote(text)?;
        return Some(error(
            start..start + 1,
            format!("this `{quote}` is never closed"),
            format!("add the closing `{quote}`"),
        ));
    }
    None
}

/// The first backslash from `at` on that starts no escape of YAML's (YAML 1.2.2, section 5.7).
fn unknown_escape(text: &str, at: usize) -> Option<usize> {
    const KNOWN: &str = "0abt\tnvfre \"/\\N_LPxuU\n\r";
    let mut chars = text.get(at..)?.char_indices();
    while let Some((i, c)) = chars.next() {
        if c == '\\' && !chars.next().is_some_and(|(_, next)| KNOWN.contains(next)) {
            return Some(at + i);
        }
    }
    None
}

/// The quote that is open at the end of the text.
fn last_open_quote(text: &str) -> Option<(usize, char)> {
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    let mut before = '\n';
    for (at, c) in text.char_indices() {
        match open {
            Some((_, '"')) if escaped => escaped = false,
            Some((_, '"')) if c == '\\' => escaped = true,
            Some((_, quote)) if c == quote => open = None,
            Some(_) => {}
            // An apostrophe inside a word opens nothing.
            None if matches!(c, '"' | '\'') && !before.is_alphanumeric() => open = Some((at, c)),
            None => {}
        }
        before = c;
    }
    open
}

/// A bracket that is open where the block around it goes on, or at the end.
pub(super) fn never_closed(text: &str, lines: &[Line<'_>]) -> Option<SyntaxError> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut quote = None;
    let mut before = '\n';
    for line in lines {
        let content = line.text.split(" #").next().unwrap_or(line.text);
        for (i, c) in content.char_indices() {
            let here = line.start + i;
            match quote {
                Some(q) if c == q => quote = None,
                Some(_) => {}
                None if matches!(c, '"' | '\'') && !before.is_alphanumeric() => quote = Some(c),
                None if before == '$' => {}
                None => match c {
                    '{' | '[' => open.push((here, c)),
                    '}' | ']' => match open.pop() {
                        Some((_, opened)) if (opened == '{') == (c == '}') => {}
                        Some((at, opened)) => {
                            let (wanted, line) = (pair(opened), number(text, at));
                            return Some(error(
                                here..here + 1,
                                format!("the `{opened}` in line {line} is closed by `{c}`"),
                                format!("write `{wanted}` instead of `{c}`"),
                            ));
                        }
                        None => {
                            let help =
                                format!("take it away, or open it with `{}` before", pair(c));
                            return Some(error(
                                here..here + 1,
                                format!("this `{c}` closes nothing"),
                                help,
                            ));
                        }
                    },
                    _ => {}
                },
            }
            before = c;
        }
        before = '\n';
    }
    let (at, opened) = open.first().copied()?;
    let help = format!("add the closing `{}`", pair(opened));
    Some(error(
        at..at + 1,
        format!("this `{opened}` is never closed"),
        help,
    ))
}

fn pair(bracket: char) -> char {
    match bracket {
        '{' => '}',
        '[' => ']',
        '}' => '{',
        _ => '[',
    }
}

/// The number of the line that a byte is in.
fn number(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}
