//! The made-up cloud: what exists, and calls on their way. A call that was sent is out of its sender's hands: its effect comes at its own
//! time, whether or not whoever sent it is alive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use circles_infra::kind::{Class, CloudError, World};
use circles_infra::model::{Attributes, Ownership, Tags};
use tokio::time::{Instant, sleep_until};

use crate::faults::{Dice, Fate, Fault, Tally, Weather};
use crate::lag::{Hidden, Lateness};
use crate::process::{Boundary, Process};

/// The longest that a list lags behind.
pub const LAG: u64 = 20;
/// After so long a call without an answer is given up.
const ATTEMPT: Duration = Duration::from_secs(20);
/// A call whose sender gave up is carried out at most so long after it was sent.
const LATEST: u64 = 35;

/// One thing that exists.
#[derive(Clone, Debug)]
pub struct Thing {
    pub kind: &'static str,
    pub id: String,
    pub attributes: Attributes,
    pub tags: Tags,
    pub born: Instant,
    pub ready_at: Instant,
    pub broken: bool,
    /// Being deleted, and gone at that time.
    pub going: Option<Instant>,
    /// Lists show it from then on.
    pub shown_at: Instant,
    /// What lists show until then.
    pub before: Option<(Instant, Attributes, Tags)>,
    pub secret: Option<String>,
    pub ours: bool,
    /// For which address we made it; half made, its tags do not say yet.
    pub made_for: String,
    /// In order of making.
    pub number: u64,
    /// Made by a call that the cloud carried out twice.
    pub double: bool,
    /// What parts of the cloud do not know of it yet.
    pub hidden: Hidden,
}

impl Thing {
    /// The address that its tags say, whoever's stack it is.
    pub fn owner(&self) -> Option<Ownership> {
        Ownership::read(&self.tags)
    }
}

/// One mutating call.
#[derive(Clone, Debug)]
pub enum Call {
    Create {
        kind: &'static str,
        attributes: Attributes,
        tags: Tags,
        token: String,
        secret: Option<String>,
    },
    Update {
        kind: &'static str,
        id: String,
        set: Attributes,
    },
    Tag {
        kind: &'static str,
        id: String,
        tags: Tags,
    },
    Delete {
        kind: &'static str,
        id: String,
    },
}

/// A call on its way.
#[derive(Clone, Debug)]
pub struct Sent {
    pub number: u64,
    pub call: Call,
    pub action: String,
    pub address: String,
    pub sent_at: Instant,
    pub breaks: bool,
    pub lag: Duration,
    pub lateness: Lateness,
    /// The second carrying out of one call.
    pub double: bool,
}

