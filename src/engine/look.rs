//! What a worker works with, and its eye: one look at one resource.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::gate::{Gate, Message};
use super::matching::{SharedMatcher, Whose};
use super::react::{Reaction, gap, react, watch_gap};
use super::settings::Settings;
use super::stop::Stop;
use super::visibility::CATCHING_UP;
use crate::kind::{
    AnyKind, Asked, AskedItem, Class, CloudError, Cx, Extent, IntentVerb, Memo, SecretSource,
    SecretText,
};
use crate::model::{Attributes, PhysicalId, Scope, SecretRef, Tags};
use crate::plan::{Sighting, Step};

/// Secret values that were read or made in this run, in memory.
#[derive(Default)]
pub struct Vault(Mutex<BTreeMap<SecretRef, SecretText>>);

impl Vault {
    pub fn keep(&self, secret: SecretRef, value: SecretText) {
        self.0
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .insert(secret, value);
    }

    pub fn get(&self, secret: &SecretRef) -> Option<SecretText> {
        self.0
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .get(secret)
            .cloned()
    }
}

impl SecretSource for Vault {
    fn read(&self, secret: SecretRef) -> BoxFuture<'_, Result<SecretText, CloudError>> {
        Box::pin(async move {
            self.get(&secret).ok_or_else(|| {
                CloudError::new(
                    "secretsmanager:GetSecretValue",
                    Class::NotFound,
                    "NoSuchKey",
                    format!("{} has no key {}", secret.address, secret.key),
                )
            })
        })
    }
}

/// One step's tools.
pub struct Tools {
    pub kind: Arc<dyn AnyKind>,
    pub scope: Scope,
    pub step: Step,
    pub matcher: SharedMatcher,
    pub gate: Arc<Gate>,
    pub vault: Arc<Vault>,
    pub settings: Settings,
    pub stop: Stop,
    pub budget: Duration,
    /// It, or something it stands on, was made recently, so AWS may not know that everywhere yet.
    pub fresh: bool,
    /// A resource of its kind is deleted before it, whose name AWS may still hold.
    pub after_delete: bool,
    /// Until then it was made too recently for "no such id" to prove that it is gone.
    pub unproven_until: Option<Instant>,
}

impl Tools {
    /// The context of one call of a verb. The token is new each time: an attempt that may have been carried out is looked for, not replayed.
    pub fn cx(
        &self,
        verb: IntentVerb,
        tags: Tags,
        id: Option<PhysicalId>,
        last: Attributes,
        round: u32,
    ) -> Cx {
        let key = match verb {
            IntentVerb::Create => last.only(self.kind.identity().natural_key),
            IntentVerb::Update | IntentVerb::Delete => Attributes::default(),
        };
        Cx {
            key,
            scope: self.scope.clone(),
            address: self.step.address.clone(),
            kind: self.step.kind.clone(),
            verb,
            generation: self.step.generation,
            tags,
            token: format!("{:032x}", rand::random::<u128>()),
            id,
            last,
            round,
            gate: self.gate.clone(),
            secrets: self.vault.clone(),
        }
    }

    /// Judges an error of this step, which began at `since`.
    pub fn react(&self, error: &CloudError, since: Instant) -> Reaction {
        let window = self.settings.settle_window;
        let absence = if self.fresh || self.gate.effective() > 0 {
            CATCHING_UP.max(window)
        } else {
            // What it names was seen a moment ago, or stands in the stack file as it is.
            window
        };
        react(error, &self.kind.patience(), self.budget, since, absence)
    }

    /// What is there of this step's resource now.
    pub async fn look(
        &self,
        id: Option<PhysicalId>,
        desired: Option<&Attributes>,
    ) -> Result<Option<Sighting>, CloudError> {
        let asked = Asked {
            scope: self.scope.clone(),
            extent: Extent::Items,
            items: vec![AskedItem {
                address: self.step.address.clone(),
                id: id.clone(),
                desired: desired.cloned(),
                last: None,
                tags: None,
            }],
            memo: Arc::new(Memo::default()),
        };
        let live = match self.kind.find(&asked).await {
            // One part of AWS shows an id that another does not know yet.
            Err(error) if error.is(Class::NotFound) => return Ok(None),
            live => live?,
        };
        let matcher = self.matcher.lock();
        Ok(live
            .into_iter()
            .filter_map(|observed| {
                match matcher.whose(self.kind.as_ref(), &observed, &asked.items) {
                    Whose::Ours {
                        address,
                        generation,
                    } if address == self.step.address => Some(Sighting {
                        generation,
                        observed,
                    }),
                    _ => None,
                }
            })
            .filter(|sighting| sighting.generation == self.step.generation)
            .max_by_key(|sighting| id.as_ref() == Some(&sighting.observed.id)))
    }

    pub fn waiting(&self, why: impl Into<String>) {
        let _ = self.gate.messages.send(Message::Waiting(
            self.step.id,
            self.step.address.clone(),
            why.into(),
        ));
    }

    /// Sleeps before another attempt. False: waits are given up, or nothing is made yet and nothing new starts.
    pub async fn pause(&self, since: Instant) -> bool {
        let longest = self.settings.longest_gap;
        let ends_at = self.gate.ends_at();
        self.sleep(gap(since, &self.kind.patience(), longest), ends_at)
            .await
    }

    /// Sleeps before the next look at something that is on its way. False: waits are given up.
    pub async fn watch(&self, since: Instant) -> bool {
        let longest = self.settings.longest_gap;
        self.sleep(watch_gap(since, &self.kind.patience(), longest), 2)
            .await
    }

    async fn sleep(&self, gap: Duration, ends_at: u8) -> bool {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stop.reached(ends_at) => false,
            () = tokio::time::sleep(gap) => true,
        }
    }
}
