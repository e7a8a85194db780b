//! What the file itself names.

use super::desk::Desk;
use super::node::Key;
use crate::diagnostic::code;

/// Names of stacks, environments, resources and variables: they become tags, AWS names and addresses.
pub fn check_name(desk: &mut Desk<'_>, key: &Key, what: &str) -> bool {
    let text = key.text.as_str();
    let is_fine = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
        && !text.ends_with(['-', '_'])
        && text.len() <= 40;
    if !is_fine {
        let better: String = text
            .to_lowercase()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .take(40)
            .collect();
        let better = better.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let better = better.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        desk.error(
            code::BAD_NAME,
            key.span,
            format!("`{text}` cannot be the name of {what}"),
        )
        .help_if((!better.is_empty()).then(|| {
            format!(
                "lowercase letters, digits, `-` and `_`, a letter first, 40 at most: `{better}`"
            )
        }));
    }
    is_fine
}
