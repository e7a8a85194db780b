//! Addresses that were renamed, in the real stack: whatever moves, a plan comes of it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::kind::{Kinds, Observed};
use crate::model::{PhysicalId, Scope, Tags, Value};
use crate::plan::{Ask, Header, Mode, Plan, Seen, Sighting, plan, unordered};
use crate::stack::{Catalog, Facts, LoadRequest, Stack, load};
use crate::state::{Record, Snapshot, StateKey};

const CIRCLES: &str = include_str!("../../../stacks/circles.yaml");

fn circles(kinds: &Kinds) -> Stack {
    let facts = Facts {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
        zones: ["a", "b", "c"].map(|z| format!("us-east-1{z}")).into(),
        limited_zones: Vec::new(),
    };
    let request = LoadRequest {
        file: "circles.yaml",
        text: CIRCLES,
        environment: Some("dev"),
        variables: &[],
        variable_files: &[],
        process: &[],
        facts: Some(&facts),
        sandbox: false,
        catalog: &Catalog::from(kinds),
    };
    load(&request).expect("the stack is right").stack
}

fn wishes(stack: &Stack) -> Vec<Wish> {
    let of = |resource: &crate::stack::Resource| Wish {
        address: resource.address.clone(),
        kind: resource.kind.clone(),
        attributes: resource.attributes.clone(),
        depends_on: resource.depends_on.clone(),
        protect: false,
        retain: false,
        ignore: resource.ignore.clone(),
        tags: resource.tags.clone(),
        origin: None,
    };
    stack.resources.iter().map(of).collect()
}

/// A live resource as AWS would show it: what the stack says, with made-up texts for what only AWS knows.
fn live(wish: &Wish, all: &BTreeMap<&Address, &Wish>, kinds: &Kinds) -> Observed {
    let told = |reference: &crate::model::Reference| {
        let said = all[&reference.address]
            .attributes
            .path(&reference.attribute);
        let said = said.filter(|value| !value.is_null() && !value.is_pending());
        Some(said.unwrap_or_else(|| {
            Value::text(format!("{}#{}", reference.address, reference.attribute))
        }))
    };
    let mut attributes = wish.attributes.resolve(&told);
    for field in kinds.get(&wish.kind).expect("a kind").fields() {
        if attributes.get(field.name).is_null() && matches!(field.name, "arn" | "id") {
            attributes.set(field.name, format!("{}#{}", wish.address, field.name));
        }
    }
    let id = PhysicalId::new(format!("{}#id", wish.address));
    let mut observed = Observed::made_up("", &id, attributes, Tags::new());
    observed.kind = wish.kind.clone();
    observed
}

struct World {
    kinds: Kinds,
    scope: Scope,
    wishes: Vec<Wish>,
    outputs: Vec<(String, Value)>,
    state: Snapshot,
    seen: Seen,
}

/// Everything of the stack is live; what stands at and below `from` is at `to` instead, as `state mv` leaves it.
fn world(from: &str, to: &str) -> World {
    let kinds = crate::aws::tables();
    let stack = circles(&kinds);
    let wishes = wishes(&stack);
    let scope = Scope {
        stack: "circles".into(),
        environment: "dev".into(),
        account: "000000000000".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
    };
    let mut state = Snapshot::new(StateKey {
        scope: scope.clone(),
        endpoint: None,
    });
    let mut seen = Seen::default();
    let all: BTreeMap<&Address, &Wish> = wishes.iter().map(|w| (&w.address, w)).collect();
    for wish in &wishes {
        let observed = live(wish, &all, &kinds);
        let address = match wish.address.within(&Address::from(from)) {
            true => Address::new(format!("{to}{}", &wish.address.as_str()[from.len()..])),
            false => wish.address.clone(),
        };
        let record = Record {
            kind: wish.kind.clone(),
            id: observed.id.clone(),
            generation: 1,
            attributes: observed.attributes.clone(),
            tags: Tags::new(),
            depends_on: wish.needs().into_iter().collect(),
            protect: false,
            retain: false,
            made_at: None,
        };
        state.resources.insert(address.clone(), record);
        let sighting = Sighting {
            generation: 1,
            observed,
        };
        seen.add(&address, sighting);
    }
    World {
        kinds,
        scope,
        outputs: stack.outputs.clone(),
        wishes,
        state,
        seen,
    }
}

