//! A state that is damaged, newer, or of somebody else; a journal that is damaged.

use super::STACK;
use crate::desk::Desk;

#[test]
fn it_is_never_written_over_and_never_needed() {
    let desk = Desk::shared(&STACK.replace("stack: bad", "stack: bad-state"));
    desk.expect(&["apply", "--yes"], 0);
    let file = desk.state_folder().join("state.json");
    let good = std::fs::read(&file).expect("the state");
    let newer = String::from_utf8_lossy(&good).replacen("\"format\":1", "\"format\":99", 1);
    for (text, sentence) in [
        ("{\"oops", "is damaged: "),
        ("", "is damaged: "),
        (
            newer.as_str(),
            "was written by a newer circles-infra (format 99; this one reads up to 1). Upgrade circles-infra",
        ),
    ] {
        std::fs::write(&file, text).expect("a bad state");
        for verb in [
            &["plan"][..],
            &["apply", "--yes"],
            &["destroy", "--yes"],
            &["state", "list"],
            &["state", "rebuild"],
        ] {
            let said = desk.expect(verb, 1);
            assert!(said.err.contains(sentence), "{verb:?}\n{}", said.err);
            assert_eq!(std::fs::read_to_string(&file).expect("the state"), text);
        }
    }
    let elsewhere = String::from_utf8_lossy(&good).replace("000000000000", "111122223333");
    std::fs::write(&file, elsewhere).expect("another's state");
    assert!(desk.expect(&["plan"], 1).err.contains("111122223333"));
    // What the message says to do.
    std::fs::rename(&file, desk.path("bad.json")).expect("moved away");
    desk.expect(&["state", "rebuild"], 0);
    desk.settled(&[]);
    std::fs::write(&file, good).expect("the state");
}

#[test]
fn a_damaged_journal_says_what_to_do() {
    let desk = Desk::shared(&STACK.replace("stack: bad", "stack: bad-journal"));
    desk.expect(&["apply", "--yes"], 0);
    let file = desk.state_folder().join("journal.jsonl");
    std::fs::write(&file, "garbage\nmore\n").expect("a bad journal");
    for verb in [&["plan"][..], &["apply", "--yes"], &["state", "rebuild"]] {
        let said = desk.expect(verb, 1);
        assert!(
            said.err.contains("journal.jsonl: line 1 is damaged"),
            "{}",
            said.err
        );
        assert!(
            said.err.contains("hint: move that file away"),
            "{}",
            said.err
        );
    }
    std::fs::remove_file(file).expect("moved away");
    desk.settled(&[]);
    // Half a line at the end is what a crash leaves, and is dropped.
    let file = desk.state_folder().join("journal.jsonl");
    std::fs::write(&file, "{\"half").expect("half a line");
    desk.expect(&["apply", "--yes"], 0);
}
