//! A name that somebody else's resource has.

use super::STACK;
use crate::desk::Desk;

#[test]
fn it_is_never_adopted() {
    let desk = Desk::shared(&STACK.replace("stack: bad", "stack: bad-taken"));
    desk.boto("logs.create_log_group(logGroupName='/bad-taken/app')");
    let said = desk.expect(&["apply", "--yes"], 1);
    assert!(said.err.contains("error: logs cannot be made: logs.log_group /bad-taken/app has its name and is not of this stack"), "{}", said.err);
    assert!(
        said.err
            .contains("circles-infra state import logs /bad-taken/app"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("hint: nothing was changed"),
        "{}",
        said.err
    );
    desk.expect(&["state", "import", "logs", "/bad-taken/app"], 0);
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
}
