//! A state kept in a bucket: `state.json`, `lock.json`, the journal in segments, the journals of finished runs.
//!
//! ```text
//!   state.json                       written only over the version that was read
//!   lock.json                        the lease, unless that is in a table
//!   journal/99999998/00000001        run 1's segments, one an append; numbered downwards, so that a listing begins with the newest run
//!   journal/99999998/00000002
//!   journal/99999998/run             all of them, once the run has ended: `history` reads these
//! ```
//!
//! A segment is written only where none is, under the name after the last one that was read. So whoever goes on in a dead run's journal
//! takes the very name that the dead one would write next: its next intent is refused, however late it comes and whatever its clock says.
//! (Segments named by epoch would be as safe only if every append looked for a newer epoch first: twice the calls.)

mod archive;
mod segments;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use tokio::sync::Mutex;

use super::lease::{Leases, outage_patience};
use super::objects::{ObjectRegister, Objects, PutError, Register, Tag, put_surely};
use super::store::{Holder, Lease, Pace, Store, StoreError, Version};
use super::{Snapshot, StateKey};
use crate::journal::{Entry, Event, read_whole, write_append};
use segments::{Segment, run_name, run_of};

/// Reads at once.
const SIDE_BY_SIDE: usize = 16;
/// A write takes some 30 to 60 ms in S3; this long entries wait for company.
const GATHER: Duration = Duration::from_millis(100);
/// The journal holds all that the state does not yet.
const SAVE_EVERY: Duration = Duration::from_secs(20);

/// Where the journal ends, as far as this store has read and written it.
#[derive(Clone, Debug, Default)]
struct Tail {
    /// Of the run that is open, or of the next one.
    run: u64,
    /// The name that the next segment takes.
    next: u64,
    /// The number that its first entry has.
    next_seq: u64,
    /// All of it.
    text: Vec<u8>,
    /// Segments that begin a run or take one over. They stay: a holder that was taken over from may still write there.
    openings: Vec<u64>,
}

pub struct BucketStore {
    objects: Arc<dyn Objects>,
    folder: String,
    key: StateKey,
    leases: Leases,
    /// How long a write is repeated while the bucket is away.
    patience: Duration,
    tail: Mutex<Option<Tail>>,
}

impl BucketStore {
    /// The state of `key` below `prefix`. `register`: where the lease is kept, if not beside the state.
    pub fn new(
        objects: Arc<dyn Objects>,
        prefix: &str,
        key: StateKey,
        register: Option<Arc<dyn Register>>,
        lease: Duration,
    ) -> Self {
        let folder = folder(prefix, &key);
        let register = register.unwrap_or_else(|| {
            Arc::new(ObjectRegister {
                objects: objects.clone(),
                name: format!("{folder}/lock.json"),
            })
        });
        Self {
            leases: Leases::new(register, lease),
            patience: outage_patience(lease),
            objects,
            folder,
            key,
            tail: Mutex::new(None),
        }
    }

    fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.folder)
    }

    async fn read(&self) -> Result<Option<(Snapshot, Version)>, StoreError> {
        let name = self.name("state.json");
        let Some((text, tag)) = self.objects.get(&name).await? else {
            return Ok(None);
        };
        let snapshot = Snapshot::parse(&text, &self.objects.place(&name), &self.key)?;
        Ok(Some((snapshot, Version(tag.0))))
    }

    async fn write(
        &self,
        base: Option<&Version>,
        snapshot: &Snapshot,
    ) -> Result<Version, StoreError> {
        let name = self.name("state.json");
        let place = self.objects.place(&name);
        snapshot.verify(&place)?;
        let text = snapshot.text().map_err(|e| StoreError::Journal {
            place: place.clone(),
            what: e.to_string(),
        })?;
        let over = base.map(|version| Tag(version.0.clone()));
        let tag = self.put(&name, &text, over.as_ref()).await?;
        Ok(Version(tag.0))
    }

    async fn put(&self, name: &str, text: &[u8], over: Option<&Tag>) -> Result<Tag, StoreError> {
        let register = ObjectRegister {
            objects: self.objects.clone(),
            name: name.to_owned(),
        };
        put_surely(&register, text, over, self.patience)
            .await
            .map_err(|error| match error {
                PutError::Lost => StoreError::Conflict {
                    place: self.objects.place(name),
                },
                PutError::Again(error) | PutError::Failed(error) => error,
            })
    }

    /// A copy under another name first: the bucket keeps the old version as well, but there nobody looks for it.
    async fn lay_aside_now(&self) -> Result<String, StoreError> {
        let name = self.name("state.json");
        let aside = self.name(&format!("state.damaged-{:08x}.json", rand::random::<u32>()));
        if let Some((text, _)) = self.objects.get(&name).await? {
            self.put(&aside, &text, None).await?;
            self.objects.delete(std::slice::from_ref(&name)).await?;
        }
        Ok(format!(
            "{} (and as an older version of {})",
            self.objects.place(&aside),
            self.objects.place(&name)
        ))
    }

    /// All names in the folder of the newest run, and that run's number; `None`: nothing ever ran.
    async fn newest(&self) -> Result<Option<(u64, Vec<String>)>, StoreError> {
        let prefix = self.name("journal/");
        let mut page = self.objects.list(&prefix, None).await?;
        let Some(run) = page.first().and_then(|name| run_of(&name[prefix.len()..])) else {
            return Ok(None);
        };
        let folder = self.name(&format!("journal/{}/", run_name(run)));
        let mut names = Vec::new();
        while let Some(last) = page.last().cloned() {
            let before = names.len();
            names.extend(page.into_iter().filter(|name| name.starts_with(&folder)));
            if names.len() == before || !last.starts_with(&folder) {
                break;
            }
            page = self.objects.list(&prefix, Some(&last)).await?;
        }
        let rest = names
            .iter()
            .map(|name| name[folder.len()..].to_owned())
            .collect();
        Ok(Some((run, rest)))
    }

    /// Reads the journal as it stands, and where it ends.
    async fn read_journal(&self) -> Result<(Vec<Entry>, Tail), StoreError> {
        let Some((run, names)) = self.newest().await? else {
            return Ok((Vec::new(), Tail::begin(1)));
        };
        if names.iter().any(|name| name == "run") {
            return Ok((Vec::new(), Tail::begin(run + 1)));
        }
        let place = |what: &str| self.objects.place(&self.name(what));
        let folder = format!("journal/{}", run_name(run));
        let count = segments::count(&names).map_err(|what| StoreError::Journal {
            place: place(&folder),
            what,
        })?;
        let mut reads = stream::iter((1..=count).map(|number| self.segment(run, number)))
            .buffered(SIDE_BY_SIDE);
        let mut entries = Vec::new();
        let mut tail = Tail::begin(run);
        while let Some(segment) = reads.next().await {
            let (text, read) = segment?;
            tail.take(&text, &read);
            entries.extend(read);
        }
        Ok((entries, tail))
    }

    async fn segment(&self, run: u64, number: u64) -> Result<(Vec<u8>, Vec<Entry>), StoreError> {
        let name = self.name(&Segment { run, number }.name());
        let damaged = |what: String| StoreError::Journal {
            place: self.objects.place(&name),
            what,
        };
        let Some((text, _)) = self.objects.get(&name).await? else {
            return Err(damaged(
                "it was listed and is gone: somebody removes objects here".into(),
            ));
        };
        let (entries, whole) = read_whole(&text)
            .map_err(|damage| StoreError::of_journal(self.objects.place(&name), damage))?;
        // An object is written whole or not at all: what is torn here was not torn by a crash.
        if entries.is_empty() || whole < text.len() {
            let what = format!("it is damaged, or cut off, after line {}", entries.len());
            return Err(damaged(what));
        }
        Ok((text, entries))
    }

    async fn append_now(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let Some(first) = entries.first() else {
            return Ok(());
        };
        let mut known = self.tail.lock().await;
        let mut tail = match known.take() {
            Some(tail) => tail,
            None => self.read_journal().await?.1,
        };
        let segment = Segment {
            run: tail.run,
            number: tail.next,
        };
        let name = self.name(&segment.name());
        let place = self.objects.place(&name);
        if first.seq != tail.next_seq {
            // The journal was read again since the run that writes here began, and somebody else had gone on in it.
            *known = Some(tail);
            return Err(StoreError::Conflict { place });
        }
        let text = write_append(entries).map_err(|e| StoreError::Journal {
            place: place.clone(),
            what: e.to_string(),
        })?;
        let written = self.put(&name, &text, None).await;
        if written.is_ok() {
            tail.take(&text, entries);
        }
        // After a refusal the same name is tried again, and refused again: there is no way around whoever took it.
        *known = Some(tail);
        written.map(drop)
    }
}

/// Where the state of `key` is below `prefix`.
pub fn folder(prefix: &str, key: &StateKey) -> String {
    match prefix.trim_matches('/') {
        "" => key.name(),
        prefix => format!("{prefix}/{}", key.name()),
    }
}

impl Tail {
    fn begin(run: u64) -> Self {
        Self {
            run,
            next: 1,
            ..Self::default()
        }
    }

    /// One more segment.
    fn take(&mut self, text: &[u8], entries: &[Entry]) {
        if entries
            .iter()
            .any(|entry| matches!(entry.event, Event::Opened { .. }))
        {
            self.openings.push(self.next);
        }
        self.next += 1;
        self.text.extend_from_slice(text);
        if let Some(last) = entries.last() {
            self.next_seq = last.seq + 1;
        }
    }
}

impl Store for BucketStore {
    fn place(&self) -> String {
        self.objects.place(&self.name("state.json"))
    }

    fn journal_place(&self) -> String {
        self.objects.place(&self.name("journal/"))
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<(Snapshot, Version)>, StoreError>> {
        Box::pin(self.read())
    }

    fn swap<'a>(
        &'a self,
        base: Option<&'a Version>,
        snapshot: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Version, StoreError>> {
        Box::pin(self.write(base, snapshot))
    }

    fn lay_aside(&self) -> BoxFuture<'_, Result<String, StoreError>> {
        Box::pin(self.lay_aside_now())
    }

    fn journal(&self) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(async {
            let mut known = self.tail.lock().await;
            let (entries, tail) = self.read_journal().await?;
            *known = Some(tail);
            Ok(entries)
        })
    }

    fn append<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.append_now(entries))
    }

    fn close_journal(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.close_now())
    }

    fn runs(&self) -> BoxFuture<'_, Result<Vec<Vec<Entry>>, StoreError>> {
        Box::pin(self.read_runs())
    }

    fn lease(&self, holder: Holder) -> BoxFuture<'_, Result<Arc<dyn Lease>, StoreError>> {
        Box::pin(async move {
            self.objects.check().await?;
            self.leases.take(holder).await
        })
    }

    fn pace(&self) -> Pace {
        Pace {
            gather: GATHER,
            save_every: SAVE_EVERY,
        }
    }
}

#[cfg(test)]
mod tests;
