//! What a command asks of a session, and what it gets back.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::event::{Outcome, RunView};
use crate::model::Address;
use crate::plan::{Ask, Outputs};

/// Values of variables that were given from outside the stack file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// `--var`.
    pub variables: Vec<(String, String)>,
    /// `--var-file`: name and text.
    pub files: Vec<(String, String)>,
    /// `CIRCLES_VAR_…`.
    pub process: Vec<(String, String)>,
}

/// What an apply came to.
#[derive(Clone, Debug)]
pub struct Applied {
    pub outcome: Outcome,
    pub outputs: Outputs,
    pub view: RunView,
}

/// Options that narrow or widen a plan.
#[derive(Args, Clone, Debug, Default)]
pub struct Selection {
    /// Plan only this resource, what stands below it, and what it needs; may be given several times
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<Address>,

    /// Replace this resource though nothing about it changed (a task definition gets one more revision); may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<Address>,

    /// Permit deleting this resource with the data it holds; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub allow_delete: Vec<Address>,

    /// Permit replacing this resource with the data it holds; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub allow_replace: Vec<Address>,
}

impl Selection {
    pub fn ask(&self, destroy: bool) -> Ask {
        Ask {
            destroy,
            targets: self.targets.clone(),
            replace: self.replace.clone(),
            allow_delete: self.allow_delete.clone(),
            allow_replace: self.allow_replace.clone(),
        }
    }
}
