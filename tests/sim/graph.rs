//! Stacks of the made-up cloud: random graphs, and random edits of them.

use circles_infra::model::{Address, Attributes, Expr, Part, SecretRef, Value};
use circles_infra::plan::Wish;
use serde::{Deserialize, Serialize};

use crate::faults::Dice;
use crate::nature::{KINDS, has};

/// One resource of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub address: String,
    pub kind: String,
    pub name: String,
    pub size: i64,
    pub shape: String,
    /// Addresses that it stands on.
    #[serde(default)]
    pub on: Vec<String>,
    #[serde(default)]
    pub parent: Option<String>,
    #[serde(default)]
    pub revision: Option<String>,
    /// Where its password is kept.
    #[serde(default)]
    pub secret: Option<String>,
    /// Said to come after, without being named.
    #[serde(default)]
    pub after: Vec<String>,
    /// A tag of the user's.
    #[serde(default)]
    pub team: Option<String>,
}

/// A stack, dependencies first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph(pub Vec<Node>);

impl Node {
    /// Every address that it needs.
    pub fn needs(&self) -> impl Iterator<Item = &String> {
        self.on
            .iter()
            .chain(&self.parent)
            .chain(&self.revision)
            .chain(&self.secret)
            .chain(&self.after)
    }

    pub fn wish(&self) -> Wish {
        let mut attributes = Attributes::default();
        let has = |field: &str| has(&self.kind, field);
        let whole = |address: &String, attribute| {
            Value::reference(&Address::new(address.clone()), attribute)
        };
        if has("name") {
            attributes.set("name", self.name.as_str());
        }
        if has("size") {
            attributes.set("size", self.size);
        }
        if has("shape") {
            attributes.set("shape", self.shape.as_str());
        }
        if has("on") {
            let on = self.on.iter().map(|address| whole(address, "id"));
            attributes.set("on", Value::List(on.collect()));
        }
        if let Some(parent) = self.parent.as_ref().filter(|_| has("parent")) {
            attributes.set("parent", whole(parent, "id"));
        }
        if let Some(revision) = self.revision.as_ref().filter(|_| has("revision")) {
            attributes.set("revision", whole(revision, "arn"));
        }
        if let Some(secret) = self.secret.as_ref().filter(|_| has("password")) {
            let held = SecretRef {
                address: Address::new(secret.clone()),
                key: "pw".into(),
            };
            attributes.set("password", Value::Expr(Expr(vec![Part::Secret(held)])));
        }
        if has("keys") {
            let source = Value::map([("generate", Value::Int(32))]);
            attributes.set("keys", Value::map([("pw", source)]));
        }
        let mut tags = circles_infra::model::Tags::new();
        tags.insert("Name".into(), self.name.clone());
        tags.extend(self.team.clone().map(|team| ("team".to_owned(), team)));
        Wish {
            address: Address::new(self.address.clone()),
            kind: circles_infra::model::KindName::from(self.kind.clone()),
            attributes,
            depends_on: self.after.iter().cloned().map(Address::new).collect(),
            protect: false,
            retain: false,
            ignore: Vec::new(),
            tags,
            origin: None,
        }
    }
}

impl Graph {
    pub fn wishes(&self) -> Vec<Wish> {
        self.0.iter().map(Node::wish).collect()
    }

    pub fn addresses(&self) -> Vec<String> {
        self.0.iter().map(|node| node.address.clone()).collect()
    }

    /// So many resources, each on some of those before it.
    pub fn random(dice: &mut Dice, nodes: u64, fresh: &mut u64) -> Self {
        let mut graph = Self::default();
        for _ in 0..nodes {
            let node = graph.node(dice, fresh);
            graph.0.push(node);
        }
        graph
    }

    fn of_kind(&self, kinds: &[&str]) -> Vec<String> {
        let nodes = self.0.iter();
        let fit = nodes.filter(|node| kinds.contains(&node.kind.as_str()));
        fit.map(|node| node.address.clone()).collect()
    }

    /// One more that fits behind what is there.
    fn node(&self, dice: &mut Dice, fresh: &mut u64) -> Node {
        *fresh += 1;
        let kind = *dice.pick(&KINDS).unwrap_or(&"sim.net");
        let mut node = Node {
            address: format!("r{fresh}"),
            kind: kind.to_owned(),
            name: format!("n{fresh}"),
            size: 1,
            shape: "a".into(),
            on: Vec::new(),
            parent: None,
            revision: None,
            secret: None,
            after: Vec::new(),
            team: dice.chance(200).then(|| "blue".to_owned()),
        };
        self.connect(&mut node, dice);
        node
    }

