//! From nothing to nothing: create, find, change each field, change the tags, delete, delete again.

use std::sync::Arc;

use circles_infra::kind::{AskedItem, Change, Extent, IntentVerb, Observed, TAGS};
use circles_infra::model::{Attributes, PhysicalId};
use circles_infra::plan::diff::differences;

use super::gate::{Gate, made_up};
use super::samples::Sample;
use super::stage::{Stage, item};

/// How many mutating calls a create and a delete of the sample came to.
pub struct Calls {
    pub create: usize,
    pub delete: usize,
}

pub async fn play(stage: &Stage<'_>, sample: &Sample) -> Calls {
    let gate = Arc::<Gate>::default();
    let mut desired = stage.desired(sample, &sample.spec);
    let made = stage.create(sample, &desired, &gate).await;
    let made = made.unwrap_or_else(|e| panic!("{}: create: {e}", sample.address));
    assert!(
        gate.learned().contains(&made.id),
        "{}: the id {} is not made durable by its create",
        sample.address,
        made.id
    );
    let create = gate.actions().len();
    let live = stage.until_ready(sample, &made.id).await;
    expect_equal(stage, sample, &live, &desired, "after its create");
    assert_eq!(live.tags, stage.tags(sample), "{}: tags", sample.address);
    found_by_every_way(stage, sample, &live, &desired).await;
    others_are_seen(stage, sample, &live, &desired);
    // An update may give it another id (a family's newest revision).
    let mut id = live.id;
    for (field, json) in &sample.changes {
        if changes_in_place(stage, sample, field) {
            let mut spec = serde_json::Map::new();
            spec.insert((*field).to_owned(), json.clone());
            let other = stage.desired(sample, &serde_json::Value::Object(spec));
            desired.set(field, other.get(field).clone());
            id = change(stage, sample, &id, field, &desired).await;
        }
    }
    id = retag(stage, sample, &id, &desired).await;
    let delete = delete_twice(stage, sample, &id, &desired).await;
    Calls { create, delete }
}

/// `desired` with the last other value of every field that changes in place.
pub fn all_changes(stage: &Stage<'_>, sample: &Sample, desired: &Attributes) -> Attributes {
    let mut wish = desired.clone();
    for (field, json) in &sample.changes {
        if changes_in_place(stage, sample, field) {
            let mut spec = serde_json::Map::new();
            spec.insert((*field).to_owned(), json.clone());
            let other = stage.desired(sample, &serde_json::Value::Object(spec));
            wish.set(field, other.get(field).clone());
        }
    }
    wish
}

fn changes_in_place(stage: &Stage<'_>, sample: &Sample, field: &str) -> bool {
    let fields = stage.kind(sample.kind).fields();
    let field = fields.iter().find(|known| known.name == field);
    field.is_some_and(|field| field.change.is_in_place())
}

pub fn expect_equal(
    stage: &Stage<'_>,
    sample: &Sample,
    live: &Observed,
    desired: &Attributes,
    when: &str,
) {
    let changed = stage.changed(sample, live, desired, &live.tags);
    assert!(
        changed.is_empty(),
        "{} {when}: {changed:#?}",
        sample.address
    );
}

/// By id and by tags, among everything and alone, by its natural key: always this one. Another stack does not see it.
async fn found_by_every_way(
    stage: &Stage<'_>,
    sample: &Sample,
    live: &Observed,
    desired: &Attributes,
) {
    let natural = !stage.kind(sample.kind).identity().natural_key.is_empty();
    let mut ways = vec![
        (
            "by id among everything",
            Extent::Everything,
            vec![item(sample, Some(&live.id), Some(desired))],
        ),
        (
            "by id",
            Extent::Items,
            vec![item(sample, Some(&live.id), None)],
        ),
        ("by tags", Extent::Items, vec![item(sample, None, None)]),
        (
            "by tags, with a wish",
            Extent::Items,
            vec![item(sample, None, Some(desired))],
        ),
        ("as a stray", Extent::Thorough, stray_items(stage, sample)),
    ];
    let mut stranger = item(sample, None, Some(desired));
    stranger.address = "somewhere-else".into();
    if natural {
        ways.push(("by its natural key", Extent::Items, vec![stranger]));
    }
    for (way, extent, items) in ways {
        let mut found = stage.find(sample, extent, items).await;
        // Needs of the same kind are strays too.
        found.retain(|one| one.id == live.id || one.tags == live.tags);
        assert_eq!(found.len(), 1, "{} {way}: {found:?}", sample.address);
        assert_eq!(found[0].id, live.id, "{} {way}", sample.address);
        assert_eq!(found[0].tags, live.tags, "{} {way}", sample.address);
        assert_eq!(
            found[0].attributes, live.attributes,
            "{} {way}",
            sample.address
        );
    }
    let mut other = stage.scope.clone();
    other.stack = "another".into();
    let found = stage
        .find_in(&other, sample, Extent::Everything, vec![])
        .await;
    assert!(
        found.is_empty(),
        "{}: another stack sees {found:?}",
        sample.address
    );
}

