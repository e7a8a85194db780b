//! A work-alike of AWS that lacks calls: what hangs on none of them goes on.

use serde_json::json;

use crate::desk::Desk;

/// Calls that have older ones beside them, and one of a kind that the stack does not have.
const LACKED: [(&str, &str); 4] = [
    ("secretsmanager", "BatchGetSecretValue"),
    ("iam", "GetAccountAuthorizationDetails"),
    ("tagging", "GetResources"),
    ("ec2", "DescribeVpcEndpoints"),
];

async fn lack(desk: &Desk, service: &str, action: &str) {
    desk.fault(
        json!({"kind": "refuse", "service": service, "action": action, "code": "NotImplemented",
        "message": "This server does not have it.", "status": 501}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_stands_on_a_server_that_lacks_calls() {
    let desk = Desk::circles();
    for (service, action) in LACKED {
        lack(&desk, service, action).await;
    }
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    // Without a state every kind is looked through.
    std::fs::remove_dir_all(desk.path("state")).expect("the state");
    let said = desk.expect(&["plan", "--detailed-exitcode"], 0);
    let told = format!("{}{}", said.out, said.err);
    assert!(
        told.contains(
            "ec2.vpc_endpoint is not looked for: this server does not have ec2:DescribeVpcEndpoints"
        ),
        "{told}"
    );
    desk.settled(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stack_has_is_not_left_unseen() {
    let desk = Desk::circles();
    lack(&desk, "logs", "DescribeLogGroups").await;
    let said = desk.expect(&["plan"], 1);
    assert!(
        said.err
            .contains("the server does not have logs:DescribeLogGroups"),
        "{}",
        said.err
    );
}
