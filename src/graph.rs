//! The dependency graph: who waits for whom, in which order, and where they wait in a circle. Pure; it knows addresses and nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use petgraph::{Direction, Graph as PetGraph};

use crate::model::Address;

/// Addresses that wait for one another: `[a, b, c]` means a waits for b, b for c, c for a.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<Address>);

impl std::fmt::Display for Cycle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for address in &self.0 {
            write!(f, "{address} → ")?;
        }
        match self.0.first() {
            Some(first) => write!(f, "{first}"),
            None => Ok(()),
        }
    }
}

/// An edge leads from what waits to what it waits for.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    graph: DiGraph<Address, ()>,
    index: BTreeMap<Address, NodeIndex>,
}

impl Graph {
    /// Each address with those it waits for. Those that are no nodes themselves (looked up, gone) are passed over.
    pub fn new<D>(nodes: impl IntoIterator<Item = (Address, D)>) -> Self
    where
        D: IntoIterator<Item = Address>,
    {
        let mut graph = PetGraph::new();
        let mut index = BTreeMap::new();
        let mut edges = Vec::new();
        for (address, dependencies) in nodes {
            let node = *index
                .entry(address.clone())
                .or_insert_with(|| graph.add_node(address));
            edges.push((node, dependencies.into_iter().collect::<Vec<_>>()));
        }
        for (node, dependencies) in edges {
            for dependency in dependencies {
                if let Some(&target) = index.get(&dependency) {
                    graph.update_edge(node, target, ());
                }
            }
        }
        Self { graph, index }
    }

    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    pub fn is_empty(&self) -> bool {
        self.graph.node_count() == 0
    }

    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.graph.node_weights()
    }

    /// What `address` waits for, directly; sorted.
    pub fn dependencies(&self, address: &Address) -> Vec<&Address> {
        self.neighbours(address, Direction::Outgoing)
    }

    /// What waits for `address`, directly; sorted.
    pub fn dependants(&self, address: &Address) -> Vec<&Address> {
        self.neighbours(address, Direction::Incoming)
    }

    fn neighbours(&self, address: &Address, direction: Direction) -> Vec<&Address> {
        let Some(&node) = self.index.get(address) else {
            return Vec::new();
        };
        let mut all: Vec<&Address> = self
            .graph
            .neighbors_directed(node, direction)
            .map(|node| &self.graph[node])
            .collect();
        all.sort();
        all
    }

    /// Everything that waits for `address`, however indirectly.
    pub fn all_dependants(&self, address: &Address) -> BTreeSet<&Address> {
        self.reach(address, Direction::Incoming)
    }

    /// Everything that `address` waits for, however indirectly.
    pub fn all_dependencies(&self, address: &Address) -> BTreeSet<&Address> {
        self.reach(address, Direction::Outgoing)
    }

    fn reach(&self, address: &Address, direction: Direction) -> BTreeSet<&Address> {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<NodeIndex> = self.index.get(address).copied().into_iter().collect();
        while let Some(node) = todo.pop() {
            for next in self.graph.neighbors_directed(node, direction) {
                if seen.insert(&self.graph[next]) {
                    todo.push(next);
                }
            }
        }
        seen
    }

    /// Dependencies first; among those free to go, in the order the nodes were given.
    pub fn order(&self) -> Result<Vec<&Address>, Vec<Cycle>> {
        let mut waiting: Vec<usize> = self
            .graph
            .node_indices()
            .map(|node| self.graph.edges_directed(node, Direction::Outgoing).count())
            .collect();
        let mut free: BTreeSet<NodeIndex> = self
            .graph
            .node_indices()
            .filter(|node| waiting[node.index()] == 0)
            .collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(node) = free.pop_first() {
            order.push(&self.graph[node]);
            for dependant in self.graph.neighbors_directed(node, Direction::Incoming) {
                waiting[dependant.index()] -= 1;
                if waiting[dependant.index()] == 0 {
                    free.insert(dependant);
                }
            }
        }
        if order.len() == self.len() {
            Ok(order)
        } else {
            Err(self.cycles())
        }
    }

    /// Every edge the other way round: for destroying, where dependants go first.
    pub fn reversed(&self) -> Self {
        let mut graph = self.graph.clone();
        graph.reverse();
        Self {
            graph,
            index: self.index.clone(),
        }
    }

    /// One circle for each knot of addresses that wait for one another.
    pub fn cycles(&self) -> Vec<Cycle> {
        let mut cycles: Vec<Cycle> = tarjan_scc(&self.graph)
            .into_iter()
            .filter_map(|knot| self.circle(&knot))
            .collect();
        cycles.sort_by(|a, b| a.0.cmp(&b.0));
        cycles
    }

    /// The shortest way from the knot's first address back to itself.
    fn circle(&self, knot: &[NodeIndex]) -> Option<Cycle> {
        let start = *knot.iter().min_by_key(|node| &self.graph[**node])?;
        let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
        let mut todo = VecDeque::from([start]);
        while let Some(node) = todo.pop_front() {
            for edge in self.graph.edges(node) {
                let next = edge.target();
                if next == start {
                    let mut path = vec![node];
                    while let Some(before) = path.last().and_then(|node| came_from.get(node)) {
                        path.push(*before);
                    }
                    path.reverse();
                    let path = path.iter().map(|node| self.graph[*node].clone());
                    return Some(Cycle(path.collect()));
                }
                if knot.contains(&next) && next != start && !came_from.contains_key(&next) {
                    came_from.insert(next, node);
                    todo.push_back(next);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        Graph::new(
            edges
                .iter()
                .map(|(from, to)| (Address::from(*from), to.iter().map(|a| Address::from(*a)))),
        )
    }

    fn names(addresses: &[&Address]) -> Vec<String> {
        addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn orders_dependencies_first_and_keeps_the_given_order_otherwise() {
        let graph = graph(&[
            ("c", &["a"]),
            ("b", &[]),
            ("a", &[]),
            ("d", &["c", "elsewhere"]),
        ]);
        assert_eq!(names(&graph.order().unwrap()), ["b", "a", "c", "d"]);
        assert_eq!(
            names(&graph.reversed().order().unwrap()),
            ["b", "d", "c", "a"]
        );
        assert_eq!(graph.all_dependants(&"a".into()).len(), 2);
        assert_eq!(graph.all_dependencies(&"d".into()).len(), 2);
        assert_eq!(names(&graph.dependants(&"a".into())), ["c"]);
    }

    #[test]
    fn names_each_circle_by_its_shortest_way() {
        let graph = graph(&[
            ("a", &["b"]),
            ("b", &["c", "a"]),
            ("c", &["a"]),
            ("self", &["self"]),
            ("free", &["a"]),
        ]);
        let cycles = graph.order().unwrap_err();
        let shown: Vec<String> = cycles.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["a → b → a", "self → self"]);
    }
}
