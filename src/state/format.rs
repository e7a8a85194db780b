//! The state as text: which format it has, the ladder up from older ones, and a checksum against hands and disks.
//!
//! ```text
//!   {"format":2,"checksum":"91bb…",   ── the checksum is of everything behind it
//!    "serial":7,"epoch":3,"key":{…},"resources":{…},"leftovers":[…],…}
//!
//!   1 ──from_1──▶ 2 = FORMAT     read: climbed step by step, in memory; the next write writes FORMAT
//! ```
//!
//! When the format changes, walk: the old reader with new data (it refuses, by the number), the new reader with old data (a step, and a
//! fixture in `format/`), an old writer that meets new data (it reads before it writes, and refuses).

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{Snapshot, SnapshotError};

type Step = fn(&mut Map<String, Json>) -> Result<(), String>;

/// From each format, beginning with 1, to the next.
const STEPS: [Step; 1] = [from_1];

/// The format that this program writes.
pub const FORMAT: u32 = STEPS.len() as u32 + 1;

/// 1 had no checksum, and its leftovers were pairs.
fn from_1(state: &mut Map<String, Json>) -> Result<(), String> {
    let Some(leftovers) = state.get_mut("leftovers") else {
        return Ok(());
    };
    for leftover in leftovers.as_array_mut().into_iter().flatten() {
        let pair = match leftover.take() {
            Json::Array(pair) => <[Json; 2]>::try_from(pair).ok(),
            _ => None,
        };
        let Some([address, Json::Object(mut record)]) = pair else {
            return Err("a leftover is not an address and a record".into());
        };
        record.insert("address".into(), address);
        *leftover = Json::Object(record);
    }
    Ok(())
}

/// Reads a state's text, of this format or an older one. `place` names it in errors. Whose it is and whether it holds together is for the
/// caller to look at.
pub fn read(text: &[u8], place: &str) -> Result<Snapshot, SnapshotError> {
    let damaged = |what: String| SnapshotError::Damaged {
        place: place.to_owned(),
        what,
    };
    let unread = |e: serde_json::Error| damaged(e.to_string());
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(damaged("it is empty".into()));
    }
    // The format first: a newer one may not fit the rest.
    #[derive(Deserialize)]
    struct Numbered {
        format: u32,
    }
    let Numbered { format } = serde_json::from_slice(text).map_err(unread)?;
    if format > FORMAT {
        return Err(SnapshotError::Newer {
            place: place.to_owned(),
            found: format,
        });
    }
    if format == FORMAT {
        let fits = sealed(text).is_some_and(|(sum, rest)| sum == seal(rest));
        if !fits {
            return Err(damaged(
                "its checksum does not fit, so it is not as circles-infra wrote it".into(),
            ));
        }
        return serde_json::from_slice(text).map_err(unread);
    }
    let steps = usize::try_from(format)
        .ok()
        .and_then(|format| STEPS.get(format.checked_sub(1)?..))
        .ok_or_else(|| damaged(format!("no circles-infra ever wrote format {format}")))?;
    let mut state: Map<String, Json> = serde_json::from_slice(text).map_err(unread)?;
    for step in steps {
        step(&mut state).map_err(damaged)?;
    }
    serde_json::from_value(Json::Object(state)).map_err(unread)
}

/// The text that [`read`] reads.
pub fn write(snapshot: &Snapshot) -> Result<Vec<u8>, serde_json::Error> {
    let body = serde_json::to_vec(snapshot)?;
    // Of the object only what follows its brace: the number and the checksum go before.
    let mut rest = body.get(1..).unwrap_or_default().to_vec();
    rest.push(b'\n');
    let mut text = format!("{HEAD}{}{TAIL}", seal(&rest)).into_bytes();
    text.extend(rest);
    Ok(text)
}

const HEAD: &str = "{\"format\":2,\"checksum\":\"";
const TAIL: &str = "\",";
/// Hexadecimal digits.
const SEAL: usize = 16;

/// The checksum that stands in a text, and what it is of; `None`: it does not begin as a state does.
fn sealed(text: &[u8]) -> Option<(&str, &[u8])> {
    let (sum, rest) = text.strip_prefix(HEAD.as_bytes())?.split_at_checked(SEAL)?;
    let rest = rest.strip_prefix(TAIL.as_bytes())?;
    Some((std::str::from_utf8(sum).ok()?, rest))
}

/// FNV-1a, 64 bits: against an edit or a bad disk, not against forgers, who can write to AWS anyway.
fn seal(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{sum:016x}")
}

#[cfg(test)]
mod tests;
