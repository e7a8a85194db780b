//! What the tests of the language share.

use std::sync::LazyLock;

use crate::diagnostic::{Diagnostic, Style, render};
use crate::stack::{Catalog, Facts, LoadRequest, Loaded, VarFile, load};

/// The real tables: the language is tested against the fields it is used with.
pub static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::from(&crate::aws::tables()));

/// A request, owned.
pub struct Ask {
    pub file: String,
    pub environment: Option<&'static str>,
    pub variables: Vec<(String, String)>,
    pub files: Vec<VarFile>,
    pub process: Vec<(String, String)>,
    pub facts: Facts,
    pub sandbox: bool,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            file: "stack.yaml".into(),
            environment: None,
            variables: Vec::new(),
            files: Vec::new(),
            process: Vec::new(),
            sandbox: false,
            facts: Facts {
                account: "000000000000".into(),
                region: "us-east-1".into(),
                partition: "aws".into(),
                zones: ["a", "b", "c", "d", "e", "f"]
                    .map(|z| format!("us-east-1{z}"))
                    .into(),
                limited_zones: Vec::new(),
            },
        }
    }
}

impl Ask {
    pub fn request<'a>(&'a self, text: &'a str) -> LoadRequest<'a> {
        LoadRequest {
            file: &self.file,
            text,
            environment: self.environment,
            variables: &self.variables,
            variable_files: &self.files,
            process: &self.process,
            facts: Some(&self.facts),
            sandbox: self.sandbox,
            catalog: &CATALOG,
        }
    }

    pub fn load(&self, text: &str) -> Result<Loaded, Vec<Diagnostic>> {
        load(&self.request(text))
    }
}

pub fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// One request, changed by `change`; the report rendered.
pub fn with(text: &str, change: impl FnOnce(&mut Ask)) -> Result<Loaded, String> {
    let mut ask = Ask::default();
    change(&mut ask);
    let request = ask.request(text);
    load(&request).map_err(|report| render(&report, &request.texts(), Style::Plain))
}

pub fn loaded(text: &str) -> Loaded {
    with(text, |_| {}).unwrap_or_else(|report| panic!("{report}"))
}
