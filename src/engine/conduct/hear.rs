//! What workers say while they work, and the answers that they wait for.

use tokio::sync::oneshot;

use super::Conductor;
use crate::engine::gate::Message;
use crate::event::Event;
use crate::journal;
use crate::kind::{CallFailure, Refusal};
use crate::model::PhysicalId;
use crate::plan::StepId;

impl Conductor<'_> {
    /// Handles what workers said, one journal write for all of it.
    pub(super) async fn hear(&mut self, batch: Vec<Message>) {
        let mut events = Vec::new();
        let mut intents: Vec<(u64, oneshot::Sender<Result<u64, Refusal>>)> = Vec::new();
        let mut learned: Vec<oneshot::Sender<Result<(), Refusal>>> = Vec::new();
        for message in batch {
            match message {
                Message::Intent(intent, reply) => {
                    let address = intent.address.clone();
                    let (number, event) = self.ledger.intent(*intent);
                    self.sent.insert(number, address);
                    events.push(event);
                    intents.push((number, reply));
                    self.calls += 1;
                }
                Message::Learned(step, number, id, reply) => {
                    events.push(journal::Event::Learned {
                        number,
                        id: id.clone(),
                    });
                    learned.push(reply);
                    self.learned(step, id);
                }
                Message::Returned(number, outcome) => {
                    if matches!(outcome, Err((CallFailure::Unknown, _))) {
                        self.open_ends.extend(self.sent.get(&number).cloned());
                    }
                    let event = self.ledger.returned(number, outcome);
                    events.push(event);
                }
                Message::Waiting(step, address, why) => {
                    self.tell(Event::StepWaiting { step, address, why })
                }
                Message::Note(address, text) => self.tell(Event::StepNote { address, text }),
            }
        }
        let durable = if intents.is_empty() && learned.is_empty() {
            self.ledger.later(events);
            true
        } else {
            self.write(events).await
        };
        let refusal = || Refusal::NotDurable("the journal could not be written".into());
        for (number, reply) in intents {
            let _ = reply.send(if durable { Ok(number) } else { Err(refusal()) });
        }
        for reply in learned {
            let _ = reply.send(if durable { Ok(()) } else { Err(refusal()) });
        }
    }

    fn learned(&mut self, step: StepId, id: PhysicalId) {
        let Some(step) = self.job.plan.step(step) else {
            return;
        };
        let (step, address, kind, generation) = (
            step.id,
            step.address.clone(),
            step.kind.clone(),
            step.generation,
        );
        self.matcher.lock().learn(&kind, &id, &address, generation);
        self.learned.entry(step).or_default().push(id.clone());
        self.tell(Event::StepLearned { step, address, id });
    }
}
