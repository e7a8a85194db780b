//! One live resource of a real kind against one desired state: what an absent attribute and a broken
//! resource come to.

use std::collections::BTreeSet;

use crate::kind::{AnyKind, Change, Field, Kinds, Observed, Readiness, Type};
use crate::model::{Address, Attributes, KindName, Ownership, PhysicalId, Scope, Tags, Value};
use crate::plan::{Act, Ask, Cause, Header, Inputs, Mode, Note, Plan, Seen, Sighting, Wish, plan};
use crate::state::{Snapshot, StateKey};

fn scope() -> Scope {
    Scope {
        stack: "s".into(),
        environment: "dev".into(),
        account: "000000000000".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
    }
}

/// A value of that type; `other`: another one.
fn sample(ty: &Type, other: bool) -> Value {
    let text = if other { "other" } else { "one" };
    match ty {
        Type::Bool => Value::Bool(other),
        Type::Int { min, max } | Type::Floor { min, max } => Value::Int(match other {
            true => *max,
            false => *min,
        }),
        Type::IntOf(all) => Value::Int(all[if other { all.len() - 1 } else { 0 }]),
        Type::OneOf(all) => Value::from(all[if other { all.len() - 1 } else { 0 }]),
        Type::Cidr => Value::from(if other { "10.1.0.0/16" } else { "10.0.0.0/16" }),
        Type::Version => Value::from(if other { "16" } else { "15" }),
        Type::List(inner) | Type::Set(inner) => Value::List(vec![sample(inner, other)]),
        Type::Map(inner) => Value::map([("k", sample(inner, other))]),
        Type::Object(fields) => Value::map(
            fields
                .iter()
                .filter(|field| !field.computed)
                .map(|field| (field.name, sample(&field.ty, other))),
        ),
        Type::Policy | Type::Json => Value::map([("k", Value::from(text))]),
        _ => Value::from(text),
    }
}

/// A desired resource with a value for each field, and the same as live.
fn whole(kind: &dyn AnyKind, address: &str) -> (Wish, Observed) {
    let fields = kind.fields().iter().filter(|field| !field.computed);
    let attributes =
        Attributes::new(fields.map(|field| (field.name.to_owned(), sample(&field.ty, false))));
    let address = Address::new(address);
    let tags = Ownership::new(&scope(), &address, 1).tags();
    let id = PhysicalId::new(format!("{address}-id"));
    let mut observed = Observed::made_up("test.kind", &id, attributes.clone(), tags);
    observed.kind = kind.name();
    observed.attributes.set("id", id.as_str());
    let wish = Wish {
        address,
        kind: kind.name(),
        attributes,
        depends_on: Vec::new(),
        protect: false,
        retain: false,
        ignore: Vec::new(),
        tags: Tags::new(),
        origin: None,
    };
    (wish, observed)
}

fn planned(kinds: &Kinds, all: &[(Wish, Observed)], ask: &Ask) -> Plan {
    let mut seen = Seen::default();
    for (wish, observed) in all {
        let sighting = Sighting {
            generation: 1,
            observed: observed.clone(),
        };
        seen.add(&wish.address, sighting);
    }
    let wishes: Vec<Wish> = all.iter().map(|(wish, _)| wish.clone()).collect();
    let scope = scope();
    let state = Snapshot::new(StateKey {
        scope: scope.clone(),
        endpoint: None,
    });
    plan(Inputs {
        header: Header {
            stack: "s".into(),
            environment: "dev".into(),
            account: scope.account.clone(),
            region: scope.region.clone(),
            endpoint: None,
            sandbox: false,
            ephemeral: false,
            protect: false,
            digest: String::new(),
            mode: Mode::Apply,
        },
        scope: &scope,
        wishes: &wishes,
        outputs: &[],
        moved: &[],
        unwaited: &BTreeSet::new(),
        kinds,
        state: &state,
        seen: &seen,
        ask,
        notes: Vec::new(),
    })
    .expect("an order")
}

fn replaces(plan: &Plan) -> bool {
    plan.steps
        .iter()
        .any(|step| matches!(step.act, Act::Create { .. } | Act::Delete { .. }))
}

fn compared(kind: &dyn AnyKind) -> impl Iterator<Item = &'static Field> {
    let fields = kind.fields().iter();
    fields.filter(|field| !field.computed && field.change != Change::Ignore)
}

#[test]
fn an_attribute_that_aws_leaves_out_never_plans_a_replacement() {
    let kinds = crate::aws::tables();
    let (mut absent, mut notes) = (0, 0);
    for kind in kinds.iter() {
        for field in compared(kind.as_ref()) {
            for nothing in [Value::Null, Value::from("")] {
                let (wish, mut observed) = whole(kind.as_ref(), "a");
                observed.attributes.0.insert(field.name.into(), nothing);
                let plan = planned(&kinds, &[(wish, observed)], &Ask::default());
                assert!(!replaces(&plan), "{}: {}", kind.name(), field.name);
                let named = |note: &Note| matches!(note, Note::Text { text, .. } if text.contains(field.name));
                notes += usize::from(plan.notes.iter().any(named));
                absent += 1;
            }
        }
    }
    assert!(absent > 200 && notes > 0, "{absent} {notes}");
}

