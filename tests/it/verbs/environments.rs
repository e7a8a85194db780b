//! Two environments of one stack side by side in one account.

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn destroying_one_leaves_the_other_byte_for_byte() {
    let desk = Desk::circles();
    desk.edit(
        "  dev: { ephemeral: true }",
        "  dev: { ephemeral: true }\n  test: { ephemeral: true }",
    );
    desk.expect(&["apply", "--yes"], 0);
    let alone = desk.inventory("inventory").await;
    let with_ids = || desk.inventory("inventory?ids=1");
    let before = with_ids().await;
    desk.expect(&["--env", "test", "apply", "--yes"], 0);
    desk.settled(&[]);
    desk.settled(&["--env", "test"]);
    let names = desk.boto("print(sorted(b['LoadBalancerName'] for b in elb.describe_load_balancers()['LoadBalancers']))");
    assert_eq!(names, "['circles-alb', 'circles-test-alb']");
    desk.expect(&["--env", "test", "destroy", "--yes"], 0);
    assert_eq!(desk.inventory("inventory").await, alone);
    assert_eq!(with_ids().await, before, "the very same resources");
    desk.settled(&[]);
}