    /// Gives a node what it needs among the others; one whose kind cannot have it becomes a net.
    fn connect(&self, node: &mut Node, dice: &mut Dice) {
        let bases = self.of_kind(&[
            "sim.net",
            "sim.role",
            "sim.gate",
            "sim.pool",
            "sim.bucket",
            "sim.base",
        ]);
        match node.kind.as_str() {
            "sim.rule" => {
                let parents = self.of_kind(&["sim.net", "sim.gate", "sim.role"]);
                node.parent = dice.pick(&parents).cloned();
                if node.parent.is_none() {
                    node.kind = "sim.net".into();
                }
            }
            "sim.gate" => node.parent = dice.pick(&self.of_kind(&["sim.net"])).cloned(),
            "sim.base" => {
                node.secret = dice.pick(&self.of_kind(&["sim.secret"])).cloned();
                if node.secret.is_none() {
                    node.kind = "sim.secret".into();
                }
            }
            "sim.service" => {
                node.revision = dice.pick(&self.of_kind(&["sim.revision"])).cloned();
            }
            _ => {}
        }
        if has(&node.kind, "on") {
            for _ in 0..dice.below(4) {
                node.on.extend(dice.pick(&bases).cloned());
            }
            node.on.sort();
            node.on.dedup();
        }
        if dice.chance(100) {
            node.after.extend(dice.pick(&self.addresses()).cloned());
        }
    }

    /// Takes one out, and everything that cannot be without it.
    fn without(&mut self, address: &str) {
        let mut todo = vec![address.to_owned()];
        while let Some(gone) = todo.pop() {
            self.0.retain(|node| node.address != gone);
            for node in &mut self.0 {
                node.on.retain(|on| *on != gone);
                node.after.retain(|after| *after != gone);
                if node.revision.as_ref() == Some(&gone) {
                    node.revision = None;
                }
                let needed = [&node.parent, &node.secret];
                if needed.into_iter().flatten().any(|need| *need == gone) {
                    todo.push(node.address.clone());
                }
            }
        }
    }

    /// Changes some of it, as people do.
    pub fn edit(&mut self, dice: &mut Dice, edits: u64, fresh: &mut u64) {
        for _ in 0..edits {
            if self.0.is_empty() {
                let node = self.node(dice, fresh);
                self.0.push(node);
            }
            let at = usize::try_from(dice.below(self.0.len() as u64)).unwrap_or(0);
            let before = Self(self.0[..at].to_vec());
            match dice.below(20) {
                0..=5 => self.0[at].size += 1,
                6..=7 => self.0[at].shape.push('b'),
                8 => {
                    *fresh += 1;
                    self.0[at].name = format!("n{fresh}");
                }
                9..=11 => {
                    let address = self.0[at].address.clone();
                    self.without(&address);
                }
                12..=14 => {
                    let node = self.node(dice, fresh);
                    self.0.push(node);
                }
                15..=16 => {
                    let node = &mut self.0[at];
                    (node.on, node.after) = (Vec::new(), Vec::new());
                    before.connect(node, dice);
                }
                17 => self.retype(at, dice),
                18 => self.0[at].team = Some(format!("team{}", dice.below(9))),
                _ => {
                    // Another address, the same name.
                    let mut node = self.0[at].clone();
                    let address = node.address.clone();
                    self.without(&address);
                    *fresh += 1;
                    node.address = format!("r{fresh}");
                    let there = self.addresses();
                    if node.needs().all(|need| there.contains(need)) {
                        self.0.push(node);
                    }
                }
            }
        }
    }

    /// Another kind at the same address; kinds that others must have stay as they are.
    fn retype(&mut self, at: usize, dice: &mut Dice) {
        let kinds = ["sim.net", "sim.pool", "sim.role"];
        if kinds.contains(&self.0[at].kind.as_str()) {
            let address = self.0[at].address.clone();
            let parent_of = |node: &Node| node.parent.as_ref() == Some(&address);
            let held = self.0.iter().any(parent_of);
            let kind = if held {
                "sim.role"
            } else {
                dice.pick(&kinds).unwrap_or(&"sim.net")
            };
            let gated = self.0.iter().any(|n| n.kind == "sim.gate" && parent_of(n));
            if !gated {
                self.0[at].kind = kind.to_owned();
            }
        }
    }
}
