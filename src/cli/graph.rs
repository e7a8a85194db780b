//! `graph`.

use clap::{Args, ValueEnum};

use super::failure::{Exit, Failure};
use super::global::Global;
use super::offline;
use super::ui::Ui;
use crate::render::graph::{dot, mermaid};

/// Print the dependency graph; asks nothing of AWS
#[derive(Args, Clone, Debug)]
pub struct GraphArgs {
    /// For Graphviz, or for Mermaid (which GitHub draws in Markdown)
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    pub format: GraphFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    Dot,
    Mermaid,
}

pub fn run(args: &GraphArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let picture = offline::check(global, ui.err_palette)?.picture;
    ui.result(&match args.format {
        GraphFormat::Dot => dot(&picture),
        GraphFormat::Mermaid => mermaid(&picture),
    })?;
    Ok(Exit::FINE)
}
