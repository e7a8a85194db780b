//! A journal as text: one line an entry, its checksum before it. A torn last line is what a crash leaves, and is dropped; any other
//! damage is an error that names the line.

use super::Entry;

/// A line that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is damaged: {what}")]
pub struct JournalDamage {
    pub line: usize,
    pub what: String,
}

/// Appends an entry's line to `text`.
pub fn write_line(text: &mut Vec<u8>, entry: &Entry) -> Result<(), serde_json::Error> {
    let json = serde_json::to_string(entry)?;
    text.extend_from_slice(format!("{:08x} {json}\n", checksum(json.as_bytes())).as_bytes());
    Ok(())
}

/// Reads lines, up to a torn last one.
pub fn read_lines(text: &[u8]) -> Result<Vec<Entry>, JournalDamage> {
    let mut entries = Vec::new();
    let mut lines = text
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .peekable();
    while let Some((index, line)) = lines.next() {
        let last = lines.peek().is_none();
        match read_line(line) {
            Ok(entry) => entries.push(entry),
            // Written in part, or in an order of the disk's choosing: its call was not made, since the line was not durable.
            Err(_) if last => break,
            Err(what) => {
                return Err(JournalDamage {
                    line: index + 1,
                    what,
                });
            }
        }
    }
    Ok(entries)
}

fn read_line(line: &[u8]) -> Result<Entry, String> {
    let line = line.strip_suffix(b"\n").ok_or("it has no end")?;
    let text = std::str::from_utf8(line).map_err(|e| e.to_string())?;
    let (sum, json) = text.split_once(' ').ok_or("it has no checksum")?;
    if u32::from_str_radix(sum, 16) != Ok(checksum(json.as_bytes())) {
        return Err("its checksum does not fit".into());
    }
    serde_json::from_str(json).map_err(|e| e.to_string())
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

    fn entries() -> Vec<Entry> {
        (0..3)
            .map(|seq| Entry {
                seq,
                at: 7,
                event: Event::Closed,
            })
            .collect()
    }

    fn text() -> Vec<u8> {
        let mut text = Vec::new();
        for entry in entries() {
            write_line(&mut text, &entry).unwrap();
        }
        text
    }

    #[test]
    fn every_cut_reads_as_the_whole_lines_before_it() {
        let text = text();
        for cut in 0..=text.len() {
            let whole = text[..cut].iter().filter(|b| **b == b'\n').count();
            assert_eq!(read_lines(&text[..cut]).unwrap(), entries()[..whole]);
        }
    }

    #[test]
    fn damage_before_the_last_line_is_named() {
        let mut text = text();
        text[12] ^= 1;
        assert_eq!(read_lines(&text).unwrap_err().line, 1);
    }
}