#[test]
fn another_value_of_what_cannot_change_in_place_still_does() {
    let kinds = crate::aws::tables();
    let mut replaced = 0;
    for kind in kinds.iter() {
        for field in compared(kind.as_ref()).filter(|field| field.change == Change::Replace) {
            let (wish, mut observed) = whole(kind.as_ref(), "a");
            // Whatever index a zone has in the file, a live resource keeps its own.
            let other = sample(&field.ty, true);
            if field.name == "availability_zone" || other == sample(&field.ty, false) {
                continue;
            }
            observed.attributes.0.insert(field.name.into(), other);
            let plan = planned(&kinds, &[(wish, observed)], &Ask::default());
            let appends = kind.identity().collision == crate::kind::Collision::Append;
            assert!(
                replaces(&plan) || appends,
                "{}: {}",
                kind.name(),
                field.name
            );
            replaced += 1;
        }
    }
    assert!(replaced > 20, "{replaced}");
}

fn broken(kinds: &Kinds, kind: &'static str) -> (Wish, Observed) {
    let kind = kinds.get(&KindName::new(kind)).expect("a kind");
    let (wish, mut observed) = whole(kind.as_ref(), "broken");
    observed.readiness = Readiness::Broken("failed so".into());
    (wish, observed)
}

fn says_why(plan: &Plan) -> bool {
    plan.notes.iter().any(|note| {
        matches!(note, Note::Text { address: Some(address), text }
            if address.as_str() == "broken" && text.contains("failed so"))
    })
}

#[test]
fn a_broken_database_holds_up_nothing_else() {
    let kinds = crate::aws::tables();
    let cluster = kinds.get(&KindName::new("logs.log_group")).expect("a kind");
    let (mut other, live) = whole(cluster.as_ref(), "other");
    other.tags.insert("team".into(), "blue".into());
    let all = [broken(&kinds, "rds.db_instance"), (other, live)];
    let plan = planned(&kinds, &all, &Ask::default());
    assert_eq!(plan.refusals, []);
    assert!(says_why(&plan), "{:?}", plan.notes);
    let step = |address: &str| {
        let mut steps = plan.steps.iter();
        steps.find(|step| step.address.as_str() == address)
    };
    assert!(step("broken").is_some_and(|step| step.only_waits()));
    assert!(step("other").is_some_and(|step| !step.only_waits()));
}

#[test]
fn the_plans_own_change_is_the_way_out_for_a_broken_database() {
    let kinds = crate::aws::tables();
    let (mut wish, observed) = broken(&kinds, "rds.db_instance");
    let storage = wish.attributes.get("storage").as_int().expect("a size");
    wish.attributes.set("storage", storage + 100);
    let plan = planned(&kinds, &[(wish, observed)], &Ask::default());
    assert_eq!(plan.refusals, []);
    assert!(says_why(&plan));
    let [step] = plan.steps.as_slice() else {
        panic!("{:?}", plan.steps);
    };
    assert!(matches!(&step.act, Act::Update { changes, .. } if changes[0].field == "storage"));
}

#[test]
fn a_broken_database_is_replaced_with_the_users_word_only() {
    let kinds = crate::aws::tables();
    let (mut wish, mut observed) = broken(&kinds, "rds.db_instance");
    // Of its own it would refuse to go.
    wish.attributes.set("deletion_protection", false);
    observed.attributes.set("deletion_protection", false);
    let all = [(wish, observed)];
    assert!(!replaces(&planned(&kinds, &all, &Ask::default())));
    let ask = Ask {
        allow_replace: vec![Address::new("broken")],
        ..Ask::default()
    };
    let plan = planned(&kinds, &all, &ask);
    assert_eq!(plan.refusals, []);
    let because = plan.steps.iter().find_map(|step| match &step.act {
        Act::Create { because, .. } => Some(because.clone()),
        _ => None,
    });
    let why = "failed so".to_owned();
    assert_eq!(because, Some(vec![Cause::Broken { why }]));
}

#[test]
fn a_failed_roll_out_never_makes_its_service_anew() {
    let kinds = crate::aws::tables();
    let (wish, observed) = broken(&kinds, "ecs.service");
    let plan = planned(&kinds, &[(wish.clone(), observed.clone())], &Ask::default());
    assert!(plan.steps.is_empty() && says_why(&plan), "{:?}", plan.steps);
    let mut changed = wish;
    changed.attributes.set("task_definition", "arn:another:2");
    let plan = planned(&kinds, &[(changed, observed)], &Ask::default());
    assert!(!replaces(&plan) && plan.refusals.is_empty() && says_why(&plan));
    assert_eq!(plan.totals().update, 1);
    // What nothing mends is made anew as before.
    let all = [broken(&kinds, "ec2.nat_gateway")];
    assert!(replaces(&planned(&kinds, &all, &Ask::default())));
}
