//! What becomes of journals when their runs have ended, and of everything when it is moved away.

use futures::StreamExt;
use futures::stream;

use super::segments::{Segment, run_name};
use super::{BucketStore, SIDE_BY_SIDE, Tail};
use crate::journal::{Entry, read_lines};
use crate::state::StoreError;

/// Finished runs whose journals are kept for `history`.
pub const RUNS_KEPT: u64 = 100;

impl BucketStore {
    /// Puts the journal away as one object, and removes the segments that nobody reads any more.
    pub(super) async fn close_now(&self) -> Result<(), StoreError> {
        let mut known = self.tail.lock().await;
        let tail = match known.take() {
            Some(tail) => tail,
            None => self.read_journal().await?.1,
        };
        if tail.next == 1 {
            *known = Some(tail);
            return Ok(());
        }
        let folder = format!("journal/{}", run_name(tail.run));
        match self
            .put(&self.name(&format!("{folder}/run")), &tail.text, None)
            .await
        {
            // Somebody else has put it away.
            Ok(_) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => {
                *known = Some(tail);
                return Err(error);
            }
        }
        let superfluous: Vec<String> = (1..tail.next)
            .filter(|number| !tail.openings.contains(number))
            .map(|number| {
                self.name(
                    &Segment {
                        run: tail.run,
                        number,
                    }
                    .name(),
                )
            })
            .collect();
        let run = tail.run;
        *known = Some(Tail::begin(run + 1));
        drop(known);
        self.tidy(run, superfluous).await;
        Ok(())
    }

    /// Removes what nobody reads any more. What cannot be removed costs its storage and nothing else.
    async fn tidy(&self, run: u64, superfluous: Vec<String>) {
        for page in superfluous.chunks(1000) {
            if self.objects.delete(page).await.is_err() {
                return;
            }
        }
        let Some(oldest) = run.checked_sub(RUNS_KEPT) else {
            return;
        };
        let prefix = self.name("journal/");
        let after = self.name(&format!("journal/{}/run", run_name(oldest + 1)));
        if let Ok(old) = self.objects.list(&prefix, Some(&after)).await {
            for page in old.chunks(1000) {
                let _ = self.objects.delete(page).await;
            }
        }
    }

    /// Journals of finished runs, oldest first.
    pub(super) async fn read_runs(&self) -> Result<Vec<Vec<Entry>>, StoreError> {
        let prefix = self.name("journal/");
        let mut names: Vec<String> = Vec::new();
        let mut after: Option<String> = None;
        while (names.len() as u64) < RUNS_KEPT {
            let page = self.objects.list(&prefix, after.as_deref()).await?;
            let Some(last) = page.last().cloned() else {
                break;
            };
            names.extend(page.into_iter().filter(|name| name.ends_with("/run")));
            after = Some(last);
        }
        names.truncate(usize::try_from(RUNS_KEPT).unwrap_or(usize::MAX));
        names.reverse();
        let mut reads = stream::iter(
            names
                .into_iter()
                .map(|name| async move { self.objects.get(&name).await }),
        )
        .buffered(SIDE_BY_SIDE);
        let mut runs = Vec::new();
        while let Some(read) = reads.next().await {
            // History is for people: what is damaged in it is left out.
            if let Some((text, _)) = read? {
                runs.push(read_lines(&text).unwrap_or_default());
            }
        }
        Ok(runs)
    }

    /// Puts everything aside, as after a move to another place: what reads here next finds nothing. Says where it is now; `None`: there
    /// was nothing. The lease stays.
    ///
    /// # Errors
    /// When an object cannot be read, written or deleted; nothing is deleted before all of it is copied.
    pub async fn put_aside(&self) -> Result<Option<String>, StoreError> {
        let prefix = self.name("");
        let mut names = Vec::new();
        let mut page = self.objects.list(&prefix, None).await?;
        while let Some(last) = page.last().cloned() {
            names.extend(
                page.into_iter()
                    .filter(|name| !name.ends_with("/lock.json")),
            );
            page = self.objects.list(&prefix, Some(&last)).await?;
        }
        if names.is_empty() {
            return Ok(None);
        }
        let aside = format!("{}.moved-{:08x}", self.folder, rand::random::<u32>());
        for name in &names {
            if let Some((text, _)) = self.objects.get(name).await? {
                let copy = format!("{aside}{}", &name[self.folder.len()..]);
                self.put(&copy, &text, None).await?;
            }
        }
        for page in names.chunks(1000) {
            self.objects.delete(page).await?;
        }
        *self.tail.lock().await = None;
        Ok(Some(self.objects.place(&aside)))
    }
}
