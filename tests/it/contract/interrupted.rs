//! Broken off after every mutating call: what a create had begun is found by its tags and finished by an update; what an update had begun
//! is finished by another, and so is a delete.

use std::sync::Arc;

use circles_infra::kind::{Class, Extent, IntentVerb, Observed};
use circles_infra::model::{Attributes, Ownership};

use super::gate::Gate;
use super::lifecycle::{Calls, all_changes, expect_equal};
use super::samples::Sample;
use super::stage::{Stage, item};

pub async fn play(stage: &Stage<'_>, sample: &Sample, calls: &Calls) {
    for after in 1..calls.create {
        half_made(stage, sample, after).await;
    }
    let mut after = 1;
    while half_changed(stage, sample, after).await {
        after += 1;
    }
    for after in 1..calls.delete {
        half_deleted(stage, sample, after).await;
    }
}

/// An update of every field that changes in place, all at once. Whether it had more calls than that.
async fn half_changed(stage: &Stage<'_>, sample: &Sample, after: usize) -> bool {
    let desired = stage.desired(sample, &sample.spec);
    let made = stage.create(sample, &desired, &Arc::default()).await;
    let made = made.unwrap_or_else(|e| panic!("{}: create: {e}", sample.address));
    let live = stage.until_ready(sample, &made.id).await;
    let wish = all_changes(stage, sample, &desired);
    let gate = Arc::new(Gate::stopping_after(after));
    let mut cx = stage.cx(sample, IntentVerb::Update, &gate);
    let broken_off = match stage.update(sample, &mut cx, &live, &wish, &gate).await {
        Ok(_) => false,
        Err(error) => {
            assert!(error.is(Class::Stopped), "{}: {error}", sample.address);
            true
        }
    };
    let live = found_by_tags(stage, sample, &wish, &gate).await;
    let gate = Arc::default();
    let mut cx = stage.cx(sample, IntentVerb::Update, &gate);
    let done = stage.update(sample, &mut cx, &live, &wish, &gate).await;
    let done = done.unwrap_or_else(|e| panic!("{}: finishing it: {e}", sample.address));
    let live = stage.until_ready(sample, &done.id).await;
    expect_equal(stage, sample, &live, &wish, "once its update is finished");
    let gone = stage.delete(sample, &live, &wish, &gate).await;
    gone.unwrap_or_else(|e| panic!("{}: delete: {e}", sample.address));
    broken_off
}

async fn half_made(stage: &Stage<'_>, sample: &Sample, after: usize) {
    let desired = stage.desired(sample, &sample.spec);
    let gate = Arc::new(Gate::stopping_after(after));
    let made = stage.create(sample, &desired, &gate).await;
    let stopped = made.err().is_some_and(|error| error.is(Class::Stopped));
    assert!(stopped, "{}: goes on after a stop", sample.address);
    let live = found_by_tags(stage, sample, &desired, &gate).await;
    let gate = Arc::default();
    let mut cx = stage.cx(sample, IntentVerb::Update, &gate);
    let done = stage.update(sample, &mut cx, &live, &desired, &gate).await;
    let done = done.unwrap_or_else(|e| panic!("{}: finishing it: {e}", sample.address));
    let live = stage.until_ready(sample, &done.id).await;
    expect_equal(stage, sample, &live, &desired, "once finished");
    assert_eq!(live.tags, stage.tags(sample), "{}", sample.address);
    let gone = stage.delete(sample, &live, &desired, &gate).await;
    gone.unwrap_or_else(|e| panic!("{}: delete: {e}", sample.address));
}

/// The one that is there of what was broken off.
async fn found_by_tags(
    stage: &Stage<'_>,
    sample: &Sample,
    desired: &Attributes,
    gate: &Gate,
) -> Observed {
    let asked = vec![item(sample, None, Some(desired))];
    let mut found = stage.find(sample, Extent::Everything, asked).await;
    let owner = Ownership::new(&stage.scope, &sample.address.into(), 1);
    found.retain(|one| Ownership::read(&one.tags).as_ref() == Some(&owner));
    assert_eq!(
        found.len(),
        1,
        "{} broken off after {:?}: {found:?}",
        sample.address,
        gate.actions()
    );
    stage.until_ready(sample, &found[0].id).await
}

async fn half_deleted(stage: &Stage<'_>, sample: &Sample, after: usize) {
    let desired = stage.desired(sample, &sample.spec);
    let made = stage.create(sample, &desired, &Arc::default()).await;
    let made = made.unwrap_or_else(|e| panic!("{}: create: {e}", sample.address));
    let live = stage.until_ready(sample, &made.id).await;
    let gate = Arc::new(Gate::stopping_after(after));
    match stage.delete(sample, &live, &desired, &gate).await {
        // With fewer facets than after all its changes there is less to take away.
        Ok(()) => {}
        Err(error) => assert!(error.is(Class::Stopped), "{}: {error}", sample.address),
    }
    let asked = vec![item(sample, Some(&live.id), None)];
    for left in stage.find(sample, Extent::Items, asked).await {
        let gone = stage.delete(sample, &left, &desired, &Arc::default()).await;
        gone.unwrap_or_else(|e| panic!("{}: second delete: {e}", sample.address));
    }
    let asked = vec![item(sample, Some(&live.id), None)];
    let found = stage.find(sample, Extent::Items, asked).await;
    assert!(found.is_empty(), "{}: still there", sample.address);
}
