//! What Secrets Manager accepts as names (API reference, CreateSecret).

use crate::kind::TextRule;

pub const NAME: TextRule = TextRule::length(1, 512).of("/_+=.@-").check(|name| {
    // A hyphen and six characters at the end look like the end of a secret's ARN. A word of six letters is left to a warning: stacks
    // that exist use such names, and a new name replaces the secret.
    let end = name.rsplit_once('-').map(|(_, end)| end)?;
    let looks_generated = end.len() == 6
        && end.chars().all(|c| c.is_ascii_alphanumeric())
        && end.chars().any(|c| c.is_ascii_digit());
    looks_generated
        .then_some("it must not end like the six characters that AWS adds to a secret's ARN")
});
pub const DESCRIPTION: TextRule = TextRule::length(0, 2048);
/// A container's variable reads a key as `arn:KEY::`, which a colon would cut.
pub const KEY: TextRule = TextRule::length(1, 255)
    .check(|key| {
        key.contains(|c: char| c == ':' || c.is_whitespace() || c.is_control())
            .then_some("it must not contain white space or `:`")
    })
    .example("DATABASE_URL");
/// A key's ARN, id or alias (CreateSecret, KmsKeyId).
pub const KEY_OR_ALIAS: TextRule = TextRule::length(1, 2048).of(":/_-");
pub const ALPHABET: TextRule = TextRule::length(2, 256).check(|alphabet| {
    if !alphabet.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Some("it must be printable ASCII characters");
    }
    let mut all: Vec<char> = alphabet.chars().collect();
    all.sort_unstable();
    all.windows(2)
        .any(|two| two[0] == two[1])
        .then_some("it must not contain one character twice")
});
