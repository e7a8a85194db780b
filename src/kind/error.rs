use std::fmt;

use zeroize::Zeroize;

use super::SecretText;
use crate::model::KindName;

/// What an AWS error means for what happens next. Classified once, in `aws/error.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    NotFound,
    /// The name or key is taken.
    Exists,
    /// Something else still uses it; passes when that is gone.
    InUse,
    Throttled,
    /// The caller may not.
    Denied,
    /// An account limit is reached; waiting does not help.
    Quota,
    /// AWS has not caught up with itself; passes by itself.
    NotYet,
    /// The caller's credentials have run out or are wrong: the run stops, nothing is marked failed.
    Credentials,
    /// The request is wrong.
    Invalid,
    /// The server does not have this call: a work-alike of AWS that is not finished.
    Unsupported,
    /// Nobody can say whether it was carried out: a lost answer, a timeout, a 5xx.
    Unknown,
    /// The endpoint cannot be reached; nothing was carried out.
    Unreachable,
    /// A stop was asked for, or the lease was lost, before the call was sent.
    Stopped,
    Other,
}

/// An AWS call that did not succeed, with all that AWS said of it. The message is scrubbed of secret values before it gets here.
#[derive(Clone, Debug)]
pub struct CloudError {
    /// The IAM action, `ec2:CreateVpc`.
    pub action: String,
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
    pub class: Class,
}

/// A finished attempt's outcome, as far as the journal needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// AWS refused it: nothing was carried out.
    Refused,
    /// Nobody knows.
    Unknown,
}

impl CloudError {
    pub fn new(action: &str, class: Class, code: &str, message: impl Into<String>) -> Self {
        Self {
            action: action.to_owned(),
            code: code.to_owned(),
            message: message.into(),
            request_id: None,
            class,
        }
    }

    /// A bug of ours that AWS did not cause: attributes that do not fit, an answer without the id it must have.
    pub fn malformed(kind: &KindName, what: impl fmt::Display) -> Self {
        Self::new(kind.as_str(), Class::Other, "Malformed", what.to_string())
    }

    pub fn is(&self, class: Class) -> bool {
        self.class == class
    }

    /// Takes secret values out of AWS's message, for calls that carried some: AWS may echo what it was sent, as it was sent or escaped
    /// for JSON, XML or a form. A value too short to be replaced without giving itself away costs the whole message.
    pub fn scrub<'a>(mut self, secrets: impl IntoIterator<Item = &'a SecretText>) -> Self {
        let mut values: Vec<&str> = secrets.into_iter().map(SecretText::expose).collect();
        // A value that contains another goes first, or the rest of it would stay.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in values.into_iter().filter(|value| !value.is_empty()) {
            for mut form in echoes(value) {
                if value.len() >= SHORT {
                    self.message = self.message.replace(&form, "(secret)");
                } else if has_word(&self.message, &form) {
                    self.message = "(the message is left out: it repeats a secret)".into();
                }
                form.zeroize();
            }
        }
        self
    }

    pub fn failure(&self) -> CallFailure {
        match self.class {
            Class::Unknown => CallFailure::Unknown,
            _ => CallFailure::Refused,
        }
    }
}

/// Secrets shorter than this show through their replacement.
const SHORT: usize = 6;

/// Whether `word` stands in the text by itself, not as part of a longer word.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        ![before, after]
            .into_iter()
            .flatten()
            .any(char::is_alphanumeric)
    })
}

/// The ways in which a value may come back.
fn echoes(value: &str) -> Vec<String> {
    let json = serde_json::to_string(value).unwrap_or_default();
    let json = json.trim_matches('"').to_owned();
    let mut xml = String::new();
    let mut form = String::new();
    for c in value.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&#39;"),
            _ => xml.push(c),
        }
        if c.is_ascii_alphanumeric() || "-_.~".contains(c) {
            form.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                form.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    vec![value.to_owned(), json, xml, form]
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CloudError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(message: &str, secret: &str) -> String {
        CloudError::new("rds:CreateDBInstance", Class::Invalid, "X", message)
            .scrub([&SecretText::new(secret.into())])
            .message
    }

    #[test]
    fn an_echoed_secret_is_taken_out_in_every_form() {
        let secret = "p&ss\"word/1";
        for echoed in [
            "The password p&ss\"word/1 is bad",
            "The password p&amp;ss&quot;word/1 is bad",
            "The password p&ss\\\"word/1 is bad",
            "The password p%26ss%22word%2F1 is bad",
        ] {
            assert_eq!(scrubbed(echoed, secret), "The password (secret) is bad");
        }
        assert_eq!(scrubbed("no such thing", secret), "no such thing");
        assert_eq!(scrubbed("nothing to hide", ""), "nothing to hide");
    }

    #[test]
    fn a_short_secret_costs_the_message() {
        assert!(!scrubbed("the value a1b is too short", "a1b").contains("value"));
        assert!(!scrubbed("bad url: u:a1b@host", "a1b").contains("url"));
        assert_eq!(scrubbed("it exists", "x"), "it exists");
    }

    #[test]
    fn a_secret_inside_another_does_not_leave_the_rest_of_it() {
        let inner = SecretText::new("abcdefgh".into());
        let outer = SecretText::new("postgres://u:abcdefgh@host".into());
        let error = CloudError::new("a:B", Class::Invalid, "X", "bad postgres://u:abcdefgh@host")
            .scrub([&inner, &outer]);
        assert_eq!(error.message, "bad (secret)");
    }
}
