//! Moving a state from one place to another. The old copy is given up only after everything was read back from the new one, and even
//! then it is put aside, not deleted. Killed anywhere, run again: it goes on.

use std::time::Duration;

use super::backend::{Finder, Home, Place};
use super::{Session, SessionError};
use crate::journal::{Entry, fold};
use crate::session::lock::take;
use crate::state::{Snapshot, Store, StoreError};

/// What `state migrate` moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    pub from: String,
    pub to: String,
    pub resources: usize,
    pub runs: usize,
    /// Where the old copy is now.
    pub aside: Option<String>,
}

/// All that a place holds.
#[derive(PartialEq)]
struct Content {
    snapshot: Option<Snapshot>,
    journal: Vec<Entry>,
    runs: Vec<Vec<Entry>>,
}

impl Content {
    async fn read(store: &dyn Store) -> Result<Self, StoreError> {
        Ok(Self {
            snapshot: store.load().await?.map(|(snapshot, _)| snapshot),
            journal: store.journal().await?,
            runs: store
                .runs()
                .await?
                .into_iter()
                .filter(|run| !run.is_empty())
                .collect(),
        })
    }

    fn is_empty(&self) -> bool {
        self.snapshot.is_none() && self.journal.is_empty() && self.runs.is_empty()
    }
}

impl Session {
    /// Moves this environment's state, its unfinished journal and its history to `to`. From `from`, or else from where the stack file says;
    /// when that is `to` already, from the folder where states are kept when nothing is said.
    pub async fn migrate(
        &self,
        from: Option<&Place>,
        to: &Place,
        patience: Duration,
        on_wait: &mut dyn FnMut(&StoreError),
    ) -> Result<Migrated, SessionError> {
        let key = self.key();
        let finder = Finder {
            request: &self.request,
            settings: &self.stack.state,
            aws: &self.aws,
            key: &key,
        };
        let target = finder.at(to)?;
        let new = target.store();
        let source = match from {
            Some(from) => finder.at(from)?,
            None => {
                let own = finder.of_stack()?;
                if own.store().place() == new.place() {
                    finder.at(&Place::Local(None))?
                } else {
                    own
                }
            }
        };
        let old = source.store();
        if old.place() == new.place() {
            return Err(SessionError::Guard(format!(
                "the state is kept at {} already; --from says where another one is",
                old.place()
            )));
        }
        // The new place first: whether it can keep a state at all shows there.
        let _new = take(
            new.as_ref(),
            &self.request,
            "state migrate",
            patience,
            on_wait,
        )
        .await?;
        let _old = take(
            old.as_ref(),
            &self.request,
            "state migrate",
            patience,
            on_wait,
        )
        .await?;
        carry_over(&source, old.as_ref(), new.as_ref()).await
    }
}

async fn carry_over(
    source: &Home,
    old: &dyn Store,
    new: &dyn Store,
) -> Result<Migrated, SessionError> {
    let content = Content::read(old).await?;
    let there = Content::read(new).await?;
    if content.is_empty() {
        return Err(SessionError::NotFound(format!(
            "there is no state at {}{}",
            old.place(),
            if there.is_empty() {
                ""
            } else {
                "; it is in the new place already"
            }
        )));
    }
    // A move that was killed while it put the old copy aside has no state here any more, but all of it there.
    if content.snapshot.is_some() || there.snapshot.is_none() {
        fits(&content, &there, old, new)?;
        write(&content, &there, old, new).await?;
        if Content::read(new).await? != content {
            return Err(SessionError::Guard(format!(
                "what was read back from {} is not what was written; the state stays at {}",
                new.place(),
                old.place()
            )));
        }
    }
    let resources = content.snapshot.as_ref().or(there.snapshot.as_ref());
    Ok(Migrated {
        from: old.place(),
        to: new.place(),
        resources: resources.map_or(0, |snapshot| snapshot.resources.len()),
        runs: content.runs.len(),
        aside: source.put_aside().await?,
    })
}

/// Nothing in the new place is overwritten: what is there must be the beginning of what comes.
fn fits(
    content: &Content,
    there: &Content,
    old: &dyn Store,
    new: &dyn Store,
) -> Result<(), SessionError> {
    let runs = content.runs.starts_with(&there.runs);
    let state = there.snapshot.is_none() || there.snapshot == content.snapshot;
    let journal = there.journal.is_empty()
        || there.journal == content.journal
        || content.runs.get(there.runs.len()) == Some(&there.journal);
    if runs && state && journal {
        return Ok(());
    }
    Err(SessionError::Guard(format!(
        "{} holds another state than {}: nothing was changed. Move one of them away first",
        new.place(),
        old.place()
    )))
}

async fn write(
    content: &Content,
    there: &Content,
    old: &dyn Store,
    new: &dyn Store,
) -> Result<(), SessionError> {
    let mut done = there.runs.len();
    let mut open = !there.journal.is_empty();
    if open && there.journal != content.journal {
        // Killed between a run's entries and their putting away.
        new.close_journal().await?;
        done += 1;
        open = false;
    }
    for run in &content.runs[done.min(content.runs.len())..] {
        new.append(run).await?;
        new.close_journal().await?;
    }
    if there.snapshot.is_none()
        && let Some(snapshot) = &content.snapshot
    {
        new.swap(None, snapshot).await?;
    }
    if !open && !content.journal.is_empty() {
        // An illegal one is not carried any further.
        fold(&content.journal).map_err(|e| SessionError::Journal {
            place: old.journal_place(),
            what: e.to_string(),
        })?;
        new.append(&content.journal).await?;
    }
    Ok(())
}
