//! `moved:`: addresses that were renamed.

use super::check::Checker;
use super::checked::Resource;
use super::desk::Desk;
use super::document::{Document, MOVED};
use super::entry::Checked;
use super::names::Nothing;
use super::suggest::did_you_mean;
use crate::diagnostic::code;
use crate::kind::Type;
use crate::model::Address;

/// Renamed addresses; of a component, each of what it makes.
pub fn moved(
    desk: &mut Desk<'_>,
    document: &Document<'_>,
    entries: &[Checked<'_>],
    resources: &[Resource],
) -> Vec<(Address, Address)> {
    let Some(node) = document.get("moved") else {
        return Vec::new();
    };
    let mut checker = Checker::new(desk, &Nothing);
    let list = checker.value(node, &Type::List(&Type::Object(MOVED)), "moved");
    let spans = checker.spans;
    let mut moved = Vec::new();
    for (i, item) in list.as_list().unwrap_or_default().iter().enumerate() {
        let get = |key: &str| {
            let text = item.as_map()?.get(key)?.as_text()?;
            let span = spans.get(&format!("moved.{i}.{key}"))?;
            Some((Address::from(text), *span))
        };
        let (Some((from, from_span)), Some((to, to_span))) = (get("from"), get("to")) else {
            desk.error(
                code::MISSING,
                spans
                    .get(&format!("moved.{i}"))
                    .copied()
                    .unwrap_or(node.span),
                "a move has a `from` and a `to`",
            )
            .help("write `{ from: old-name, to: new-name }`");
            continue;
        };
        let there = |address: &Address| {
            resources
                .iter()
                .any(|resource| resource.address.within(address))
                || entries.iter().any(|entry| entry.name == address.as_str())
        };
        if there(&from) {
            desk.error(
                code::MOVED,
                from_span,
                format!("`{from}` is still in the file, so it was not moved"),
            )
            .help("leave the entry out, or rename the resource");
        }
        if !there(&to) {
            let known = resources.iter().map(|resource| resource.address.as_str());
            desk.error(code::MOVED, to_span, format!("there is no resource `{to}`"))
                .help_if(did_you_mean(to.as_str(), known));
            continue;
        }
        for resource in resources
            .iter()
            .filter(|resource| resource.address.within(&to))
        {
            let rest = &resource.address.as_str()[to.as_str().len()..];
            let old = Address::new(format!("{from}{rest}"));
            moved.push((old, resource.address.clone()));
        }
    }
    moved
}
