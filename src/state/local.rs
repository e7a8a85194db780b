//! A state kept in a folder: `state.json`, `journal.jsonl`, `lock`. Written to a temporary file, synced, renamed; mode 0600. The lease is
//! the operating system's lock on a file, which dies with its holder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use rustix::fs::{FlockOperation, flock};

use super::store::{Busy, Holder, Lease, Store, StoreError, Version};
use super::{Snapshot, StateKey};
use crate::journal::{Entry, JournalDamage, read_lines, read_whole, write_append};

/// Finished runs whose journals are kept for `history`.
const RUNS_KEPT: usize = 100;

pub struct LocalStore {
    folder: PathBuf,
    key: StateKey,
    /// Kept open for appending, once its torn last line, if any, is cut off.
    journal: Mutex<Option<File>>,
    /// The state of the run before is kept, as `state.previous.json`.
    kept_previous: AtomicBool,
}

impl LocalStore {
    /// The state of `key` below `root`. Nothing is made until something is written.
    pub fn new(root: &Path, key: StateKey) -> Self {
        Self {
            folder: root.join(key.name()),
            key,
            journal: Mutex::new(None),
            kept_previous: AtomicBool::new(false),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(&self) -> Result<Option<(Snapshot, Version)>, StoreError> {
        let path = self.file("state.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed("reading", &path)(e)),
        };
        let snapshot = Snapshot::parse(&text, &path.display().to_string(), &self.key)?;
        let version = Version(snapshot.serial.to_string());
        Ok(Some((snapshot, version)))
    }

    fn write(&self, base: Option<&Version>, snapshot: &Snapshot) -> Result<Version, StoreError> {
        let path = self.file("state.json");
        let place = path.display().to_string();
        snapshot.verify(&place)?;
        let stored = self.read()?.map(|(_, version)| version);
        if stored.as_ref() != base {
            return Err(StoreError::Conflict { place });
        }
        let text = snapshot.text().map_err(|e| StoreError::Journal {
            place: place.clone(),
            what: e.to_string(),
        })?;
        self.make_folder()?;
        let temporary = self.file("state.json.new");
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            if base.is_some() && !self.kept_previous.swap(true, Ordering::Relaxed) {
                self.keep_previous(&path)?;
            }
            fs::rename(&temporary, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(failed("writing", &path))?;
        Ok(Version(snapshot.serial.to_string()))
    }

    /// The state that the run before left stays, until the run after this one.
    fn keep_previous(&self, path: &Path) -> io::Result<()> {
        let previous = self.file("state.previous.json");
        match fs::remove_file(&previous) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        // A second name for the same file; not every file system has that.
        fs::hard_link(path, &previous).or_else(|_| fs::copy(path, &previous).map(drop))
    }

    /// Renames the folder, as after a move to another place: what reads here next finds nothing. Says where it is now; `None`: there was
    /// nothing.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn put_aside(&self) -> Result<Option<String>, StoreError> {
        let aside = self.folder.with_file_name(format!(
            "{}.moved-{:08x}",
            self.key.name(),
            rand::random::<u32>()
        ));
        match fs::rename(&self.folder, &aside) {
            Ok(()) => Ok(Some(aside.display().to_string())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed("renaming", &self.folder)(e)),
        }
    }

    fn lay_aside_now(&self) -> Result<String, StoreError> {
        let path = self.file("state.json");
        let aside = self.file(&format!("state.damaged-{:08x}.json", rand::random::<u32>()));
        let put = || -> io::Result<()> {
            fs::rename(&path, &aside)?;
            File::open(&self.folder)?.sync_all()
        };
        put().map_err(failed("renaming", &path))?;
        Ok(aside.display().to_string())
    }

    fn make_folder(&self) -> Result<(), StoreError> {
        fs::create_dir_all(&self.folder).map_err(failed("making", &self.folder))
    }

    fn read_journal(&self) -> Result<Vec<Entry>, StoreError> {
        let path = self.file("journal.jsonl");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed("reading", &path)(e)),
        };
        read_lines(&text).map_err(damaged(&path))
    }

    fn append_now(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let path = self.file("journal.jsonl");
        let text = write_append(entries).map_err(|e| StoreError::Journal {
            place: path.display().to_string(),
            what: e.to_string(),
        })?;
        let mut journal = self.journal.lock().unwrap_or_else(|e| e.into_inner());
        if journal.is_none() {
            *journal = Some(self.open_journal(&path)?);
        }
        let Some(file) = journal.as_mut() else {
            return Ok(());
        };
        let write = |file: &mut File| -> io::Result<()> {
            let before = file.metadata()?.len();
            file.write_all(&text)
                .and_then(|()| file.sync_data())
                .inspect_err(|_| {
                    // A full disk: half a line must not stay in the way of the next.
                    let _ = file.set_len(before);
                })
        };
        write(file).map_err(failed("writing", &path))
    }

