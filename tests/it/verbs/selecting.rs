//! `--target` and `--replace`: just what they name, and a name that nothing has is a mistake.

use crate::desk::Desk;

const STACK: &str = "
stack: picking
resources:
  net: { type: ec2.vpc, cidr: 10.85.0.0/16 }
  group: { type: ec2.security_group, vpc_id: \"${net.id}\", name: picking-sg, description: one }
  logs: { type: logs.log_group, name: /picking/app }
";

#[test]
fn a_target_takes_what_it_needs_along_and_no_more() {
    let desk = Desk::shared(STACK);
    let said = desk.expect(&["apply", "--yes", "-target=group"], 0);
    assert!(said.err.contains("Applied: 2 created"), "{}", said.err);
    let said = desk.expect(&["destroy", "--yes", "--target", "net"], 0);
    assert!(said.err.contains("Destroyed: 2 deleted"), "{}", said.err);
    desk.expect(&["apply", "--yes"], 0);
    let said = desk.expect(&["destroy", "--yes", "--target", "group"], 0);
    assert!(said.err.contains("Destroyed: 1 deleted"), "{}", said.err);
    desk.expect(&["destroy", "--yes"], 0);
}

#[test]
fn an_address_that_nothing_has_is_a_mistake() {
    let desk = Desk::shared(&STACK.replace("picking", "missing"));
    desk.expect(&["apply", "--yes"], 0);
    for arguments in [
        &["plan", "--target", "grup"][..],
        &["apply", "--yes", "--target", "grup"],
        &["apply", "--yes", "--replace", "grup"],
        &["destroy", "--yes", "--target", "grup"],
    ] {
        let said = desk.expect(arguments, 64);
        assert!(
            said.err
                .contains("grup: the stack has nothing at that address"),
            "{}",
            said.err
        );
        assert!(said.err.contains("hint: is group meant?"), "{}", said.err);
    }
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
}
