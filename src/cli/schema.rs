//! `schema`.

use clap::Args;

use super::failure::{Exit, Failure};
use super::offline;
use super::ui::Ui;
use crate::render::json;

/// Print the JSON schema of stack files, for editors
///
/// `circles-infra schema > stacks/stack.schema.json`, and `# yaml-language-server: $schema=stack.schema.json` as the stack file's first line.
#[derive(Args, Clone, Debug)]
pub struct SchemaArgs {}

pub fn run(ui: &mut Ui) -> Result<Exit, Failure> {
    ui.result(&json::pretty(&offline::schema()))?;
    Ok(Exit::FINE)
}
