//! What load balancing, container and image kinds keep beyond the contract that holds for all: what an unchanged look costs, what is not
//! adopted, priorities that change places, roll-outs that fail, revisions that stay.

use std::collections::BTreeMap;
use std::sync::Arc;

use circles_infra::kind::{
    Asked, AskedItem, Class, Extent, IntentVerb, Memo, Observed, Readiness, Settle,
};
use circles_infra::model::{Attributes, Ownership, Value};
use serde_json::json;

use super::samples::{Sample, named};
use super::stage::{Stage, item};
use crate::local_aws::LocalAws;

async fn make(stage: &Stage<'_>, sample: &Sample) -> (Observed, Attributes) {
    let desired = stage.desired(sample, &sample.spec);
    let made = stage.create(sample, &desired, &Arc::default()).await;
    let made = made.unwrap_or_else(|e| panic!("{}: create: {e}", sample.address));
    (stage.until_ready(sample, &made.id).await, desired)
}

/// One of each, looked at as for an unchanged plan: with the ids, wishes and last attributes a state has.
#[tokio::test]
async fn an_unchanged_look_costs_a_call_for_each_kind_and_facet() {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let mut stage = Stage::open(&local).await;
    let mut items: BTreeMap<&str, Vec<AskedItem>> = BTreeMap::new();
    for address in ["service", "listener-rule", "repository"] {
        let sample = named(address);
        stage.build_needs(&sample).await;
        let (live, desired) = make(&stage, &sample).await;
        let seen = seen(&sample, &live, &desired);
        items.entry(sample.kind).or_default().push(seen);
    }
    // `other-rule` and `other-target-group` came along with these; the rest are one each.
    for address in [
        "load-balancer",
        "target-group",
        "other-target-group",
        "listener",
        "other-rule",
        "cluster",
        "task-definition",
    ] {
        let sample = named(address);
        let desired = stage.desired(&sample, &sample.spec);
        let asked = vec![item(&sample, None, Some(&desired))];
        let found = stage.find(&sample, Extent::Items, asked).await;
        let seen = seen(&sample, &found[0], &desired);
        items.entry(sample.kind).or_default().push(seen);
    }
    let (_, since) = local.calls(u64::MAX >> 1).await;
    let memo = Arc::new(Memo::default());
    let looks = items.into_iter().map(|(kind, items)| {
        let asked = Asked {
            scope: stage.scope.clone(),
            extent: Extent::Everything,
            items,
            memo: memo.clone(),
        };
        let kind = stage.kind(kind);
        async move { kind.find(&asked).await.map(|found| found.len()) }
    });
    let found = futures::future::try_join_all(looks).await.expect("looks");
    assert_eq!(found.iter().sum::<usize>(), 10);
    let (calls, _) = local.calls(since).await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for call in calls {
        *counts.entry(call.action).or_default() += 1;
    }
    let expected = [
        ("DescribeClusters", 1),
        ("DescribeListeners", 1),
        ("DescribeLoadBalancerAttributes", 1),
        ("DescribeLoadBalancers", 1),
        ("DescribeRepositories", 1),
        ("DescribeRules", 1),
        ("DescribeServices", 1),
        // Balancers and groups together, listeners, rules.
        ("DescribeTags", 3),
        ("DescribeTargetGroupAttributes", 2),
        ("DescribeTargetGroups", 1),
        ("DescribeTaskDefinition", 1),
        ("GetLifecyclePolicy", 1),
        ("GetRepositoryPolicy", 1),
        ("ListImages", 1),
        ("ListTagsForResource", 1),
        ("ListTaskDefinitions", 1),
    ];
    let expected: BTreeMap<String, usize> =
        expected.map(|(action, n)| (action.to_owned(), n)).into();
    assert_eq!(counts, expected);
}

fn seen(sample: &Sample, live: &Observed, desired: &Attributes) -> AskedItem {
    AskedItem {
        last: Some(live.attributes.clone()),
        tags: None,
        ..item(sample, Some(&live.id), Some(desired))
    }
}

/// ELBv2 and ECS creates succeed on what somebody else made with the same settings.
#[tokio::test]
async fn what_others_made_under_the_name_is_not_adopted() {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let mut stage = Stage::open(&local).await;
    for address in ["target-group", "cluster"] {
        let sample = named(address);
        stage.build_needs(&sample).await;
        let desired = stage.desired(&sample, &sample.spec);
        let kind = stage.kind(sample.kind);
        let gate = Arc::<super::gate::Gate>::default();
        let mut others = stage.cx(&sample, IntentVerb::Create, &gate);
        others.tags = Ownership::new(&stage.scope, &"elsewhere".into(), 1).tags();
        let theirs = kind.create(&others, &desired).await.expect("theirs");
        let asked = vec![item(&sample, None, Some(&desired))];
        let found = stage.find(&sample, Extent::Items, asked).await;
        assert_eq!(found.len(), 1, "{address}: the name is seen to be taken");
        let gate = Arc::<super::gate::Gate>::default();
        let ours = stage.create(&sample, &desired, &gate).await;
        let error = ours.expect_err("a name that is taken");
        assert!(error.is(Class::Exists), "{address}: {error}");
        assert!(!gate.learned().contains(&theirs.id), "{address}");
    }
}

