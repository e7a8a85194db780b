//! Order: wishes after what they stand on; deletes after whatever held on to them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::{Address, Value};

use super::{Sighting, Wish};

/// Things that wait for each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these wait for each other: {}", .0.join(" → "))]
pub struct Cycle(pub Vec<String>);

/// Numbers `0..count` so that every `before` comes before its `after`, otherwise in their own order.
pub fn sorted(
    count: usize,
    edges: &[(usize, usize)],
    name: &dyn Fn(usize) -> String,
) -> Result<Vec<usize>, Cycle> {
    let mut graph: DiGraph<usize, ()> = DiGraph::with_capacity(count, edges.len());
    // petgraph's order is a depth-first one from the last node back, so numbers go in backwards.
    let nodes: Vec<NodeIndex> = (0..count).rev().map(|n| graph.add_node(n)).collect();
    let node = |n: usize| nodes[count - 1 - n];
    for (before, after) in edges {
        graph.update_edge(node(*before), node(*after), ());
    }
    toposort(&graph, None)
        .map(|order| order.into_iter().map(|n| graph[n]).collect())
        .map_err(|_| {
            let ring = tarjan_scc(&graph)
                .into_iter()
                .find(|ring| ring.len() > 1)
                .unwrap_or_default();
            Cycle(ring.into_iter().rev().map(|n| name(graph[n])).collect())
        })
}

/// The wishes' indices, each after what it stands on.
pub fn wishes(wishes: &[Wish]) -> Result<Vec<usize>, Cycle> {
    let index: HashMap<&Address, usize> = wishes
        .iter()
        .enumerate()
        .map(|(i, wish)| (&wish.address, i))
        .collect();
    let mut edges = Vec::new();
    for (i, wish) in wishes.iter().enumerate() {
        for need in wish.needs() {
            if let Some(before) = index.get(&need) {
                edges.push((*before, i));
            }
        }
    }
    sorted(wishes.len(), &edges, &|i| wishes[i].address.to_string())
}

/// Which live resources hold on to which, as AWS itself says: one names the other's id or ARN in a field. Works without a state, and
/// for what no stack names any more.
pub struct Holders<'a> {
    by_id: HashMap<&'a str, usize>,
}

impl<'a> Holders<'a> {
    pub fn new(all: &[(&'a Address, &'a Sighting)]) -> Self {
        let mut by_id = HashMap::new();
        for (i, (_, sighting)) in all.iter().enumerate() {
            by_id.insert(sighting.observed.id.as_str(), i);
            if let Some(arn) = sighting.observed.attributes.text("arn") {
                by_id.insert(arn, i);
            }
        }
        Self { by_id }
    }

    /// The live resources (by number) that the given one names.
    pub fn held_by(&self, sighting: &Sighting, own: usize) -> BTreeSet<usize> {
        let mut held = BTreeSet::new();
        for value in sighting.observed.attributes.0.values() {
            texts(value, &mut |text| {
                if let Some(other) = self.by_id.get(text)
                    && *other != own
                {
                    held.insert(*other);
                }
            });
        }
        held
    }
}

fn texts<'a>(value: &'a Value, see: &mut dyn FnMut(&'a str)) {
    match value {
        Value::Text(text) => see(text),
        Value::List(items) => items.iter().for_each(|item| texts(item, see)),
        Value::Map(map) => map.values().for_each(|item| texts(item, see)),
        _ => {}
    }
}

/// Everything reachable from `from` over `edges`.
pub fn closure(
    from: &BTreeSet<Address>,
    edges: &BTreeMap<Address, BTreeSet<Address>>,
) -> BTreeSet<Address> {
    let mut all = from.clone();
    let mut todo: Vec<Address> = from.iter().cloned().collect();
    while let Some(address) = todo.pop() {
        for next in edges.get(&address).into_iter().flatten() {
            if all.insert(next.clone()) {
                todo.push(next.clone());
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_given_order_where_nothing_forbids_it() {
        let name = |n: usize| n.to_string();
        assert_eq!(sorted(4, &[], &name).unwrap(), [0, 1, 2, 3]);
        let order = sorted(4, &[(3, 0)], &name).unwrap();
        let at = |n| order.iter().position(|x| *x == n).unwrap();
        assert!(at(3) < at(0));
    }

    #[test]
    fn a_ring_is_named() {
        let ring = sorted(3, &[(0, 1), (1, 2), (2, 0)], &|n| format!("n{n}")).unwrap_err();
        assert_eq!(ring.0.len(), 3);
    }
}
