//! Uploads on their way to the storage: written to a temporary file piece by piece, so that none is held in memory.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

/// Bytes of one write to the disk, at most.
const WRITE: usize = 64 * 1024;
/// A temporary file this old belongs to a process that was killed: no upload takes so long.
const LEFT_OVER: Duration = Duration::from_secs(3600);
const EXTENSION: &str = "upload";

/// The folder of the temporary files.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
}

/// A temporary file; removed when dropped, unless it was moved away.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may have been moved into the storage.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An upload being received.
#[derive(Debug)]
pub struct SpoolWriter {
    file: File,
    path: Temporary,
    size: usize,
    hash: Sha256,
}

/// A whole upload.
#[derive(Debug)]
pub struct SpooledFile {
    path: Temporary,
    size: usize,
    sha256: [u8; 32],
}

impl Spool {
    #[must_use]
    pub fn new(folder: PathBuf) -> Spool {
        Spool { folder }
    }

    /// A new temporary file.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn create(&self) -> io::Result<SpoolWriter> {
        tokio::fs::create_dir_all(&self.folder).await?;
        let name = format!("{}.{EXTENSION}", Uuid::new_v4().simple());
        let path = Temporary(self.folder.join(name));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(&path.0).await?;
        file.set_max_buf_size(WRITE);
        Ok(SpoolWriter {
            file,
            path,
            size: 0,
            hash: Sha256::new(),
        })
    }

    /// Removes what killed processes left behind.
    pub async fn remove_left_over(&self) {
        let Ok(mut entries) = tokio::fs::read_dir(&self.folder).await else {
            return;
        };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let path = entry.path();
            let ours = path.extension().is_some_and(|e| e == EXTENSION);
            let changed = entry.metadata().await.and_then(|m| m.modified()).ok();
            let age = changed.and_then(|at| SystemTime::now().duration_since(at).ok());
            if ours && age.is_some_and(|age| age > LEFT_OVER) {
                let _ = tokio::fs::remove_file(&path).await;
            }
        }
    }
}

impl SpoolWriter {
    /// Appends a piece.
    ///
    /// # Errors
    /// When the disk is full, or fails.
    pub async fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece).await?;
        self.hash.update(piece);
        self.size += piece.len();
        Ok(())
    }

    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The whole upload.
    ///
    /// # Errors
    /// When the disk is full, or fails.
    pub async fn finish(mut self) -> io::Result<SpooledFile> {
        // The last write may fail as late as here.
        self.file.flush().await?;
        Ok(SpooledFile {
            path: self.path,
            size: self.size,
            sha256: self.hash.finalize().into(),
        })
    }
}

impl SpooledFile {
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path.0
    }

    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The first bytes, at most `length` of them.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn head(&self, length: usize) -> io::Result<Vec<u8>> {
        let length = length.min(self.size);
        let file = File::open(&self.path.0).await?;
        let mut head = Vec::with_capacity(length);
        let most = u64::try_from(length).unwrap_or(u64::MAX);
        file.take(most).read_to_end(&mut head).await?;
        Ok(head)
    }

    /// SHA-256 of the contents.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[tokio::test]
    async fn nothing_is_left_of_an_upload_that_ends_early_or_late() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("spool"));
        let mut writer = spool.create().await.unwrap();
        writer.write(b"some").await.unwrap();
        let inside = folder.path().join("spool");
        assert_eq!(count(&inside), 1);
        drop(writer);
        assert_eq!(count(&inside), 0, "lost on the way");
        let mut writer = spool.create().await.unwrap();
        writer.write(b"some").await.unwrap();
        writer.write(b" more").await.unwrap();
        let whole = writer.finish().await.unwrap();
        assert_eq!(std::fs::read(whole.path()).unwrap(), b"some more");
        assert_eq!(whole.size(), 9);
        assert_eq!(whole.head(6).await.unwrap(), b"some m");
        assert_eq!(whole.head(100).await.unwrap(), b"some more");
        assert_eq!(whole.sha256()[..], Sha256::digest(b"some more")[..]);
        drop(whole);
        assert_eq!(count(&inside), 0);
    }

    #[tokio::test]
    async fn only_old_uploads_are_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned());
        let fresh = spool.create().await.unwrap();
        let long_ago = SystemTime::now() - LEFT_OVER - Duration::from_secs(60);
        for name in ["old.upload", "other.txt"] {
            let file = std::fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        spool.remove_left_over().await;
        assert!(!folder.path().join("old.upload").exists());
        assert!(folder.path().join("other.txt").exists());
        assert_eq!(count(folder.path()), 2);
        drop(fresh);
    }
}
