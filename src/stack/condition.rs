//! `when`: whether an entry exists. Decided from the file and its variables, before anything is asked of AWS.

use super::check::{Meaning, Names};
use super::desk::Desk;
use super::names::Scope;
use super::node::{Body, Core, Node, Scalar};
use super::template::{Hole, Piece, pieces};
use crate::diagnostic::code;
use crate::model::Value;

const HELP: &str = "write `true`, `false`, or a variable: `when: ${var.name}`";

/// Reads a `when`. What is wrong counts as true, so that the entry is checked as well.
pub fn read(desk: &mut Desk<'_>, scope: &Scope<'_>, node: &Node) -> bool {
    let Body::Scalar(scalar) = &node.body else {
        return refuse(desk, node, format!("this is {}", node.what()), HELP);
    };
    match scalar.core() {
        Core::Null => return false,
        Core::Bool(on) => return on,
        Core::Word11(on) => {
            let reason = format!("`{}` is a text", scalar.text);
            return refuse(desk, node, reason, &format!("write `{on}`"));
        }
        _ => {}
    }
    match pieces(desk.sources, scalar, node.span, &mut desk.report).as_slice() {
        [Piece::Hole(hole)] => of_reference(desk, scope, node, hole),
        _ => literal(desk, node, scalar),
    }
}

fn refuse(desk: &mut Desk<'_>, node: &Node, reason: String, help: &str) -> bool {
    desk.error(
        code::WRONG_TYPE,
        node.span,
        format!("`when` must be `true`, `false` or a variable; {reason}"),
    )
    .help(help);
    true
}

fn literal(desk: &mut Desk<'_>, node: &Node, scalar: &Scalar) -> bool {
    let text = scalar.text.trim();
    let help = match meant(text) {
        Some(on) => format!("write `{on}`, without quotes"),
        None if text.contains("${env}") || text.contains("${stack}") => {
            "there are no expressions: write `when: false` here, and `when: true` under `environments: { NAME: { resources: … } }`".to_owned()
        }
        None if ["==", "!=", "&&", "||", "?"].iter().any(|word| text.contains(word)) => {
            "there are no expressions: declare a variable with `type: bool`, and write `when: ${var.name}`".to_owned()
        }
        None => HELP.to_owned(),
    };
    let reason = match scalar.core() {
        Core::Int { .. } | Core::Float => format!("`{text}` is a number"),
        _ => format!("`{text}` is a text"),
    };
    refuse(desk, node, reason, &help)
}

/// A word that somebody would write for true or false.
fn meant(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "1" => Some(true),
        "false" | "no" | "off" | "n" | "0" | "" => Some(false),
        _ => None,
    }
}

fn of_reference(desk: &mut Desk<'_>, scope: &Scope<'_>, node: &Node, hole: &Hole) -> bool {
    let path = &hole.path;
    let is_variable = hole.parts().0 == "var";
    match scope.meaning(hole, desk) {
        // Reported where it is wrong; looked at all the same.
        Meaning::Wrong => true,
        Meaning::Known(Value::Null) => false,
        Meaning::Known(Value::Bool(on)) => on,
        Meaning::Known(Value::Text(text)) if is_variable => match text.as_str() {
            // A variable without a type that was given from outside is text.
            "true" => true,
            "false" => false,
            word if meant(word).is_some() => refuse(
                desk,
                node,
                format!("`${{{path}}}` is the text `{word}`"),
                "declare the variable with `type: bool`, and give it `true` or `false`",
            ),
            // A variable that is set: `when: ${var.certificate_arn}`.
            _ => true,
        },
        Meaning::Known(Value::Int(int)) if is_variable => refuse(
            desk,
            node,
            format!("`${{{path}}}` is the number {int}"),
            "declare a variable with `type: bool`",
        ),
        Meaning::Known(_) => refuse(
            desk,
            node,
            format!("`${{{path}}}` is always the same"),
            "switch it in an environment: `environments: { NAME: { resources: { ENTRY: { when: true } } } }`",
        ),
        Meaning::Later(..) | Meaning::Handle { .. } => refuse(
            desk,
            node,
            format!("`${{{path}}}` is known only after AWS was asked"),
            "declare a variable and write `when: ${var.name}`",
        ),
    }
}
