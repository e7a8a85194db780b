//! What the tests of the language share.

use crate::diagnostic::{Style, render};
use crate::stack::{Catalog, Facts, LoadRequest, Loaded, load};

/// The real tables: the language is tested against the fields it is used with.
pub fn catalog() -> Catalog {
    Catalog::from(&crate::aws::tables())
}

pub fn facts() -> Facts {
    Facts {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
        zones: ["a", "b", "c", "d", "e", "f"]
            .map(|z| format!("us-east-1{z}"))
            .into(),
    }
}

/// One request, changed by `change`.
pub fn with(text: &str, change: impl FnOnce(&mut LoadRequest<'_>)) -> Result<Loaded, String> {
    let (catalog, facts) = (catalog(), facts());
    let mut request = LoadRequest {
        file: "stack.yaml",
        text,
        environment: None,
        variables: &[],
        variable_files: &[],
        process: &[],
        facts: Some(&facts),
        catalog: &catalog,
    };
    change(&mut request);
    load(&request).map_err(|report| render(&report, &request.texts(), Style::Plain))
}

pub fn loaded(text: &str) -> Loaded {
    with(text, |_| {}).unwrap_or_else(|report| panic!("{report}"))
}

pub fn wrong(text: &str) -> String {
    match with(text, |_| {}) {
        Ok(_) => panic!("this should not have been accepted:\n{text}"),
        Err(report) => report,
    }
}
