//! What calls of an earlier run may still show when this one has done all that it had to do.

use std::sync::Arc;

use super::Conductor;
use crate::engine::matching::Whose;
use crate::event::Event;
use crate::journal::OpenIntent;
use crate::kind::{Asked, AskedItem, CloudError, Extent, IntentVerb, Memo};
use crate::plan::Sighting;

impl Conductor<'_> {
    /// Calls of an earlier run that may have made something which neither this run's look nor its steps came upon: they are younger than
    /// the time AWS takes to show things, and their address is not wished for any more, or under another name.
    pub(super) fn unseen(&self) -> Vec<OpenIntent> {
        let window = self.job.settings.settle_window;
        let open = self.job.unfinished.open.values().flatten();
        open.filter(|open| {
            open.unknown() && self.age_at_start(open.at) < window && self.is_unseen(open)
        })
        .cloned()
        .collect()
    }

    fn is_unseen(&self, open: &OpenIntent) -> bool {
        let intent = &open.intent;
        let made = self.kept.get(&intent.address);
        match intent.verb {
            IntentVerb::Create => {
                let is_it = |sighting: &Sighting| {
                    let mut key = intent.key.0.iter();
                    let attributes = &sighting.observed.attributes;
                    sighting.observed.kind == intent.kind
                        && sighting.generation == intent.generation
                        && key.all(|(name, value)| attributes.get(name) == value)
                };
                let seen = self.job.seen.ours.get(&intent.address);
                !seen.into_iter().chain(made).flatten().any(is_it)
            }
            // A step for it has waited; without one nobody has.
            IntentVerb::Update => {
                let kind = self.job.kinds.get(&intent.kind);
                made.is_none() && kind.is_some_and(|kind| kind.update_appends())
            }
            IntentVerb::Delete => false,
        }
    }

    /// Waits until AWS must show what those calls made, and looks. False: something has come to light, or nobody waits any longer; the
    /// journal stays open, and the next run takes care of it.
    pub(super) async fn all_seen(&mut self) -> bool {
        for open in self.unseen() {
            let intent = &open.intent;
            let text = format!(
                "{} of an unfinished run: waiting for what it may have made",
                intent.action
            );
            let address = intent.address.clone();
            self.tell(Event::Recovered { address, text });
            let age = self.age_at_start(open.at) + self.started.elapsed();
            let left = self.job.settings.settle_window.saturating_sub(age);
            let mut stop = self.stop.clone();
            tokio::select! {
                biased;
                () = stop.reached(1) => return false,
                () = tokio::time::sleep(left) => {}
            }
            if self.comes_to_light(&open).await.unwrap_or(true) {
                return false;
            }
        }
        true
    }

    /// Whether there is something of ours at that address which this run has not seen.
    async fn comes_to_light(&self, open: &OpenIntent) -> Result<bool, CloudError> {
        let intent = &open.intent;
        let Some(kind) = self.job.kinds.get(&intent.kind) else {
            return Ok(false);
        };
        let asked = Asked {
            scope: self.job.scope.clone(),
            extent: Extent::Items,
            items: vec![AskedItem {
                address: intent.address.clone(),
                id: intent.id.clone(),
                desired: Some(intent.key.clone()),
                last: None,
                tags: None,
            }],
            memo: Arc::new(Memo::default()),
        };
        let found = kind.find(&asked).await?;
        let matcher = self.matcher.lock();
        Ok(found.into_iter().any(|observed| {
            let known = (observed.kind.clone(), observed.id.clone());
            let ours = matcher.whose(kind.as_ref(), &observed, &asked.items);
            matches!(ours, Whose::Ours { .. }) && !self.live.contains_key(&known)
        }))
    }
}