#[derive(Clone, Default)]
pub struct Inner {
    pub things: BTreeMap<(&'static str, String), Thing>,
    /// Gone, and still in lists until that time.
    pub ghosts: Vec<(Instant, Thing)>,
    pub queue: BTreeMap<(Instant, u64), Sent>,
    answers: BTreeMap<u64, Result<Thing, CloudError>>,
    pub tokens: BTreeMap<(&'static str, String), String>,
    pub next: u64,
    /// Ids that a list did not show to the one look for strays: only `drift` finds these again.
    pub overlooked: BTreeSet<String>,
    /// What the plan says goes before its holder lets go of it: address and holder.
    pub knots: BTreeSet<(String, String)>,
    /// What must never happen, and did.
    pub violations: Vec<String>,
    /// Updates that set what an update before them had set already.
    pub repeated: Vec<String>,
    /// The newest epoch that was written under, by what was written.
    pub epochs: BTreeMap<&'static str, u64>,
    /// Addresses that something was ever made for.
    pub ever: BTreeSet<String>,
    /// Addresses whose data may go.
    pub permitted: Vec<String>,
    /// Somebody destroys the stack: all of it may go.
    pub anything_goes: bool,
    /// Every call that was carried out, for `replay`.
    pub log: Vec<String>,
    /// Calls by address and action, so that each has dice of its own.
    tries: BTreeMap<(u32, String, &'static str), u64>,
    pub reads: u64,
    pub calls: u64,
    pub began: Option<Instant>,
}

/// The cloud, shared by all processes.
pub struct Cloud {
    pub seed: u64,
    pub tally: Arc<Tally>,
    pub weather: Mutex<Weather>,
    inner: Mutex<Inner>,
}

impl Cloud {
    pub fn new(seed: u64, tally: &Arc<Tally>, inner: Inner) -> Arc<Self> {
        Arc::new(Self {
            seed,
            tally: tally.clone(),
            weather: Mutex::new(Weather::CALM),
            inner: Mutex::new(inner),
        })
    }

    /// As it is now: whatever was due has been carried out.
    pub fn now(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap();
        inner.advance(Instant::now(), &self.tally);
        inner
    }

    pub fn weather(&self) -> Weather {
        *self.weather.lock().unwrap()
    }

    /// When the last call that is on its way is carried out.
    pub fn quiet_at(&self) -> Option<Instant> {
        let inner = self.now();
        // What was made to fail for ever is a fault until it has failed.
        let doomed = inner.things.values().filter(|thing| thing.broken);
        let calls = inner.queue.keys().next_back().map(|(at, _)| *at);
        doomed.map(|thing| thing.ready_at).chain(calls).max()
    }

    /// Whether everything is throttled at present.
    pub fn storms(&self) -> bool {
        let Some(from) = self.weather().storm else {
            return false;
        };
        let began = self.now().began;
        began.is_some_and(|began| {
            let at = began.elapsed().as_secs();
            (u64::from(from)..u64::from(from) + 60).contains(&at)
        })
    }
}

/// The cloud as one process reaches it.
pub struct Sim {
    pub cloud: Arc<Cloud>,
    pub process: Arc<Process>,
    pub defect: Option<crate::drive::Defect>,
}

impl World for Sim {}

impl Sim {
    /// Sends a call and waits for its answer.
    pub async fn call(
        &self,
        address: &str,
        action: &'static str,
        call: Call,
    ) -> Result<Thing, CloudError> {
        self.process.boundary(Boundary::BeforeCall).await;
        let answered = self.send(address, action, call);
        self.process.boundary(Boundary::DuringCall).await;
        let (at, answer) = answered;
        sleep_until(at).await;
        self.process.boundary(Boundary::AfterCall).await;
        match answer {
            Answer::Of(number) => {
                let mut inner = self.cloud.now();
                inner
                    .answers
                    .remove(&number)
                    .unwrap_or_else(|| Err(error(action, Class::Unknown, "RequestTimeout", "")))
            }
            Answer::Lost(number) => {
                self.cloud.now().answers.remove(&number);
                Err(error(action, Class::Unknown, "RequestTimeout", ""))
            }
            Answer::Error(error) => Err(error),
        }
    }

    /// Puts it on its way. Says when whoever waits hears of it, and what.
    fn send(&self, address: &str, action: &'static str, call: Call) -> (Instant, Answer) {
        let weather = self.cloud.weather();
        let storms = self.cloud.storms();
        let mut inner = self.cloud.now();
        inner.calls += 1;
        let tries = inner
            .tries
            .entry((self.process.number, address.to_owned(), action))
            .or_default();
        *tries += 1;
        let tries = *tries;
        let place: [&dyn std::fmt::Display; 4] = [&self.process.number, &address, &action, &tries];
        let mut dice = Dice::at(self.cloud.seed, &place);
        let now = Instant::now();
        let soon = now + Duration::from_millis(dice.between(40, 400));
        inner.order(&call, address);
        let strike = |fault| self.cloud.tally.strike(fault);
        if storms {
            strike(Fault::Storm);
            let slow = error(action, Class::Throttled, "Throttling", "");
            return (soon, Answer::Error(slow));
        }
        let fate = weather.fate(&mut dice);
        if let Some((fault, class, code)) = refusal(fate) {
            strike(fault);
            return (soon, Answer::Error(error(action, class, code, "")));
        }
        let lag = if dice.chance(weather.lags) {
            Duration::from_secs(dice.between(1, LAG))
        } else {
            Duration::ZERO
        };
        let place: [&dyn std::fmt::Display; 5] =
            [&"late", &self.process.number, &address, &action, &tries];
        let mut late_dice = Dice::at(self.cloud.seed, &place);
        let lateness = Lateness::random(&weather, &mut late_dice);
        inner.next += 1;
        let number = inner.next;
        let mut sent = Sent {
            number,
            call,
            action: action.to_owned(),
            address: address.to_owned(),
            sent_at: now,
            breaks: dice.chance(weather.breaks),
            lag,
            lateness,
            double: false,
        };
        let late = now + Duration::from_secs(dice.between(1, LATEST));
        let at = if fate == Fate::Late { late } else { soon };
        inner.queue.insert((at, number), sent.clone());
        match fate {
            Fate::LostAnswer => {
                strike(Fault::LostAnswer);
                (soon, Answer::Lost(number))
            }
            Fate::Late => {
                strike(Fault::LateCall);
                (now + ATTEMPT, Answer::Lost(number))
            }
            Fate::Twice => {
                strike(Fault::TwiceCall);
                inner.next += 1;
                sent.number = inner.next;
                sent.double = true;
                let again = soon + Duration::from_millis(dice.between(1, 3_000));
                let key = (again, sent.number);
                inner.queue.insert(key, sent);
                (soon, Answer::Of(number))
            }
            _ => (soon, Answer::Of(number)),
        }
    }
}

/// What a call is answered with that is not carried out.
fn refusal(fate: Fate) -> Option<(Fault, Class, &'static str)> {
    match fate {
        Fate::Throttled => Some((Fault::Throttled, Class::Throttled, "Throttling")),
        Fate::NotYet => Some((Fault::NotYet, Class::NotYet, "NotYet")),
        Fate::Refused => Some((Fault::Refused, Class::Denied, "AccessDenied")),
        Fate::ServerError => Some((Fault::ServerError, Class::Unknown, "InternalError")),
        _ => None,
    }
}

enum Answer {
    Of(u64),
    Lost(u64),
    Error(CloudError),
}

pub fn error(action: &str, class: Class, code: &str, message: &str) -> CloudError {
    CloudError::new(action, class, code, message)
}

impl Inner {
    /// Carries out all that is due, each at its own time.
    pub fn advance(&mut self, now: Instant, tally: &Tally) {
        while let Some(((at, _), _)) = self.queue.first_key_value() {
            let at = *at;
            if at > now {
                break;
            }
            if let Some((_, sent)) = self.queue.pop_first() {
                self.expire(at);
                let answer = self.carry_out(&sent, at, tally);
                self.log.push(match &answer {
                    Ok(thing) => format!("{} {}", sent.action, thing.id),
                    Err(error) => format!("{} refused: {error}", sent.action),
                });
                self.answers.insert(sent.number, answer);
            }
        }
        self.expire(now);
    }

    /// Drops what has gone by now.
    fn expire(&mut self, now: Instant) {
        self.things
            .retain(|_, thing| thing.going.is_none_or(|at| at > now));
        self.ghosts.retain(|(until, _)| *until > now);
    }
}
