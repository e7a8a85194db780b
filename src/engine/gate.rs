//! The gate of one step: every mutating call passes here, its intent durable first, a place with its service's limiter taken.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::stop::Stop;
use crate::kind::{CallFailure, CallGate, Class, Intent, Limiter, Place, Refusal};
use crate::model::{Address, PhysicalId};
use crate::plan::StepId;
use crate::state::Lease;

/// What workers tell the conductor.
pub enum Message {
    Intent(Box<Intent>, oneshot::Sender<Result<u64, Refusal>>),
    Learned(
        StepId,
        u64,
        PhysicalId,
        oneshot::Sender<Result<(), Refusal>>,
    ),
    Returned(u64, Result<(), (CallFailure, Class)>),
    Waiting(StepId, Address, String),
    Note(Address, String),
}

pub struct Gate {
    pub step: StepId,
    pub messages: mpsc::UnboundedSender<Message>,
    pub limits: Arc<Limiter>,
    pub lease: Arc<dyn Lease>,
    pub stop: Stop,
    places: Mutex<HashMap<u64, Place>>,
    /// Calls of this step that were, or may have been, carried out.
    effective: AtomicU32,
    /// The id that AWS gave the resource of this step, the latest if there are several.
    given_id: Mutex<Option<PhysicalId>>,
    /// AWS answered the last call with "no such id".
    last_not_found: AtomicBool,
}

impl Gate {
    pub fn new(
        step: StepId,
        messages: mpsc::UnboundedSender<Message>,
        limits: Arc<Limiter>,
        lease: Arc<dyn Lease>,
        stop: Stop,
    ) -> Self {
        Self {
            step,
            messages,
            limits,
            lease,
            stop,
            places: Mutex::default(),
            effective: AtomicU32::new(0),
            given_id: Mutex::new(None),
            last_not_found: AtomicBool::new(false),
        }
    }

    /// How many calls were, or may have been, carried out so far.
    pub fn effective(&self) -> u32 {
        self.effective.load(Ordering::SeqCst)
    }

    /// The id that AWS answered a call of this step with.
    pub fn given_id(&self) -> Option<PhysicalId> {
        self.given_id
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .clone()
    }

    /// Whether AWS has carried out the last call of a delete. One that it answered with "no such
    /// id", or that was never sent, has deleted nothing.
    pub fn has_deleted(&self) -> bool {
        self.effective() > 0 && !self.last_not_found.load(Ordering::SeqCst)
    }

    /// How far up the ladder this step ends: one that has made nothing, because nothing was sent or all was refused, starts nothing any
    /// more.
    pub fn ends_at(&self) -> u8 {
        if self.effective() == 0 { 1 } else { 2 }
    }
}

impl CallGate for Gate {
    fn before(&self, intent: Intent) -> BoxFuture<'_, Result<u64, Refusal>> {
        Box::pin(async move {
            let mut stop = self.stop.clone();
            let place = self.limits.place(&intent.action).await;
            // Once: what has made something is finished. Twice: only calls are.
            if self.stop.level() >= self.ends_at() {
                return Err(Refusal::Stopping);
            }
            let (reply, answer) = oneshot::channel();
            let gone = || Refusal::NotDurable("the run has ended".into());
            self.messages
                .send(Message::Intent(Box::new(intent), reply))
                .map_err(|_| gone())?;
            let number = answer.await.map_err(|_| gone())??;
            // Right before the call: a lease that somebody took while the intent was written means that somebody else is at work.
            tokio::select! {
                biased;
                held = self.lease.renewed() => held.map_err(Refusal::LeaseLost)?,
                () = stop.reached(2) => return Err(Refusal::Stopping),
            }
            self.places
                .lock()
                .unwrap_or_else(|e| e.into_inner())
                .insert(number, place);
            Ok(number)
        })
    }

    fn learned(&self, intent: u64, id: PhysicalId) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            *self.given_id.lock().unwrap_or_else(|e| e.into_inner()) = Some(id.clone());
            let (reply, answer) = oneshot::channel();
            let gone = || Refusal::NotDurable("the run has ended".into());
            self.messages
                .send(Message::Learned(self.step, intent, id, reply))
                .map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        })
    }

    fn after(&self, intent: u64, outcome: Result<(), (CallFailure, Class)>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let place = self
                .places
                .lock()
                .unwrap_or_else(|e| e.into_inner())
                .remove(&intent);
            if let Some(place) = place {
                place.returned(outcome.err().map(|(_, class)| class));
            }
            let not_found = matches!(outcome, Err((_, Class::NotFound)));
            self.last_not_found.store(not_found, Ordering::SeqCst);
            if !matches!(outcome, Err((CallFailure::Refused, _))) {
                self.effective.fetch_add(1, Ordering::SeqCst);
            }
            // The conductor outlives its workers; if it is gone, so is the run.
            let _ = self.messages.send(Message::Returned(intent, outcome));
        })
    }

    fn note(&self, address: &Address, text: String) {
        let _ = self.messages.send(Message::Note(address.clone(), text));
    }
}
