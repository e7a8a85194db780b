//! A state that is damaged, newer, or of somebody else; a journal that is damaged.

use super::STACK;
use crate::desk::Desk;

#[test]
fn it_is_never_written_over_and_never_needed() {
    let desk = Desk::shared(&STACK.replace("stack: bad", "stack: bad-state"));
    desk.expect(&["apply", "--yes"], 0);
    let file = desk.state_folder().join("state.json");
    let good = std::fs::read(&file).expect("the state");
    let newer = String::from_utf8_lossy(&good).replacen("\"format\":2", "\"format\":99", 1);
    let edited = String::from_utf8_lossy(&good).replacen("bad-state-sg", "other-sg", 1);
    assert_ne!(edited.as_bytes(), good);
    // Of another account, and of before there were checksums.
    let (_, rest) = std::str::from_utf8(&good)
        .expect("text")
        .split_once("\"serial\"")
        .expect("a serial");
    let elsewhere =
        format!("{{\"format\":1,\"serial\"{rest}").replace("000000000000", "111122223333");
    for (text, sentence) in [
        ("{\"oops", "is damaged: "),
        ("", "is damaged: "),
        (edited.as_str(), "is damaged: its checksum does not fit"),
        (elsewhere.as_str(), "111122223333"),
    ] {
        refused(&desk, text, sentence, "circles-infra state rebuild");
        // What the message says to do.
        let said = desk.expect(&["state", "rebuild"], 0);
        assert!(said.err.contains(sentence), "{}", said.err);
        assert_eq!(kept(&desk, &said.err), text);
        desk.settled(&[]);
    }
    let sentence = "was written by a newer circles-infra (format 99; this one reads up to 2)";
    refused(&desk, &newer, sentence, "Upgrade circles-infra");
    let said = desk.expect(&["state", "rebuild"], 1);
    assert!(said.err.contains(sentence), "{}", said.err);
    assert_eq!(std::fs::read_to_string(&file).expect("the state"), newer);
    std::fs::write(&file, good).expect("the state");
    desk.expect(&["destroy", "--yes"], 0);
}

/// Every verb refuses that text, says what to do, and leaves it as it is.
fn refused(desk: &Desk, text: &str, sentence: &str, way_out: &str) {
    let file = desk.state_folder().join("state.json");
    std::fs::write(&file, text).expect("a bad state");
    for verb in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["state", "list"],
    ] {
        let said = desk.expect(verb, 1);
        for words in [sentence, way_out] {
            assert!(said.err.contains(words), "{verb:?}\n{}", said.err);
        }
        assert_eq!(std::fs::read_to_string(&file).expect("the state"), text);
    }
}

/// The damaged state, where it is said to be kept.
fn kept(desk: &Desk, said: &str) -> String {
    let files = std::fs::read_dir(desk.state_folder()).expect("the state");
    let paths = files.map(|entry| entry.expect("an entry").path());
    let kept = paths.into_iter().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("state.damaged-") && said.contains(&*name)
    });
    let kept = kept.unwrap_or_else(|| panic!("it is kept nowhere\n{said}"));
    std::fs::read_to_string(kept).expect("the damaged state")
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

#[test]
fn what_a_crash_left_of_the_last_append_does_not_stay_in_the_way() {
    let desk = Desk::shared(&STACK.replace("stack: bad", "stack: bad-append"));
    desk.expect(&["apply", "--yes"], 0);
    let file = desk.state_folder().join("journal.jsonl");
    let run = std::fs::read(desk.state_folder().join("runs/00000001.jsonl")).expect("a run");
    let lines: Vec<&[u8]> = run.split_inclusive(|byte| *byte == b'\n').collect();
    let (last, before) = lines.split_last().expect("lines");
    assert!(last.starts_with(b"+"), "its end is an append of its own");
    // With its line's end, but not as it was written.
    let damaged = String::from_utf8_lossy(last).replace("closed", "cl\0sed");
    std::fs::write(&file, [&before.concat(), damaged.as_bytes()].concat()).expect("a journal");
    desk.expect(&["plan", "--detailed-exitcode"], 0);
    // Goes on in it, and is killed too, in a manner of speaking.
    desk.expect(&["state", "mv", "logs", "renamed"], 0);
    let went_on = std::fs::read(desk.state_folder().join("runs/00000002.jsonl")).expect("a run");
    let whole = before.concat();
    assert!(went_on.starts_with(&whole) && went_on.len() > whole.len());
    assert!(!went_on.contains(&0), "the damaged line is gone");
    std::fs::write(&file, &went_on).expect("a journal");
    desk.expect(&["state", "mv", "renamed", "logs"], 0);
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
}

#[test]
fn a_journal_of_a_newer_program_is_not_taken_for_a_damaged_one() {
    let desk = Desk::shared(&STACK.replace("stack: bad", "stack: bad-newer"));
    desk.expect(&["apply", "--yes"], 0);
    let file = desk.state_folder().join("journal.jsonl");
    // The checksum fits: FNV-1a, 32 bits.
    let json = r#"{"seq":0,"at":1,"event":{"event":"teleported"}}"#;
    let sum = json.bytes().fold(0x811c_9dc5_u32, |sum, byte| {
        (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let text = format!("+{sum:08x} {json}\n");
    std::fs::write(&file, &text).expect("a journal");
    for verb in [&["plan"][..], &["apply", "--yes"], &["state", "rebuild"]] {
        let said = desk.expect(verb, 1);
        for sentence in [
            "journal.jsonl: line 1 was written by a newer circles-infra",
            "hint: upgrade circles-infra; nothing was changed",
        ] {
            assert!(said.err.contains(sentence), "{sentence}\n{}", said.err);
        }
        assert!(!said.err.contains("move that file away"), "{}", said.err);
        assert_eq!(std::fs::read_to_string(&file).expect("the journal"), text);
    }
    // Every line for itself is right, and one is missing.
    let run = std::fs::read_to_string(desk.state_folder().join("runs/00000001.jsonl"));
    let run = run.expect("a run");
    let mut lines: Vec<&str> = run.split_inclusive('\n').collect();
    lines.remove(1);
    std::fs::write(&file, lines.concat()).expect("a journal");
    let said = desk.expect(&["plan"], 1);
    assert!(
        said.err
            .contains("journal.jsonl does not make sense: line 2: number 2 where 1 is due"),
        "{}",
        said.err
    );
    std::fs::remove_file(&file).expect("moved away");
    desk.settled(&[]);
    desk.expect(&["destroy", "--yes"], 0);
}
