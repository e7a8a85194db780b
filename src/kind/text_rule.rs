//! What AWS accepts as the text of a field, beyond its type: length, characters, and form. The checks of a stack file and the JSON schema
//! both read it.

/// The characters that a text may contain, beside digits and lowercase ASCII letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Characters {
    /// Whether uppercase ASCII letters are allowed.
    pub upper: bool,
    pub also: &'static str,
}

impl Characters {
    pub fn allows(&self, c: char) -> bool {
        c.is_ascii_lowercase()
            || c.is_ascii_digit()
            || (self.upper && c.is_ascii_uppercase())
            || self.also.contains(c)
    }

    fn describe(&self) -> String {
        let letters = if self.upper {
            "letters"
        } else {
            "lowercase letters"
        };
        let also: Vec<String> = self.also.chars().map(|c| format!("`{c}`")).collect();
        match also.as_slice() {
            [] => format!("{letters} and digits"),
            [one] => format!("{letters}, digits and {one}"),
            [first @ .., last] => format!("{letters}, digits, {} and {last}", first.join(", ")),
        }
    }
}

/// A constraint on the text of a field. Each names the page of the API reference that it comes from where it is declared.
#[derive(Clone, Copy, Debug)]
pub struct TextRule {
    /// Length in characters, both bounds included.
    pub length: (usize, usize),
    /// `None`: any character.
    pub characters: Option<Characters>,
    /// The rule that a text breaks, as a clause: `it must start with a letter`.
    pub check: fn(&str) -> Option<&'static str>,
    /// A text that fits, for the help line.
    pub example: Option<&'static str>,
}

/// What is wrong with a text, and what to write instead where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    pub reason: String,
    pub help: Option<String>,
}

impl TextRule {
    /// Any text of `min` to `max` characters.
    pub const fn length(min: usize, max: usize) -> Self {
        Self {
            length: (min, max),
            characters: None,
            check: |_| None,
            example: None,
        }
    }

    /// Only letters, digits and the characters in `also`.
    pub const fn of(mut self, also: &'static str) -> Self {
        self.characters = Some(Characters { upper: true, also });
        self
    }

    /// Only lowercase letters, digits and the characters in `also`.
    pub const fn lowercase(mut self, also: &'static str) -> Self {
        self.characters = Some(Characters { upper: false, also });
        self
    }

    pub const fn check(mut self, check: fn(&str) -> Option<&'static str>) -> Self {
        self.check = check;
        self
    }

    pub const fn example(mut self, example: &'static str) -> Self {
        self.example = Some(example);
        self
    }

    /// The first way in which `text` breaks the rule.
    pub fn broken_by(&self, text: &str) -> Option<BrokenRule> {
        let (min, max) = self.length;
        let length = text.chars().count();
        let example = || self.example.map(|text| format!("for example `{text}`"));
        if text.is_empty() && min > 0 {
            return Some(BrokenRule {
                reason: "it is empty".into(),
                help: example().or_else(|| Some("write a text, or leave the field out".into())),
            });
        }
        if length < min || length > max {
            return Some(BrokenRule {
                reason: format!("it has {length} characters; {min} to {max} are allowed"),
                help: example(),
            });
        }
        if let Some(characters) = self.characters
            && let Some(wrong) = text.chars().find(|c| !characters.allows(*c))
        {
            return Some(BrokenRule {
                reason: format!(
                    "it contains `{}`; allowed are {}",
                    wrong.escape_debug(),
                    characters.describe()
                ),
                help: self.corrected(text, &characters).or_else(example),
            });
        }
        (self.check)(text).map(|reason| BrokenRule {
            reason: reason.to_owned(),
            help: example(),
        })
    }

    /// The text with each forbidden character replaced, where that is a text that fits.
    fn corrected(&self, text: &str, characters: &Characters) -> Option<String> {
        let filler = ['-', '_'].into_iter().find(|c| characters.allows(*c))?;
        let fitted: String = text
            .chars()
            .map(|c| match characters.upper {
                true => c,
                false => c.to_ascii_lowercase(),
            })
            .map(|c| if characters.allows(c) { c } else { filler })
            .collect();
        let fits = (self.check)(&fitted).is_none();
        fits.then(|| format!("for example `{fitted}`"))
    }

