//! What is wrong with what the user wrote: a stable code, a lowercase sentence, the places in the text, and what to write instead.
//! Many at a time: checking collects, it does not stop at the first.

mod codes;
mod render;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use codes::{CODES, code};
pub use render::{Style, Texts, render};

use crate::model::Origin;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Error,
    Warning,
}

/// A place in a text, and a few words about it (may be empty).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub origin: Origin,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// `E0201`; never reused for something else.
    pub code: String,
    /// Lowercase, no full stop.
    pub message: String,
    /// Where it is; `None` for what has no place in a file (a variable given on the command line).
    pub primary: Option<Label>,
    /// Other places that matter: the first definition, the field referred to.
    pub secondary: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.to_owned(),
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            help: None,
        }
    }

    pub fn warning(code: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    pub fn at(mut self, origin: Origin, label: impl Into<String>) -> Self {
        self.primary = Some(Label {
            origin,
            text: label.into(),
        });
        self
    }

    pub fn and(mut self, origin: Origin, label: impl Into<String>) -> Self {
        self.secondary.push(Label {
            origin,
            text: label.into(),
        });
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// By place in the file, those without a place first.
    pub fn sort(all: &mut Vec<Diagnostic>) {
        all.sort_by(|a, b| a.key().cmp(&b.key()));
        all.dedup();
    }

    fn key(&self) -> (Option<(&str, usize)>, &str, &str) {
        let place = self
            .primary
            .as_ref()
            .map(|label| (label.origin.file.as_str(), label.origin.start));
        (place, &self.code, &self.message)
    }
}

/// One line, for logs and tests: `circles.yaml:3: E0201 unknown key …`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Label { origin, .. }) = &self.primary {
            write!(f, "{}:{}: ", origin.file, origin.line)?;
        }
        write!(f, "{} {}", self.code, self.message)?;
        match &self.help {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}