#[tokio::test]
async fn two_rules_change_places() {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let mut stage = Stage::open(&local).await;
    let (first, second) = (named("listener-rule"), named("other-rule"));
    stage.build_needs(&first).await;
    let (first_live, mut first_wish) = make(&stage, &first).await;
    let mut second_wish = stage.desired(&second, &second.spec);
    let asked = vec![item(&second, None, Some(&second_wish))];
    let second_live = stage.find(&second, Extent::Items, asked).await.remove(0);
    first_wish.set("priority", Value::Int(20));
    second_wish.set("priority", Value::Int(10));
    let gate = Arc::default();
    let mut cx = stage.cx(&first, IntentVerb::Update, &gate);
    let kind = stage.kind(first.kind);
    let tags = stage.tags(&first);
    let changed = stage.changed(&first, &first_live, &first_wish, &tags);
    let step = kind
        .update(&cx, &first_live, &first_wish, changed.clone())
        .await;
    assert!(matches!(step, Ok(Settle::Again(_))), "{step:?}");
    let mut other = stage.cx(&second, IntentVerb::Update, &gate);
    let done = stage
        .update(&second, &mut other, &second_live, &second_wish, &gate)
        .await;
    let done = done.expect("a place that is free");
    assert_eq!(done.attributes.get("priority"), &Value::Int(10));
    cx.round = 1;
    let step = kind.update(&cx, &first_live, &first_wish, changed).await;
    let Ok(Settle::Live(done)) = step else {
        panic!("{step:?}");
    };
    assert_eq!(done.attributes.get("priority"), &Value::Int(20));
}

#[tokio::test]
async fn a_roll_out_whose_tasks_crash_is_broken() {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let mut stage = Stage::open(&local).await;
    let sample = named("service");
    stage.build_needs(&sample).await;
    let (live, mut wish) = make(&stage, &sample).await;
    let crash = json!({"image": "nginx@sha256:3333333333333333333333333333333333333333333333333333333333333333", "behaviour": "crashes"});
    local.control("POST", "images", &crash).await;
    let definition = Sample::new(
        "crashing",
        "ecs.task_definition",
        json!({
            "family": "crashing", "cpu": 256, "memory": 1024, "execution_role": "${role.arn}",
            "containers": [{"name": "app", "image": "nginx@sha256:3333333333333333333333333333333333333333333333333333333333333333", "port_mappings": [{"container_port": 80}]}],
        }),
    );
    let (crashing, _) = make(&stage, &definition).await;
    wish.set("task_definition", crashing.id.as_str());
    let gate = Arc::default();
    let mut cx = stage.cx(&sample, IntentVerb::Update, &gate);
    let updated = stage.update(&sample, &mut cx, &live, &wish, &gate).await;
    updated.expect("an update that is taken");
    let mut seen = Readiness::Ready;
    for _ in 0..200 {
        let asked = vec![item(&sample, Some(&live.id), Some(&wish))];
        seen = stage
            .find(&sample, Extent::Items, asked)
            .await
            .remove(0)
            .readiness;
        if !matches!(seen, Readiness::NotYet(_)) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let Readiness::Broken(why) = seen else {
        panic!("{seen:?}");
    };
    assert!(why.contains("roll-out failed"), "{why}");
}

/// Twelve revisions later ten are left to go back to; deleting the family leaves none.
#[tokio::test]
async fn the_last_ten_revisions_stay() {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let mut stage = Stage::open(&local).await;
    let sample = named("task-definition");
    stage.build_needs(&sample).await;
    let (mut live, mut wish) = make(&stage, &sample).await;
    let first = live.id.clone();
    for round in 1..=12 {
        let memory = if round % 2 == 1 { 2048 } else { 1024 };
        wish.set("memory", Value::Int(memory));
        let gate = Arc::default();
        let mut cx = stage.cx(&sample, IntentVerb::Update, &gate);
        live = stage
            .update(&sample, &mut cx, &live, &wish, &gate)
            .await
            .expect("a revision");
    }
    assert_eq!(live.attributes.get("revision"), &Value::Int(13));
    assert_ne!(live.id, first);
    let gate = Arc::<super::gate::Gate>::default();
    stage
        .delete(&sample, &live, &wish, &gate)
        .await
        .expect("a family that goes");
    assert_eq!(gate.actions().len(), 10);
    let asked = vec![item(&sample, None, Some(&wish))];
    assert!(stage.find(&sample, Extent::Items, asked).await.is_empty());
}
