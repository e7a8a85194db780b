//! How large a picture unfolds, by its header. A file of a few bytes can claim more pixels than any viewer has memory for.

use crate::sniff::{self, Kind};

/// The longest side, and the most pixels, of a picture that is taken: more than the cameras of phones make of 10 MB.
const MAX_SIDE: u32 = 20_000;
const MAX_PIXELS: u64 = 100_000_000;
/// How far into a file its boxes or segments are looked through. Previews and color profiles stand before the size.
pub const HEAD: usize = 1024 * 1024;

/// False when the header says that the picture is larger than any that is taken. One that says nothing is left to the signature.
#[must_use]
pub fn is_acceptable(kind: Kind, bytes: &[u8]) -> bool {
    let pixels = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    dimensions(kind, bytes)
        .is_none_or(|size| size.0.max(size.1) <= MAX_SIDE && pixels(size) <= MAX_PIXELS)
}

/// Width and height, as far as the header is understood.
fn dimensions(kind: Kind, bytes: &[u8]) -> Option<(u32, u32)> {
    match kind {
        sniff::PNG => Some((big(bytes, 16, 4)?, big(bytes, 20, 4)?)),
        sniff::GIF => Some((little(bytes, 6, 2)?, little(bytes, 8, 2)?)),
        sniff::WEBP => webp(bytes),
        sniff::JPEG => jpeg(bytes),
        sniff::HEIC => heic(bytes),
        _ => None,
    }
}

fn big(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(length)?)?;
    Some(part.iter().fold(0, |all, b| (all << 8) | u32::from(*b)))
}

fn little(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(length)?)?;
    Some(
        part.iter()
            .rev()
            .fold(0, |all, b| (all << 8) | u32::from(*b)),
    )
}

/// The three forms of WebP's first chunk.
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1)),
        b"VP8 " => Some((
            little(bytes, 26, 2)? & 0x3fff,
            little(bytes, 28, 2)? & 0x3fff,
        )),
        b"VP8L" => {
            let packed = little(bytes, 21, 4)?;
            Some(((packed & 0x3fff) + 1, ((packed >> 14) & 0x3fff) + 1))
        }
        _ => None,
    }
}

/// The first frame header among a JPEG's segments.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    while at < HEAD {
        if big(bytes, at, 1)? != 0xff {
            return None;
        }
        let marker = big(bytes, at + 1, 1)?;
        match marker {
            // Fill bytes, and markers without a length.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            // Frame headers; the three left out are tables.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((big(bytes, at + 7, 2)?, big(bytes, at + 5, 2)?));
            }
            0xd9 | 0xda => return None,
            _ => at += 2 + usize::try_from(big(bytes, at + 2, 2)?).ok()?.max(2),
        }
    }
    None
}

/// The largest of the sizes a HEIC file names for its images.
fn heic(bytes: &[u8]) -> Option<(u32, u32)> {
    let head = &bytes[..bytes.len().min(HEAD)];
    let boxes = head.windows(4).enumerate().filter(|(_, w)| *w == b"ispe");
    boxes
        .filter_map(|(at, _)| Some((big(bytes, at + 8, 4)?, big(bytes, at + 12, 4)?)))
        .max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        [
            head,
            width.to_be_bytes().into(),
            height.to_be_bytes().into(),
        ]
        .concat()
    }

    fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
        // A segment of 20 bytes goes before the frame header.
        let mut bytes = b"\xff\xd8\xff\xe1\x00\x14".to_vec();
        bytes.extend([0; 18]);
        bytes.extend(b"\xff\xc2\x00\x11\x08");
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes
    }

    fn heic_of(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\0\0\0\x18ftypheic\0\0\0\0".to_vec();
        for (w, h) in [(160_u32, 120_u32), (width, height)] {
            bytes.extend(b"\0\0\0\x14ispe\0\0\0\0");
            bytes.extend([w.to_be_bytes(), h.to_be_bytes()].concat());
        }
        bytes
    }

    fn gif(width: u16, height: u16) -> Vec<u8> {
        let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
        [b"GIF89a".to_vec(), size].concat()
    }

    fn webp_of(chunk: &[u8], rest: &[u8]) -> Vec<u8> {
        [&b"RIFF\0\0\0\0WEBP"[..], chunk, &b"\0\0\0\0"[..], rest].concat()
    }

    #[test]
    fn the_size_is_read_of_every_kind_of_picture() {
        let lossless = (3999_u32 | (2999 << 14)).to_le_bytes();
        let files = [
            (sniff::PNG, png(4000, 3000)),
            (sniff::JPEG, jpeg_of(4000, 3000)),
            (sniff::GIF, gif(4000, 3000)),
            (sniff::HEIC, heic_of(4000, 3000)),
            (
                sniff::WEBP,
                webp_of(b"VP8X", b"\0\0\0\0\x9f\x0f\x00\xb7\x0b\x00"),
            ),
            (
                sniff::WEBP,
                webp_of(b"VP8 ", b"\0\0\0\x9d\x01\x2a\xa0\x0f\xb8\x0b"),
            ),
            (
                sniff::WEBP,
                webp_of(b"VP8L", &[&b"\x2f"[..], &lossless].concat()),
            ),
        ];
        for (kind, bytes) in files {
            assert_eq!(dimensions(kind, &bytes), Some((4000, 3000)), "{kind:?}");
            assert!(is_acceptable(kind, &bytes));
            assert_eq!(sniff::sniff(&bytes), Some(kind));
        }
    }

    #[test]
    fn a_picture_that_unfolds_to_too_much_is_not_taken() {
        let files = [
            (sniff::PNG, png(60_000, 60_000)),
            (sniff::PNG, png(u32::MAX, 1)),
            (sniff::JPEG, jpeg_of(60_000, 60_000)),
            (sniff::GIF, gif(60_000, 60_000)),
            (sniff::HEIC, heic_of(60_000, 60_000)),
            (
                sniff::WEBP,
                webp_of(b"VP8X", b"\0\0\0\0\xff\xff\x00\xff\xff\x00"),
            ),
        ];
        for (kind, bytes) in files {
            assert!(!is_acceptable(kind, &bytes), "{kind:?}");
            assert_eq!(sniff::sniff(&bytes), None, "{kind:?}");
        }
    }

    #[test]
    fn a_header_that_is_cut_off_anywhere_is_left_to_the_signature() {
        for (kind, bytes) in [
            (sniff::PNG, png(1, 1)),
            (sniff::JPEG, jpeg_of(1, 1)),
            (sniff::HEIC, heic_of(1, 1)),
        ] {
            for end in 0..bytes.len() {
                assert!(is_acceptable(kind, &bytes[..end]), "{kind:?} {end}");
            }
        }
    }
}