    /// For appending: what a crash left of the last append is cut off, so that what follows begins on a line of its own.
    fn open_journal(&self, path: &Path) -> Result<File, StoreError> {
        self.make_folder()?;
        let open = || -> io::Result<(File, Vec<u8>)> {
            let mut file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            Ok((file, text))
        };
        let (file, text) = open().map_err(failed("opening", path))?;
        let (_, whole) = read_whole(&text).map_err(damaged(path))?;
        let cut = || -> io::Result<()> {
            if whole < text.len() {
                file.set_len(whole as u64)?;
            }
            File::open(&self.folder)?.sync_all()
        };
        cut().map_err(failed("opening", path))?;
        Ok(file)
    }

    fn close_now(&self) -> Result<(), StoreError> {
        *self.journal.lock().unwrap_or_else(|e| e.into_inner()) = None;
        let path = self.file("journal.jsonl");
        let runs = self.file("runs");
        let number = self.run_files()?.last().map_or(1, |(number, _)| number + 1);
        let put_away = || -> io::Result<()> {
            fs::create_dir_all(&runs)?;
            fs::rename(&path, runs.join(format!("{number:08}.jsonl")))
        };
        match put_away() {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("putting away", &path)(e)),
            _ => self.drop_old_runs(),
        }
    }

    /// Journals of finished runs by number, oldest first.
    fn run_files(&self) -> Result<Vec<(u64, PathBuf)>, StoreError> {
        let folder = self.file("runs");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed("reading", &folder)(e)),
        };
        let mut files: Vec<(u64, PathBuf)> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let number = path.file_stem()?.to_str()?.parse().ok()?;
                Some((number, path))
            })
            .collect();
        files.sort();
        Ok(files)
    }

    fn drop_old_runs(&self) -> Result<(), StoreError> {
        let files = self.run_files()?;
        for (_, path) in files.iter().take(files.len().saturating_sub(RUNS_KEPT)) {
            fs::remove_file(path).map_err(failed("removing", path))?;
        }
        Ok(())
    }

    fn read_runs(&self) -> Result<Vec<Vec<Entry>>, StoreError> {
        self.run_files()?
            .into_iter()
            .map(|(_, path)| {
                let text = fs::read(&path).map_err(failed("reading", &path))?;
                // History is for people: what is damaged in it is left out.
                Ok(read_lines(&text).unwrap_or_default())
            })
            .collect()
    }

    fn take(&self, holder: &Holder) -> Result<Arc<dyn Lease>, StoreError> {
        self.make_folder()?;
        let path = self.file("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed("opening", &path))?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                // A file system without locks (some network mounts).
                return Err(failed("locking", &path)(error.into()));
            }
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            let holder = serde_json::from_str(&text).unwrap_or(Holder {
                who: "somebody".into(),
                doing: "unknown".into(),
                since: "a moment ago".into(),
                process: 0,
            });
            return Err(Busy(holder).into());
        }
        let mut write = || -> io::Result<()> {
            file.set_len(0)?;
            serde_json::to_writer(&mut file, holder)?;
            file.flush()
        };
        write().map_err(failed("writing", &path))?;
        Ok(Arc::new(FileLease { _file: file }))
    }
}

fn damaged(path: &Path) -> impl Fn(JournalDamage) -> StoreError + '_ {
    |damage| StoreError::of_journal(path.display().to_string(), damage)
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl Fn(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io {
        doing,
        place: path.display().to_string(),
        source,
    }
}

/// The lock lasts as long as the file is open, and no longer than its process.
struct FileLease {
    _file: File,
}

impl Lease for FileLease {
    fn held(&self) -> Result<(), String> {
        Ok(())
    }
}

impl Store for LocalStore {
    fn place(&self) -> String {
        self.file("state.json").display().to_string()
    }

    fn journal_place(&self) -> String {
        self.file("journal.jsonl").display().to_string()
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<(Snapshot, Version)>, StoreError>> {
        Box::pin(async { self.read() })
    }

    fn swap<'a>(
        &'a self,
        base: Option<&'a Version>,
        snapshot: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Version, StoreError>> {
        Box::pin(async move { self.write(base, snapshot) })
    }

    fn lay_aside(&self) -> BoxFuture<'_, Result<String, StoreError>> {
        Box::pin(async { self.lay_aside_now() })
    }

    fn journal(&self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(async { self.read_journal() })
    }

    fn append<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.append_now(entries) })
    }

    fn close_journal(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.close_now() })
    }

    fn runs(&self) -> BoxFuture<'_, Result<Vec<Vec<Entry>>, StoreError>> {
        Box::pin(async { self.read_runs() })
    }

    fn lease(&self, holder: Holder) -> BoxFuture<'_, Result<Arc<dyn Lease>, StoreError>> {
        Box::pin(async move { self.take(&holder) })
    }
}
