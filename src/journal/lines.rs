//! A journal as text: one line an entry, its checksum before it; the first line of each append has a `+` before that.
//!
//! ```text
//!   +4be1a9c0 {"seq":7,…}     one append: durable as a whole before anything is done on it
//!   9d02fe51 {"seq":8,…}
//!   +77c3d118 {"seq":9,…}     the next one
//! ```
//!
//! What a crash leaves of the last append is dropped, wherever in it the damage is: pages of one write may reach the disk in any order.
//! Nothing was done on it, since it was not durable. Damage before that is an error that names the line.

use super::Entry;

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalDamage {
    #[error("line {line} is damaged: {what}")]
    Damaged { line: usize, what: String },
    /// The line is as it was written, and says what this program does not know.
    #[error("line {line} was written by a newer circles-infra ({what})")]
    Newer { line: usize, what: String },
}

/// Appends an entry's line to `text`.
pub fn write_line(text: &mut Vec<u8>, entry: &Entry) -> Result<(), serde_json::Error> {
    let json = serde_json::to_string(entry)?;
    text.extend_from_slice(format!("{:08x} {json}\n", checksum(json.as_bytes())).as_bytes());
    Ok(())
}

/// The text of one append.
pub fn write_append(entries: &[Entry]) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    if !entries.is_empty() {
        text.push(FIRST);
    }
    for entry in entries {
        write_line(&mut text, entry)?;
    }
    Ok(text)
}

/// Reads lines, up to what a crash left of the last append.
pub fn read_lines(text: &[u8]) -> Result<Vec<Entry>, JournalDamage> {
    Ok(read_whole(text)?.0)
}

/// The same, and how many bytes those lines are: what follows was not durable, and the next append belongs in its place.
pub fn read_whole(text: &[u8]) -> Result<(Vec<Entry>, usize), JournalDamage> {
    let mut entries = Vec::new();
    let mut length = 0;
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate() {
        match read_line(line) {
            Ok(entry) => entries.push(entry),
            Err(Unread::Unknown(what)) => {
                let line = index + 1;
                return Err(JournalDamage::Newer { line, what });
            }
            Err(Unread::Damaged(_)) if in_last_append(&lines, index) => break,
            Err(Unread::Damaged(what)) => {
                let line = index + 1;
                return Err(JournalDamage::Damaged { line, what });
            }
        }
        length += line.len();
    }
    Ok((entries, length))
}

/// Whether the damaged line `index` is of the last append: it is the last line, or all that follows is whole and begins no append.
fn in_last_append(lines: &[&[u8]], index: usize) -> bool {
    let begins = |line: &&[u8]| line.first() == Some(&FIRST);
    let after = &lines[index + 1..];
    // A journal of before appends were marked has no such line, and no answer.
    after.is_empty()
        || (lines[..index].iter().any(begins)
            && after
                .iter()
                .all(|line| !begins(line) && read_line(line).is_ok()))
}

const FIRST: u8 = b'+';

enum Unread {
    Damaged(String),
    Unknown(String),
}

fn read_line(line: &[u8]) -> Result<Entry, Unread> {
    let json = whole_line(line).map_err(Unread::Damaged)?;
    serde_json::from_str(json).map_err(|e| Unread::Unknown(e.to_string()))
}

/// What the checksum is of.
fn whole_line(line: &[u8]) -> Result<&str, String> {
    let line = line.strip_suffix(b"\n").ok_or("it has no end")?;
    let line = line.strip_prefix(&[FIRST]).unwrap_or(line);
    let text = std::str::from_utf8(line).map_err(|e| e.to_string())?;
    let (sum, json) = text.split_once(' ').ok_or("it has no checksum")?;
    if u32::from_str_radix(sum, 16) != Ok(checksum(json.as_bytes())) {
        return Err("its checksum does not fit".into());
    }
    Ok(json)
}

/// FNV-1a, 32 bits: against torn and overwritten lines, not against forgers.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Event;

    fn entries(seqs: std::ops::Range<u64>) -> Vec<Entry> {
        seqs.map(|seq| Entry {
            seq,
            at: 7,
            event: Event::Closed,
        })
        .collect()
    }

    /// Appends of one, two and three lines.
    fn text() -> Vec<u8> {
        [0..1, 1..3, 3..6]
            .map(|seqs| write_append(&entries(seqs)).unwrap())
            .concat()
    }

    /// Where that line begins, from 1.
    fn start(text: &[u8], line: usize) -> usize {
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        std::iter::once(0)
            .chain(ends.map(|(at, _)| at + 1))
            .nth(line - 1)
            .unwrap()
    }

    #[test]
    fn every_cut_reads_as_the_whole_lines_before_it() {
        let text = text();
        for cut in 0..=text.len() {
            let whole = text[..cut].iter().filter(|b| **b == b'\n').count();
            let (read, length) = read_whole(&text[..cut]).unwrap();
            assert_eq!(read, entries(0..whole as u64));
            assert_eq!(length, start(&text, whole + 1));
        }
    }

    #[test]
    fn what_a_crash_left_of_the_last_append_is_dropped_wherever_the_damage_is() {
        let text = text();
        for line in 4..=6 {
            let at = start(&text, line);
            let mut damaged = text.clone();
            damaged[at + 12] ^= 1;
            let (read, length) = read_whole(&damaged).unwrap();
            assert_eq!(read, entries(0..line as u64 - 1));
            // The next append takes its place, and everything reads again.
            damaged.truncate(length);
            damaged.extend(write_append(&entries(line as u64 - 1..9)).unwrap());
            assert_eq!(read_lines(&damaged).unwrap(), entries(0..9));
        }
        // A page that was never written: no ends of lines in it.
        let mut zeros = text.clone();
        zeros[start(&text, 4)..start(&text, 5) + 20].fill(0);
        assert_eq!(read_lines(&zeros).unwrap(), entries(0..3));
    }

    #[test]
    fn damage_before_the_last_append_is_named() {
        let text = text();
        for line in 1..=3 {
            let mut damaged = text.clone();
            damaged[start(&text, line) + 12] ^= 1;
            let error = read_lines(&damaged).unwrap_err();
            assert!(
                matches!(error, JournalDamage::Damaged { line: named, .. } if named == line),
                "{error}"
            );
        }
        // Written before appends were marked: nothing says which lines were one append.
        let unmarked: Vec<u8> = text.iter().copied().filter(|b| *b != FIRST).collect();
        assert_eq!(read_lines(&unmarked).unwrap(), entries(0..6));
        let mut damaged = unmarked.clone();
        damaged[start(&unmarked, 5) + 12] ^= 1;
        read_lines(&damaged).unwrap_err();
    }

    #[test]
    fn what_a_newer_program_wrote_is_refused_and_not_taken_for_damage() {
        let mut text = text();
        let json = r#"{"seq":6,"at":7,"event":{"event":"teleported","to":"mars"}}"#;
        text.extend(format!("+{:08x} {json}\n", checksum(json.as_bytes())).bytes());
        let error = read_lines(&text).unwrap_err().to_string();
        assert!(
            error.contains("line 7 was written by a newer circles-infra (unknown variant"),
            "{error}"
        );
    }
}