/// What is asked for when nothing leads to the sample's own resource.
fn stray_items(stage: &Stage<'_>, sample: &Sample) -> Vec<AskedItem> {
    let beside = sample.stray_beside.map(super::samples::named);
    let item = |sample: Sample| {
        let desired = stage.desired(&sample, &sample.spec);
        item(&sample, None, Some(&desired))
    };
    beside.map(item).into_iter().collect()
}

/// Another value is seen in every field, also where it is not made.
fn others_are_seen(stage: &Stage<'_>, sample: &Sample, live: &Observed, desired: &Attributes) {
    let fields = stage.kind(sample.kind).fields();
    for (name, json) in sample.changes.iter().chain(&sample.compared) {
        let field = fields.iter().find(|field| field.name == *name);
        let field = field.unwrap_or_else(|| panic!("{}: no field {name}", sample.address));
        let mut wish = desired.clone();
        wish.set(name, super::defaults::parse(json));
        if wish == *desired {
            // A change back to what it was, after another one.
            continue;
        }
        let seen = differences(fields, &wish, &live.attributes, &|secret| {
            Some(made_up(secret))
        });
        let seen = seen
            .iter()
            .find(|difference| difference.field.name == *name);
        let replaces = field.change == Change::Replace;
        assert!(
            seen.is_some_and(|difference| difference.replaces() == replaces),
            "{}: another {name} is not seen",
            sample.address
        );
    }
}

/// Returns the id it has then: a new revision has a new one.
async fn change(
    stage: &Stage<'_>,
    sample: &Sample,
    id: &PhysicalId,
    field: &str,
    desired: &Attributes,
) -> PhysicalId {
    let live = stage.until_ready(sample, id).await;
    let changed = stage.changed(sample, &live, desired, &stage.tags(sample));
    let names: Vec<&str> = changed.iter().map(|c| c.field.as_str()).collect();
    assert_eq!(names, [field], "{}", sample.address);
    let live = update(stage, sample, &live, desired, field).await;
    expect_equal(stage, sample, &live, desired, "after its update");
    live.id
}

/// What the update itself says must be right as well as what is there then.
async fn update(
    stage: &Stage<'_>,
    sample: &Sample,
    live: &Observed,
    desired: &Attributes,
    what: &str,
) -> Observed {
    let gate = Arc::default();
    let mut cx = stage.cx(sample, IntentVerb::Update, &gate);
    let done = stage.update(sample, &mut cx, live, desired, &gate).await;
    let done = done.unwrap_or_else(|e| panic!("{}: update of {what}: {e}", sample.address));
    expect_equal(stage, sample, &done, desired, "as its update says");
    stage.until_ready(sample, &done.id).await
}

/// One tag more, one less, one with another value.
async fn retag(
    stage: &Stage<'_>,
    sample: &Sample,
    id: &PhysicalId,
    desired: &Attributes,
) -> PhysicalId {
    let live = stage.until_ready(sample, id).await;
    let gate = Arc::default();
    let mut cx = stage.cx(sample, IntentVerb::Update, &gate);
    cx.tags.remove("team");
    cx.tags.insert("Name".into(), "renamed".into());
    cx.tags.insert("cost-centre".into(), "42".into());
    let changed = stage.changed(sample, &live, desired, &cx.tags);
    assert_eq!(changed.len(), 1, "{}: {changed:?}", sample.address);
    assert_eq!(changed[0].field, TAGS);
    let done = stage.update(sample, &mut cx, &live, desired, &gate).await;
    let done = done.unwrap_or_else(|e| panic!("{}: update of tags: {e}", sample.address));
    assert_eq!(done.tags, cx.tags, "{}: as its update says", sample.address);
    let live = stage.until_ready(sample, &done.id).await;
    assert_eq!(live.tags, cx.tags, "{}: after its update", sample.address);
    expect_equal(stage, sample, &live, desired, "after its tags' update");
    live.id
}

async fn delete_twice(
    stage: &Stage<'_>,
    sample: &Sample,
    id: &PhysicalId,
    desired: &Attributes,
) -> usize {
    let live = stage.until_ready(sample, id).await;
    let gate = Arc::<Gate>::default();
    for time in ["first", "second"] {
        let gone = stage.delete(sample, &live, desired, &gate).await;
        gone.unwrap_or_else(|e| panic!("{}: {time} delete: {e}", sample.address));
        for (extent, items) in [
            (Extent::Items, vec![item(sample, Some(&live.id), None)]),
            (Extent::Everything, vec![item(sample, None, Some(desired))]),
        ] {
            let mut found = stage.find(sample, extent, items).await;
            found.retain(|one| one.id == live.id);
            assert!(
                found.is_empty(),
                "{}: still there: {found:?}",
                sample.address
            );
        }
    }
    gate.actions().len()
}
