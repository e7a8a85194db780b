//! `plan` and everything else that only looks writes nothing.

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn looking_writes_nothing_at_all() {
    let desk = Desk::circles();
    desk.expect(&["plan"], 0);
    assert!(!desk.path("state").exists(), "no state, no lock");
    desk.expect(&["apply", "--yes"], 0);
    desk.boto("logs.put_retention_policy(logGroupName='/ecs/circles', retentionInDays=7)");
    let (state, calls) = (desk.state(), desk.mutations().await);
    for arguments in [
        &["plan"][..],
        &["plan", "--destroy"],
        &["plan", "--json"],
        &["plan", "--format", "markdown"],
        &["plan", "--target", "logs", "--replace", "logs"],
        &["drift"],
        &["outputs"],
        &["state", "list"],
        &["state", "show", "logs"],
        &["history"],
        &["validate"],
    ] {
        desk.expect(arguments, 0);
    }
    assert_eq!(desk.mutations().await, calls);
    assert!(
        desk.state() == state,
        "the state folder is byte for byte as it was"
    );
}
