//! Without credentials, with wrong ones, and with some that run out half way.

use serde_json::json;

use super::STACK;
use crate::desk::{Desk, said};

#[test]
fn none_at_all() {
    let desk = Desk::shared(STACK);
    let mut command = desk.command(&["plan"]);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    insta::assert_snapshot!("no_credentials", desk.steady(&said(&mut command)));
}

#[test]
fn a_profile_that_is_named_is_meant() {
    let desk = Desk::shared(STACK);
    // Whatever else the environment has.
    let said = desk.expect(&["plan", "--profile", "nowhere"], 1);
    assert!(
        said.err.starts_with("error: there is no profile nowhere: "),
        "{}",
        said.err
    );
    assert!(
        said.err
            .contains("hint: make it: `aws configure --profile nowhere`"),
        "{}",
        said.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_at_the_door() {
    let desk = Desk::alone(STACK);
    desk.fault(
        json!({"kind": "refuse", "service": "sts", "code": "ExpiredToken",
        "message": "The security token included in the request is expired", "status": 403}),
    )
    .await;
    let said = desk.expect(&["apply", "--yes"], 1);
    insta::assert_snapshot!("expired_at_the_door", desk.steady(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn run_out_half_way() {
    let desk = Desk::alone(STACK);
    desk.fault(
        json!({"kind": "refuse", "service": "ec2", "action": "Create*", "code": "RequestExpired",
        "message": "Request has expired.", "status": 400}),
    )
    .await;
    let said = desk.expect(&["apply", "--yes"], 1);
    for sentence in [
        "error: ec2:CreateVpc: RequestExpired: Request has expired.",
        "log in again",
        "the next run goes on where this one stopped",
    ] {
        assert!(said.err.contains(sentence), "{}", said.err);
    }
    desk.no_faults().await;
    let said = desk.expect(&["apply", "--yes"], 0);
    assert!(said.err.contains("created"), "{}", said.err);
    desk.settled(&[]);
}
