//! Calls whose effect is there already, because the one who sent them did not live to see the answer: an update that starts from what was
//! seen before then must come to the same end. And what stands in another's place is moved only if it is ours.

use std::sync::Arc;

use circles_infra::kind::{Class, IntentVerb, Observed};
use circles_infra::model::Attributes;
use serde_json::json;

use super::gate::Gate;
use super::lifecycle::expect_equal;
use super::samples::{Sample, named};
use super::stage::Stage;
use crate::local_aws::LocalAws;

/// Makes `sample`, stopped after its first call, finishes it, and then finishes it again from the first look.
async fn finished_twice(address: &str) {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let mut stage = Stage::open(&local).await;
    let sample = named(address);
    stage.build_needs(&sample).await;
    let desired = stage.desired(&sample, &sample.spec);
    let gate = Arc::new(Gate::stopping_after(1));
    let stopped = stage.create(&sample, &desired, &gate).await;
    assert!(stopped.is_err_and(|error| error.is(Class::Stopped)));
    let half = stage.until_ready(&sample, &gate.learned()[0]).await;
    for time in ["first", "second"] {
        let done = update(&stage, &sample, &half, &desired).await;
        done.unwrap_or_else(|e| panic!("{address}: {time} finish: {e}"));
        let live = stage.until_ready(&sample, &half.id).await;
        expect_equal(&stage, &sample, &live, &desired, time);
    }
}

async fn update(
    stage: &Stage<'_>,
    sample: &Sample,
    live: &Observed,
    desired: &Attributes,
) -> Result<Observed, circles_infra::kind::CloudError> {
    let gate = Arc::default();
    let mut cx = stage.cx(sample, IntentVerb::Update, &gate);
    stage.update(sample, &mut cx, live, desired, &gate).await
}

#[tokio::test]
async fn an_attached_internet_gateway() {
    finished_twice("internet-gateway").await;
}

#[tokio::test]
async fn authorised_rules() {
    finished_twice("security-group").await;
}

#[tokio::test]
async fn routes_and_associations() {
    finished_twice("route-table").await;
}

#[tokio::test]
async fn policies_of_a_role() {
    finished_twice("role").await;
}

/// A subnet that leaves one table of the stack for another is moved, in one call, and never stands without a table.
#[tokio::test]
async fn a_subnet_of_another_table() {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let mut stage = Stage::open(&local).await;
    let first = Sample::new(
        "first-table",
        "ec2.route_table",
        json!({"vpc_id": "${vpc.id}", "subnets": ["${subnet.id}"]}),
    );
    let second = Sample {
        address: "second-table",
        ..first.clone()
    };
    stage.build_needs(&first).await;
    let desired = stage.desired(&first, &first.spec);
    let old = stage.create(&first, &desired, &Arc::default()).await;
    let old = old.expect("a first table");
    let gate = Arc::<Gate>::default();
    let new = stage.create(&second, &desired, &gate).await;
    let new = new.expect("a second table");
    assert_eq!(
        gate.actions(),
        [
            "ec2:CreateRouteTable",
            "ec2:AssociateRouteTable",
            "ec2:ReplaceRouteTableAssociation"
        ]
    );
    let live = stage.until_ready(&second, &new.id).await;
    expect_equal(&stage, &second, &live, &desired, "after the move");
    let left = stage.until_ready(&first, &old.id).await;
    assert_eq!(left.attributes.get("subnets").as_list(), Some(&[][..]));
    // Its old table still thinks that it has the subnet.
    let gone = stage.delete(&first, &old, &desired, &Arc::default()).await;
    gone.expect("a delete that finds the association gone");
}
