//! Throttling, quotas, a server that fails.

use serde_json::json;

use super::STACK;
use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_out() {
    let desk = Desk::alone(STACK);
    desk.fault(json!({"kind": "throttle", "probability": 0.3, "seed": 7, "times": 20}))
        .await;
    desk.expect(&["apply", "--yes"], 0);
    desk.no_faults().await;
    desk.settled(&[]);
    // One that does not end is an error that says so.
    desk.fault(json!({"kind": "throttle", "service": "logs", "action": "DescribeLogGroups"}))
        .await;
    let said = desk.expect(&["plan"], 1);
    insta::assert_snapshot!("throttled", desk.steady(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_stops_what_hangs_on_it_and_nothing_else() {
    let desk = Desk::alone(STACK);
    desk.fault(json!({"kind": "refuse", "service": "ec2", "action": "CreateVpc", "code": "VpcLimitExceeded",
        "message": "The maximum number of VPCs has been reached.", "status": 400})).await;
    let said = desk.expect(&["apply", "--yes"], 1);
    for sentence in [
        "failed: net: ec2:CreateVpc: VpcLimitExceeded: The maximum number of VPCs has been reached.",
        "a limit of this account and region is reached: ask for more in Service Quotas (ec2)",
        "not started, because net did not succeed: group",
        "Failed: 1 of 3 steps done, 1 failed, 1 not started",
        "What was done stays done and is remembered; to go on: circles-infra apply",
    ] {
        assert!(said.err.contains(sentence), "{sentence}\n{}", said.err);
    }
    assert_eq!(desk.expect(&["state", "list"], 0).out.lines().count(), 1);
    desk.no_faults().await;
    let said = desk.expect(&["apply", "--yes"], 0);
    assert!(said.err.contains("Applied: 2 created"), "{}", said.err);
    desk.settled(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_changed_nothing() {
    let desk = Desk::alone(STACK);
    desk.fault(
        json!({"kind": "status", "service": "logs", "action": "DescribeLogGroups", "status": 500}),
    )
    .await;
    let said = desk.expect(&["plan"], 1);
    assert!(
        said.err.contains("error: logs:DescribeLogGroups: "),
        "{}",
        said.err
    );
    assert!(
        said.err
            .contains("hint: it only reads, so nothing was changed by it: try again"),
        "{}",
        said.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_is_never_answered_ends_with_its_time() {
    let desk = Desk::alone(STACK);
    desk.edit(
        "cidr: 10.90.0.0/16 }",
        "cidr: 10.90.0.0/16, timeouts: { create: 2s } }",
    );
    desk.fault(json!({"kind": "status", "service": "ec2", "action": "CreateVpc", "status": 500}))
        .await;
    let said = desk.expect(&["apply", "--yes"], 1);
    assert!(
        said.err.contains("failed: net: ec2:CreateVpc: "),
        "{}",
        said.err
    );
    desk.no_faults().await;
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
}
