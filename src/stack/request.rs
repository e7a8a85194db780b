//! What a load is asked with, and what it gives.

use super::catalog::Catalog;
use super::checked::Stack;
use super::settings::Settings;
use crate::diagnostic::Texts;

/// What is asked for. The caller reads files and the process environment.
#[derive(Clone, Copy)]
pub struct LoadRequest<'a> {
    /// The stack file's name, for messages.
    pub file: &'a str,
    pub text: &'a str,
    /// `--env`.
    pub environment: Option<&'a str>,
    /// `--var name=value`, in order; later ones win.
    pub variables: &'a [(String, String)],
    /// `--var-file`, in order; later ones win.
    pub variable_files: &'a [VarFile],
    /// The process environment; `CIRCLES_VAR_…` is of interest.
    pub process: &'a [(String, String)],
    /// What AWS said about caller and region. `None`: offline, placeholders stand in.
    pub facts: Option<&'a Facts>,
    /// Against the sandbox.
    pub sandbox: bool,
    pub catalog: &'a Catalog,
}

/// A file with values of variables: a YAML map.
#[derive(Clone, Debug)]
pub struct VarFile {
    pub name: String,
    pub text: String,
}

/// Who calls, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub account: String,
    pub region: String,
    pub partition: String,
    /// The region's availability zones, in AWS's order.
    pub zones: Vec<String>,
    /// Those among them that a network passes over unless the stack names them.
    pub limited_zones: Vec<String>,
}

impl Facts {
    /// What stands in while nobody has been asked.
    pub fn placeholder(settings: &Settings) -> Self {
        let region = settings
            .region
            .clone()
            .unwrap_or_else(|| "us-east-1".into());
        Self {
            account: settings
                .account
                .clone()
                .unwrap_or_else(|| "000000000000".into()),
            partition: "aws".into(),
            zones: ["a", "b", "c"]
                .iter()
                .map(|zone| format!("{region}{zone}"))
                .collect(),
            limited_zones: Vec::new(),
            region,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Loaded {
    pub stack: Stack,
    /// The texts that origins point into.
    pub texts: Texts,
}

impl LoadRequest<'_> {
    /// The texts that diagnostics of this request point into.
    pub fn texts(&self) -> Texts {
        let files = self
            .variable_files
            .iter()
            .map(|file| (file.name.clone(), file.text.clone()));
        files
            .chain([(self.file.to_owned(), self.text.to_owned())])
            .collect()
    }
}
