//! The dependency graph for `dot` and Mermaid.

use std::collections::BTreeMap;

use crate::model::{Address, KindName};

/// Resources, and who waits for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    pub nodes: Vec<(Address, KindName)>,
    /// (dependant, what it waits for).
    pub edges: Vec<(Address, Address)>,
}

/// Graphviz.
pub fn dot(picture: &Picture) -> String {
    let mut out = String::from(
        "digraph stack {\n  rankdir=RL;\n  node [shape=box, fontname=\"sans-serif\"];\n",
    );
    for (address, kind) in &picture.nodes {
        out.push_str(&format!(
            "  {} [label={}];\n",
            quoted(address.as_str()),
            quoted(&format!("{address}\n{kind}"))
        ));
    }
    for (from, to) in &picture.edges {
        out.push_str(&format!(
            "  {} -> {};\n",
            quoted(from.as_str()),
            quoted(to.as_str())
        ));
    }
    out.push_str("}\n");
    out
}

/// Mermaid, as GitHub draws it in Markdown.
pub fn mermaid(picture: &Picture) -> String {
    let ids: BTreeMap<&Address, usize> = picture
        .nodes
        .iter()
        .enumerate()
        .map(|(index, (address, _))| (address, index))
        .collect();
    let mut out = String::from("graph RL\n");
    for (index, (address, kind)) in picture.nodes.iter().enumerate() {
        let label = format!("{address}<br/>{kind}").replace('"', "#quot;");
        out.push_str(&format!("  n{index}[\"{label}\"]\n"));
    }
    for (from, to) in &picture.edges {
        if let (Some(from), Some(to)) = (ids.get(from), ids.get(to)) {
            out.push_str(&format!("  n{from} --> n{to}\n"));
        }
    }
    out
}

fn quoted(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        let (vpc, subnet) = (
            Address::new("network/vpc"),
            Address::new("network/subnet-1"),
        );
        Picture {
            nodes: vec![
                (vpc.clone(), KindName::new("ec2.vpc")),
                (subnet.clone(), KindName::new("ec2.subnet")),
            ],
            edges: vec![(subnet, vpc)],
        }
    }

    #[test]
    fn both_formats() {
        insta::assert_snapshot!(dot(&picture()), @r#"
        digraph stack {
          rankdir=RL;
          node [shape=box, fontname="sans-serif"];
          "network/vpc" [label="network/vpc\nec2.vpc"];
          "network/subnet-1" [label="network/subnet-1\nec2.subnet"];
          "network/subnet-1" -> "network/vpc";
        }
        "#);
        insta::assert_snapshot!(mermaid(&picture()), @r#"
        graph RL
          n0["network/vpc<br/>ec2.vpc"]
          n1["network/subnet-1<br/>ec2.subnet"]
          n1 --> n0
        "#);
    }
}
