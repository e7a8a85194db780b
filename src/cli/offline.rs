//! What asks nobody: the stack file checked, the kinds' tables, the schema.

use super::checked::Checked;
use super::failure::Failure;
use super::global::Global;
use super::session::{failure, request};
use crate::aws;
use crate::diagnostic::{self, Style};
use crate::kind::Kinds;
use crate::render::graph::Picture;
use crate::render::palette::Palette;
use crate::session;
use crate::stack::{self, Catalog, Loaded};

/// Reads and checks the stack file. Diagnostics are drawn in colour where `palette` has one.
pub fn check(global: &Global, palette: Palette) -> Result<Checked, Failure> {
    let style = style(palette);
    let loaded = session::check(&request(global)?).map_err(|error| failure(error, style))?;
    Ok(checked(&loaded, style))
}

/// The same in every environment, where none is asked for.
pub fn check_everywhere(global: &Global, palette: Palette) -> Result<Vec<Checked>, Failure> {
    let style = style(palette);
    let all =
        session::check_everywhere(&request(global)?).map_err(|error| failure(error, style))?;
    Ok(all.iter().map(|loaded| checked(loaded, style)).collect())
}

pub(super) fn style(palette: Palette) -> Style {
    if palette == Palette::PLAIN {
        Style::Plain
    } else {
        Style::Colour
    }
}

fn checked(loaded: &Loaded, style: Style) -> Checked {
    let resources = &loaded.stack.resources;
    Checked {
        stack: loaded.stack.name.clone(),
        environment: loaded.stack.environment.clone(),
        warnings: diagnostic::render(&loaded.stack.warnings, &loaded.texts, style),
        picture: Picture {
            nodes: resources
                .iter()
                .map(|r| (r.address.clone(), r.kind.clone()))
                .collect(),
            edges: resources
                .iter()
                .flat_map(|r| {
                    r.dependencies()
                        .into_iter()
                        .map(|need| (r.address.clone(), need))
                })
                .collect(),
        },
    }
}

/// The kinds' tables alone.
pub fn tables() -> Kinds {
    aws::tables()
}

/// The JSON schema of stack files.
pub fn schema() -> serde_json::Value {
    stack::schema(&Catalog::from(&aws::tables()))
}
