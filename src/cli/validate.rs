//! `validate`.

use clap::Args;

use super::failure::{Exit, Failure};
use super::global::Global;
use super::offline;
use super::ui::Ui;

/// Check the stack file; asks nothing of AWS
///
/// Every mistake is reported at once, each with its place in the file, the text underlined, and what to write instead. Without
/// `--env` in every environment.
#[derive(Args, Clone, Debug)]
pub struct ValidateArgs {}

pub fn run(global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    for checked in offline::check_everywhere(global, ui.err_palette)? {
        if !checked.warnings.is_empty() {
            ui.tell(&checked.warnings);
        }
        let resources = checked.picture.nodes.len();
        let plural = if resources == 1 { "" } else { "s" };
        ui.result(&format!(
            "{} is right: {}/{}, {resources} resource{plural}\n",
            global.stack.display(),
            checked.stack,
            checked.environment
        ))?;
    }
    Ok(Exit::FINE)
}