    /// `1 to 32 characters: letters, digits and `-``.
    pub fn describe(&self) -> String {
        let (min, max) = self.length;
        let length = match min == max {
            true => format!("{max} characters"),
            false => format!("{min} to {max} characters"),
        };
        match (self.characters, self.example) {
            (Some(characters), _) => format!("{length}: {}", characters.describe()),
            (None, Some(example)) => format!("{length}, for example `{example}`"),
            (None, None) => length,
        }
    }

    /// A regular expression for the JSON schema; `None` where length and characters say nothing.
    pub fn pattern(&self) -> Option<String> {
        let characters = self.characters?;
        let also: String = characters
            .also
            .chars()
            .map(|c| match c {
                '\\' | ']' | '[' | '^' | '-' | '/' => format!("\\{c}"),
                c => c.to_string(),
            })
            .collect();
        let upper = if characters.upper { "A-Z" } else { "" };
        Some(format!("^[a-z{upper}0-9{also}]*$"))
    }
}

/// Two are the same rule when they are the same constant; a rule has no other identity.
impl PartialEq for TextRule {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length
            && self.characters == other.characters
            && self.example == other.example
    }
}

impl Eq for TextRule {}

/// An ARN, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE` (IAM user guide, "Amazon Resource Names").
pub const ARN: TextRule = TextRule::length(20, 2048).check(|text| {
    let mut parts = text.splitn(6, ':');
    let is_arn = parts.next() == Some("arn")
        && parts.next().is_some_and(|part| part.starts_with("aws"))
        && parts.next().is_some_and(|part| !part.is_empty())
        && parts.nth(2).is_some_and(|part| !part.is_empty())
        && !text.contains(char::is_whitespace);
    (!is_arn).then_some("it must be an ARN, `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`")
});

/// Whether a text is an ARN of the service, as far as the form says it.
pub fn is_arn_of(text: &str, service: &str) -> bool {
    ARN.broken_by(text).is_none() && text.split(':').nth(2) == Some(service)
}

/// The ARN of a KMS key or of its alias (KMS developer guide, "Key identifiers").
pub const KMS_KEY: TextRule = TextRule::length(1, 2048)
    .check(|text| {
        let is_key = is_arn_of(text, "kms")
            && text.splitn(6, ':').nth(5).is_some_and(|resource| {
                resource.starts_with("key/") || resource.starts_with("alias/")
            });
        (!is_key).then_some("it must be the ARN of a KMS key")
    })
    .example("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_breaks_a_rule_is_answered_with_one_that_fits() {
        let rule = TextRule::length(1, 8).lowercase("-").check(|text| {
            text.starts_with('-')
                .then_some("it must not start with a hyphen")
        });
        let reason = |text: &str| rule.broken_by(text).map(|broken| broken.reason);
        assert_eq!(reason("a-b"), None);
        assert_eq!(
            rule.broken_by("A_b"),
            Some(BrokenRule {
                reason: "it contains `A`; allowed are lowercase letters, digits and `-`".into(),
                help: Some("for example `a-b`".into()),
            })
        );
        assert_eq!(reason("").as_deref(), Some("it is empty"));
        assert_eq!(
            reason("abcdefghi").as_deref(),
            Some("it has 9 characters; 1 to 8 are allowed")
        );
        assert_eq!(
            reason("-a").as_deref(),
            Some("it must not start with a hyphen")
        );
    }

    #[test]
    fn an_arn_is_recognized_by_its_parts() {
        for right in [
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1",
            "arn:aws:s3:::bucket-of-mine/prefix",
        ] {
            assert_eq!(ARN.broken_by(right), None, "{right}");
        }
        for wrong in [
            "my-role-name-is-not-an-arn",
            "arn:aws:iam::111122223333",
            "arn:other:iam::111122223333:role/x",
            "arn:aws:iam::1111 2222:role/xxxxx",
        ] {
            assert!(ARN.broken_by(wrong).is_some(), "{wrong}");
        }
        assert!(
            KMS_KEY
                .broken_by("arn:aws:iam::111122223333:role/x")
                .is_some()
        );
        assert_eq!(
            KMS_KEY.broken_by("arn:aws:kms:us-east-1:111122223333:alias/app"),
            None
        );
    }
}
