//! What a file is, by its first bytes. Names and headers of uploads are never believed.

pub mod picture_size;

/// A type this service knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    pub content_type: &'static str,
    pub extension: &'static str,
    pub class: Class,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Image,
    Video,
    Audio,
    Document,
}

const fn kind(content_type: &'static str, extension: &'static str, class: Class) -> Kind {
    Kind {
        content_type,
        extension,
        class,
    }
}

pub const JPEG: Kind = kind("image/jpeg", "jpg", Class::Image);
pub const PNG: Kind = kind("image/png", "png", Class::Image);
pub const GIF: Kind = kind("image/gif", "gif", Class::Image);
pub const WEBP: Kind = kind("image/webp", "webp", Class::Image);
pub const HEIC: Kind = kind("image/heic", "heic", Class::Image);
pub const MP4: Kind = kind("video/mp4", "mp4", Class::Video);
pub const QUICKTIME: Kind = kind("video/quicktime", "mov", Class::Video);
pub const AUDIO_MP4: Kind = kind("audio/mp4", "m4a", Class::Audio);
pub const MP3: Kind = kind("audio/mpeg", "mp3", Class::Audio);
pub const WEBM: Kind = kind("audio/webm", "webm", Class::Audio);
pub const WAV: Kind = kind("audio/wav", "wav", Class::Audio);
pub const OGG: Kind = kind("audio/ogg", "ogg", Class::Audio);
pub const PDF: Kind = kind("application/pdf", "pdf", Class::Document);
/// The compound file of the older office formats.
pub const OLE: Kind = kind("application/msword", "doc", Class::Document);
pub const DOCX: Kind = kind(
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "docx",
    Class::Document,
);
pub const XLSX: Kind = kind(
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xlsx",
    Class::Document,
);
pub const ZIP: Kind = kind("application/zip", "zip", Class::Document);
pub const TEXT: Kind = kind("text/plain", "txt", Class::Document);

const ALL: [Kind; 18] = [
    JPEG, PNG, GIF, WEBP, HEIC, MP4, QUICKTIME, AUDIO_MP4, MP3, WEBM, WAV, OGG, PDF, OLE, DOCX,
    XLSX, ZIP, TEXT,
];

/// No more of a file is looked at for its type; a picture's size may be told further in ([`picture_size::HEAD`]).
pub const HEAD: usize = 8192;

/// The type a file's first bytes tell, `None` when they tell none of ours, or a picture larger than any that is taken.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<Kind> {
    signature(bytes).filter(|kind| picture_size::is_acceptable(*kind, bytes))
}

fn signature(bytes: &[u8]) -> Option<Kind> {
    const SIGNATURES: [(&[u8], Kind); 11] = [
        (b"\xff\xd8\xff", JPEG),
        (b"\x89PNG\r\n\x1a\n", PNG),
        (b"GIF87a", GIF),
        (b"GIF89a", GIF),
        (b"ID3", MP3),
        (b"\x1a\x45\xdf\xa3", WEBM),
        (b"OggS", OGG),
        (b"%PDF-", PDF),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
        (b"\xff\xfb", MP3),
        (b"\xff\xf3", MP3),
    ];
    if let Some((_, kind)) = SIGNATURES
        .iter()
        .find(|(signature, _)| bytes.starts_with(signature))
    {
        return Some(*kind);
    }
    if bytes.starts_with(b"RIFF") {
        return match bytes.get(8..12)? {
            b"WEBP" => Some(WEBP),
            b"WAVE" => Some(WAV),
            _ => None,
        };
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return iso_media(bytes.get(8..12)?);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Some(zip_kind(bytes));
    }
    is_text(bytes).then_some(TEXT)
}

fn iso_media(brand: &[u8]) -> Option<Kind> {
    match brand {
        b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" | b"heim" | b"heis" => Some(HEIC),
        b"qt  " => Some(QUICKTIME),
        b"M4A " | b"M4B " => Some(AUDIO_MP4),
        b"isom" | b"iso2" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V "
        | b"MSNV" | b"dash" | b"3gp4" | b"3gp5" => Some(MP4),
        _ => None,
    }
}

/// Office files are archives; their parts' names stand in the first headers.
fn zip_kind(bytes: &[u8]) -> Kind {
    let head = &bytes[..bytes.len().min(4096)];
    let holds = |part: &[u8]| head.windows(part.len()).any(|w| w == part);
    if holds(b"word/") {
        DOCX
    } else if holds(b"xl/") {
        XLSX
    } else {
        ZIP
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD)];
    let control = |b: &u8| *b < 0x20 && !matches!(b, b'\n' | b'\r' | b'\t' | 0x0c);
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character may be cut at the end of the head.
        Err(e) => e.error_len().is_none(),
    };
    !head.is_empty() && valid && !head.iter().any(control)
}

/// The content type a stored file is served with, by the extension this service gave it.
#[must_use]
pub fn content_type_of_name(name: &str) -> &'static str {
    let extension = name.rsplit('.').next().unwrap_or_default();
    ALL.iter()
        .find(|k| k.extension == extension)
        .map_or("application/octet-stream", |k| k.content_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_with_a_broken_checksum_is_still_a_png() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR broken"), Some(PNG));
    }

    #[test]
    fn programs_and_markup_are_not_pictures() {
        assert_eq!(sniff(b"\x7fELF\x02\x01\x01\0\0\0"), None);
        assert_ne!(
            sniff(b"<svg onload=alert(1)>").map(|k| k.class),
            Some(Class::Image)
        );
    }

    #[test]
    fn office_archives_are_told_from_plain_ones() {
        assert_eq!(sniff(b"PK\x03\x04....word/document.xml"), Some(DOCX));
        assert_eq!(sniff(b"PK\x03\x04....readme"), Some(ZIP));
    }
}
