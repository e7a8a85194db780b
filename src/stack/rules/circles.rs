use super::Seen;
use crate::diagnostic::code;
use crate::graph::Graph;
use crate::stack::desk::Desk;

/// Resources that wait for one another.
pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    let nodes = seen
        .resources
        .iter()
        .map(|r| (r.address.clone(), r.dependencies()));
    for cycle in Graph::new(nodes).cycles() {
        let resources: Vec<_> = cycle
            .0
            .iter()
            .filter_map(|address| seen.by_address.get(address.as_str()).copied())
            .collect();
        let Some((first, others)) = resources.split_first() else {
            continue;
        };
        let message = if others.is_empty() {
            format!("`{}` refers to itself", first.address)
        } else {
            format!("these wait for one another: {cycle}")
        };
        let mut finding = desk.error(code::CYCLE, seen.span(first, ""), message);
        let mut spans = vec![seen.span(first, "")];
        for resource in others {
            let span = seen.span(resource, "");
            if !spans.contains(&span) {
                finding = finding.and(span, format!("`{}`", resource.address));
                spans.push(span);
            }
        }
        drop(finding.help("break the circle: leave one of the references or `depends_on` out"));
    }
}
