//! Two runs at once: the second one says who is at work, or waits.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::desk::Desk;
use crate::standing::Said;

const STACK: &str = "
stack: busy
resources:
  logs: { type: logs.log_group, name: /busy/app }
";

/// An apply that takes longer than a few runs of the program on a busy machine, once it holds the lock.
async fn at_work(desk: &Desk) -> Child {
    desk.fault(
        json!({"kind": "delay", "service": "logs", "action": "CreateLogGroup", "seconds": 10}),
    )
    .await;
    let child = desk
        .command(&["apply", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let patience = Instant::now() + Duration::from_secs(20);
    while !desk
        .state()
        .iter()
        .any(|(path, _)| path.ends_with("journal.jsonl"))
    {
        assert!(Instant::now() < patience, "it does not begin");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_is_told_who_is_at_work_or_waits() {
    let desk = Desk::alone(STACK);
    let first = at_work(&desk).await;
    for arguments in [
        &["apply", "--yes"][..],
        &["destroy", "--yes"],
        &["state", "rebuild"],
        &["state", "rm", "logs"],
    ] {
        let said = desk.expect(arguments, 75);
        assert!(
            said.err.contains("is at work on this state since"),
            "{}",
            said.err
        );
        assert!(said.err.contains("(apply, process "), "{}", said.err);
        assert!(
            said.err
                .contains("hint: wait for it, or let --lock-timeout 10m wait"),
            "{}",
            said.err
        );
    }
    // Who only looks needs no lock.
    desk.expect(&["plan"], 0);
    desk.expect(&["state", "list"], 0);
    let waited = desk.expect(&["apply", "--yes", "-lock-timeout=60s"], 0);
    assert!(waited.err.contains("waiting: "), "{}", waited.err);
    assert!(waited.err.contains("Nothing to do"), "{}", waited.err);
    let first = Said::of(&first.wait_with_output().expect("its end"));
    assert_eq!(first.code, Some(0), "{}", first.all());
}
