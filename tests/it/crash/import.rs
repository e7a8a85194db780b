//! `state import`, killed: the same again ends well, and says so when there is nothing left to do.

use super::world::World;
use crate::wire::{Deed, Moment, Script, When};

const STACK: &str = "
stack: taken
region: us-east-1
resources:
  logs: { type: logs.log_group, name: /taken/logs, retention_days: 7 }
";

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_killed_is_finished_by_the_same_again() {
    let world = World::new().await;
    let stack = world.written_stack(STACK);
    let run = async |arguments: &[&str], when: &str| {
        let ended = world.expect(&stack, arguments, 0, when).await;
        ended.unwrap_or_else(|error| panic!("{error}")).text
    };
    let import = ["state", "import", "logs", "/taken/logs"];
    run(&["apply", "--yes"], "made").await;
    for moment in [Moment::Before, Moment::After] {
        run(&["state", "rm", "logs"], "given up").await;
        let script = Script::new(When::Mutating(1), Deed::Kill(moment));
        assert!(world.run(&stack, &import, script).await.killed());
        let said = run(&import, "again").await;
        assert!(said.contains("is managed at logs\n"), "{moment:?}\n{said}");
        run(&["plan", "--detailed-exitcode"], "taken over").await;
        let said = run(&import, "once more").await;
        assert!(said.contains("is managed at logs already"), "{said}");
    }
}