fn planned(world: &World, make: fn(Inputs<'_>) -> Result<Plan, Cycle>) -> Result<Plan, Cycle> {
    make(Inputs {
        header: Header {
            stack: "circles".into(),
            environment: "dev".into(),
            account: world.scope.account.clone(),
            region: world.scope.region.clone(),
            endpoint: None,
            sandbox: false,
            ephemeral: true,
            protect: false,
            digest: String::new(),
            mode: Mode::Apply,
        },
        scope: &world.scope,
        wishes: &world.wishes,
        outputs: &world.outputs,
        moved: &[],
        unwaited: &BTreeSet::new(),
        kinds: &world.kinds,
        state: &world.state,
        seen: &world.seen,
        ask: &Ask::default(),
        notes: Vec::new(),
    })
}

/// Every address of the stack, and every part of one: `app/service` and `app`.
fn addresses() -> BTreeSet<String> {
    let stack = circles(&crate::aws::tables());
    let mut all = BTreeSet::new();
    for resource in &stack.resources {
        let whole = resource.address.as_str();
        all.insert(whole.to_owned());
        all.extend(
            whole
                .match_indices('/')
                .map(|(at, _)| whole[..at].to_owned()),
        );
    }
    all
}

#[test]
fn whatever_address_was_renamed_there_is_an_order() {
    for address in addresses() {
        let world = world(&address, &format!("{address}2"));
        let plan = planned(&world, plan).unwrap_or_else(|ring| panic!("{address}: {ring}"));
        let loose = planned(&world, unordered).expect("what is seen needs no order");
        assert_eq!(plan.steps.len(), loose.steps.len(), "{address}");
        assert_eq!(plan.outputs, loose.outputs, "{address}");
        for step in &plan.steps {
            assert!(
                step.after.iter().all(|before| *before < step.id),
                "{address}"
            );
        }
    }
}

#[test]
fn a_renamed_secret_goes_before_its_successor_comes_and_its_holders_follow() {
    let world = world("config", "config2");
    let plan = planned(&world, plan).expect("an order");
    let at = |address: &str| {
        let found = plan
            .steps
            .iter()
            .position(|step| step.address.as_str() == address);
        found.unwrap_or_else(|| panic!("no step for {address}"))
    };
    assert!(matches!(plan.steps[at("config2")].act, Act::Delete { .. }));
    assert!(matches!(plan.steps[at("config")].act, Act::Create { .. }));
    assert!(at("config2") < at("config"));
    assert!(at("config") < at("app/execution-role"));
}

#[test]
fn a_service_leaves_a_renamed_cluster_before_the_new_one_comes() {
    let world = world("cluster", "cluster2");
    let plan = planned(&world, plan).expect("an order");
    let order: Vec<(&str, bool)> = plan
        .steps
        .iter()
        .filter(|step| ["cluster", "cluster2", "app/service"].contains(&step.address.as_str()))
        .map(|step| {
            (
                step.address.as_str(),
                matches!(step.act, Act::Delete { .. }),
            )
        })
        .collect();
    assert_eq!(
        order,
        [
            ("app/service", true),
            ("cluster2", true),
            ("cluster", false),
            ("app/service", false)
        ]
    );
    let service = plan.steps.iter().find(|step| {
        step.address.as_str() == "app/service" && matches!(step.act, Act::Create { .. })
    });
    let downtime = service.and_then(|step| step.downtime.as_deref());
    assert_eq!(downtime, Some(DOWNTIME), "the gap is told");
}
