//! Layers that Docker saves as they are, compressed for the registry; what came of it is remembered, so that an image that has not
//! changed is not compressed again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::archive::Span;
use super::image::{Descriptor, digest_text};

const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// As many layers are remembered; the oldest names go first, which costs nothing but time.
const REMEMBERED: usize = 4096;

/// A layer ready to be sent.
#[derive(Debug)]
pub struct Packed {
    pub descriptor: Descriptor,
    pub file: NamedTempFile,
}

/// What layers came to: by their digest as they are, what they are when compressed. Only digests and sizes; losing it costs time.
pub struct Memory {
    path: Option<PathBuf>,
    known: Mutex<BTreeMap<String, Descriptor>>,
}

impl Memory {
    /// In the user's cache folder.
    pub fn of_user(process: &BTreeMap<String, String>) -> Self {
        let get = |name: &str| process.get(name).filter(|value| !value.is_empty());
        let cache = get("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or(get("HOME").map(|home| Path::new(home).join(".cache")));
        Self::at(cache.map(|cache| cache.join("circles-infra/layers.json")))
    }

    pub fn at(path: Option<PathBuf>) -> Self {
        let text = path.as_ref().and_then(|path| fs::read(path).ok());
        let known = text.and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            path,
            known: Mutex::new(known.unwrap_or_default()),
        }
    }

    pub fn packed(&self, diff_id: &str) -> Option<Descriptor> {
        self.known
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .get(diff_id)
            .cloned()
    }

    fn keep(&self, diff_id: &str, descriptor: &Descriptor) {
        let mut known = self.known.lock().unwrap_or_else(|e| e.into_inner());
        while known.len() >= REMEMBERED {
            known.pop_first();
        }
        known.insert(diff_id.to_owned(), descriptor.clone());
        if let Some(path) = &self.path {
            // Only a memory: without it the next push takes longer.
            let _ = write(path, &known);
        }
    }
}

fn write(path: &Path, known: &BTreeMap<String, Descriptor>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec(known)?)?;
    file.persist(path)?;
    Ok(())
}

/// Compresses a layer to a temporary file. What it is when unpacked has to be what `diff_id` says.
///
/// # Errors
/// `InvalidData` when it is not.
pub fn pack(span: &Span, diff_id: &str, memory: &Memory) -> io::Result<Packed> {
    let mut from = File::open(&span.path)?;
    from.seek(SeekFrom::Start(span.start))?;
    let mut from = from.take(span.size);
    let mut inner = Sha256::new();
    let mut encoder = GzEncoder::new(
        Hashed {
            file: NamedTempFile::new()?,
            hash: Sha256::new(),
            size: 0,
        },
        Compression::fast(),
    );
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        inner.update(&buffer[..read]);
        encoder.write_all(&buffer[..read])?;
    }
    let found = digest_text(inner.finalize().as_slice());
    if found != diff_id {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a layer is damaged: it is {found}, not {diff_id}"),
        ));
    }
    let Hashed { file, hash, size } = encoder.finish()?;
    let descriptor = Descriptor {
        media_type: LAYER.into(),
        digest: digest_text(hash.finalize().as_slice()),
        size,
    };
    memory.keep(diff_id, &descriptor);
    Ok(Packed { descriptor, file })
}

struct Hashed {
    file: NamedTempFile,
    hash: Sha256,
    size: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::image::digest_of;

    #[test]
    fn a_layer_is_packed_once_and_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let (path, memory) = (
            folder.path().join("layer"),
            folder.path().join("c/layers.json"),
        );
        let bytes = b"..tar file".repeat(1000);
        fs::write(&path, &bytes).unwrap();
        let span = Span {
            path,
            start: 2,
            size: 9998,
        };
        let diff_id = digest_of(&bytes[2..]);
        let known = Memory::at(Some(memory.clone()));
        assert_eq!(known.packed(&diff_id), None);
        let packed = pack(&span, &diff_id, &known).unwrap();
        let sent = fs::read(packed.file.path()).unwrap();
        assert_eq!(packed.descriptor.digest, digest_of(&sent));
        assert_eq!(packed.descriptor.size, sent.len() as u64);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&sent[..])
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, &bytes[2..]);
        assert_eq!(
            Memory::at(Some(memory)).packed(&diff_id),
            Some(packed.descriptor)
        );
        let wrong = pack(&span, &digest_of(b"other"), &known).unwrap_err();
        assert_eq!(wrong.kind(), io::ErrorKind::InvalidData);
    }
}
