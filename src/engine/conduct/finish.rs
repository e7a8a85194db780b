//! Ending steps: what is there now goes to journal and state, those that waited go on, those that hang on a failure do not.

use super::{Conductor, Work, run_level, verb};
use crate::engine::settle::Trouble;
use crate::event::Event;
use crate::kind::Class;
use crate::model::SecretRef;
use crate::plan::{Act, Sighting, Step, StepId};

use super::schedule::Ready;

impl Conductor<'_> {
    pub(super) fn ended(&mut self, id: StepId, work: Work) {
        let Some(step) = self.job.plan.step(id).cloned() else {
            return;
        };
        let trouble = match work {
            Work::Made(Ok(made)) => {
                self.keep(&step, made.live);
                return self.done(&step, made.nothing);
            }
            Work::Deleted(Ok(())) | Work::Forgotten(Ok(())) => {
                let (Act::Delete { id, .. } | Act::Forget { id, .. }) = &step.act else {
                    return;
                };
                for id in self.learned.get(&step.id).into_iter().flatten().chain([id]) {
                    self.matcher.lock().forget(&step.kind, id);
                }
                let event = self.ledger.removed(&step.address, &step.kind, id);
                self.ledger.later(vec![event]);
                return self.done(&step, false);
            }
            Work::Made(Err(trouble))
            | Work::Deleted(Err(trouble))
            | Work::Forgotten(Err(trouble)) => trouble,
        };
        self.troubled(&step, trouble);
    }

    fn keep(&mut self, step: &Step, live: Sighting) {
        for (key, value) in &live.observed.secrets {
            let secret = SecretRef {
                address: step.address.clone(),
                key: key.clone(),
            };
            self.vault.keep(secret, value.clone());
        }
        self.known
            .insert(step.address.clone(), live.observed.attributes.clone());
        let record = self.record(&step.address, &live);
        let event = self.ledger.put(&step.address, record);
        let at_address = self.kept.entry(step.address.clone()).or_default();
        at_address.push(live.clone());
        let key = (live.observed.kind.clone(), live.observed.id.clone());
        self.live.insert(key, live);
        if matches!(step.act, Act::Create { .. }) {
            self.made.insert(step.address.clone());
        }
        self.ledger.later(vec![event]);
    }

    fn done(&mut self, step: &Step, nothing: bool) {
        let took = self
            .running
            .remove(&step.id)
            .map(|since| since.elapsed())
            .unwrap_or_default();
        self.tell(Event::StepDone {
            step: step.id,
            address: step.address.clone(),
            verb: verb(step),
            took,
            nothing,
        });
        for follower in self.followers[step.id.0].clone() {
            self.waits[follower.0] -= 1;
            if self.waits[follower.0] == 0 && !self.failed.contains(&follower) {
                self.ready.push(Ready {
                    length: self.lengths[follower.0],
                    step: follower,
                });
            }
        }
    }

    fn troubled(&mut self, step: &Step, trouble: Trouble) {
        self.running.remove(&step.id);
        let Trouble { error, partial } = trouble;
        let makes = !matches!(step.act, Act::Delete { .. } | Act::Forget { .. });
        let unsure = self.open_ends.contains(&step.address);
        match partial {
            // What is half made belongs in the state: the next run finishes it. But with a record the journal has done with an address.
            Some(partial) if makes && !unsure => {
                let record = self.record(&step.address, &partial);
                let event = self.ledger.put(&step.address, record);
                self.ledger.later(vec![event]);
            }
            // Of what it began the journal alone knows.
            _ if makes && self.learned.contains_key(&step.id) => {
                self.open_ends.insert(step.address.clone());
            }
            _ => {}
        }
        if let Some(fatal) = run_level(&error) {
            self.end(fatal);
            return;
        }
        if error.is(Class::Stopped) {
            return;
        }
        self.tell(Event::StepFailed {
            step: step.id,
            address: step.address.clone(),
            error: error.to_string(),
            help: help(&error),
        });
        self.failures.push((step.address.clone(), error));
        self.skip_behind(step);
    }

    /// Everything that hangs on a failed step is left as it is.
    fn skip_behind(&mut self, step: &Step) {
        self.failed.insert(step.id);
        let mut todo = self.followers[step.id.0].clone();
        while let Some(next) = todo.pop() {
            if !self.failed.insert(next) {
                continue;
            }
            if let Some(skipped) = self.job.plan.step(next) {
                let address = skipped.address.clone();
                self.tell(Event::StepSkipped {
                    step: next,
                    address,
                    because: step.address.clone(),
                });
            }
            todo.extend(self.followers[next.0].iter().copied());
        }
    }
}

/// What to do about it.
fn help(error: &crate::kind::CloudError) -> Option<String> {
    let advice = error.advice();
    (!advice.is_empty()).then(|| advice.join("\n"))
}
