//! The bytes of a file as UTF-8 text. YAML allows UTF-16 too, which no span here counts in.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// Reads a text file; an error says which encoding it has and how to change that.
pub fn read_text(path: &Path) -> Result<String> {
    decode(std::fs::read(path)?).map_err(|message| Error::new(ErrorKind::InvalidData, message))
}

fn decode(bytes: Vec<u8>) -> std::result::Result<String, String> {
    let bytes = match String::from_utf8(bytes) {
        // PowerShell's `>` without a mark, as ASCII in two bytes each: valid UTF-8, and no text.
        Ok(text) if text.contains('\0') => text.into_bytes(),
        Ok(text) => return Ok(text),
        Err(error) => error.into_bytes(),
    };
    let zeros = |offset: usize| {
        bytes
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let half = bytes.len() / 2;
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || (half > 4 && (zeros(0) * 2 > half || zeros(1) * 2 > half));
    if is_utf16 {
        return Err("the file is UTF-16; save it as UTF-8".into());
    }
    let (at, what) = match std::str::from_utf8(&bytes) {
        Err(error) => (error.valid_up_to(), "is not UTF-8"),
        Ok(text) => (text.find('\0').unwrap_or_default(), "is a NUL byte"),
    };
    let line = bytes[..at].iter().filter(|b| **b == b'\n').count() + 1;
    Err(format!(
        "the file is not UTF-8 text: the byte {:#04x} in line {line} {what}; save the file as UTF-8",
        bytes.get(at).copied().unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn text_in_another_encoding_is_named() {
        let utf16: Vec<u8> = "stack: demo\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let marked = [vec![0xff, 0xfe], utf16.clone()].concat();
        for bytes in [utf16, marked] {
            let message = decode(bytes).unwrap_err();
            assert_eq!(message, "the file is UTF-16; save it as UTF-8");
        }
        let latin1 = b"stack: demo\ntags: { a: caf\xe9 }\n".to_vec();
        let message = decode(latin1).unwrap_err();
        assert!(message.contains("byte 0xe9 in line 2"), "{message}");
        assert_eq!(decode("café".as_bytes().to_vec()).as_deref(), Ok("café"));
    }
}
