//! Verbs that come too early: before the first apply each says in one sentence what to do. And settings that nobody can read.

use crate::desk::Desk;
use crate::standing::feed;

#[test]
fn before_the_first_apply_every_verb_says_what_to_do() {
    let text = include_str!("../../../stacks/circles.yaml");
    let desk = Desk::shared(&text.replace("stack: circles", "stack: early"));
    for (arguments, code, sentence) in [
        (
            &["logs"][..],
            1,
            "error: AWS has no log group /ecs/early yet: circles-infra apply makes it",
        ),
        (
            &["status"],
            0,
            "stack       nothing of it is there yet: circles-infra apply makes it",
        ),
        (
            &["secrets", "list"],
            0,
            "What is not made yet, circles-infra apply makes.",
        ),
        (
            &["secrets", "rotate", "APP_JWT_SECRET_KEY"],
            1,
            "circles-infra apply makes it",
        ),
        (
            &["secrets", "rotate", "APP_DATABASE_URL"],
            1,
            "error: app is not there yet\n  hint: circles-infra apply makes it; then run this again",
        ),
        (
            &["deploy"],
            1,
            "error: app is not there yet, or not any more\n  hint: make it first: circles-infra apply",
        ),
        (&["rollback"], 1, "make it first: circles-infra apply"),
        (
            &["releases"],
            0,
            "No service of the stack is there yet: circles-infra apply makes it",
        ),
    ] {
        let said = desk.expect(arguments, code);
        assert!(
            said.all().contains(sentence),
            "{arguments:?}\n{}",
            said.all()
        );
        assert!(!said.all().contains("()"), "{}", said.all());
    }
    let said = feed(
        &mut desk.command(&["secrets", "set", "APP_FOURSQUARE_API_KEY"]),
        b"x",
    );
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("circles-infra apply makes it"),
        "{said:?}"
    );
}

#[test]
fn a_setting_that_cannot_be_read_is_wrong_usage_whatever_the_verb() {
    let desk = Desk::shared("stack: early-settings\nregion: us-east-1\nresources: {}\n");
    for (name, value, forms) in [
        ("CIRCLES_SETTLE_WINDOW", "abc", "written like 60s, 500ms or"),
        ("CIRCLES_SETTLE_WINDOW", "-5s", "written like 60s, 500ms or"),
        ("CIRCLES_LEASE", "forever", "from 1s to 10m"),
    ] {
        for verb in [&["plan"][..], &["apply", "--yes"], &["status"]] {
            let said = crate::desk::said(desk.command(verb).env(name, value));
            assert_eq!(said.code, Some(64), "{name}={value}\n{}", said.all());
            let words = format!("{name}={value}: ");
            assert!(
                said.err.contains(&words) && said.err.contains(forms),
                "{}",
                said.err
            );
        }
    }
}
