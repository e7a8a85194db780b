//! What `session` does around the engine, over the made-up cloud: lock, fence, look, plan, conduct.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use circles_infra::engine::{
    Conclusion, Job, Kept, Ledger, Look, Matcher, Opening, Settings, StopHandle, conduct, observe,
};
use circles_infra::event::{Event, Outcome, Sink};
use circles_infra::journal::{RunState, fold};
use circles_infra::kind::CloudError;
use circles_infra::model::Address;
use circles_infra::plan::{
    Act, Ask, Header, Inputs, Mode, Note, Plan, Refusal, Seen, Wish, plan, take_back,
};
use circles_infra::state::{Holder, Lease, RunInfo, Snapshot, Store, StoreError, Version};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::cloud::{Cloud, Sim};
use crate::faults::Fault;
use crate::kinds::{HUSH, kinds};
use crate::process::{Mishap, Process};
use crate::shelf::Shelf;
use crate::universe::{Universe, clock};

/// A fault of the program, planted around it: the simulation must find each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Defect {
    NoFsync,
    NoIfMatch,
    NoEpochCheck,
    NoTagCheck,
    BlindRepeat,
    NoSettleWindow,
    NoIntent,
    ParentsFirst,
    FirstPageOnly,
    SecretInState,
    KeepsLease,
    DataUnasked,
    NoGivenId,
    NoConfirmation,
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    Killed,
    /// Carried out, as far as it went.
    Ran(Outcome),
    /// Somebody else is at work.
    Busy,
    Refused(Vec<Refusal>),
    /// The look failed, or the store did; nothing is wrong with the program.
    Failed(#[allow(dead_code)] String),
    /// What must not happen.
    Wrong(String),
}

impl Universe {
    /// One process, from its start to its end.
    pub async fn run(&self, process: &Arc<Process>, wishes: &[Wish], ask: &Ask) -> End {
        let shelf = self.shelf(process);
        let work = self.work(process, shelf.clone(), wishes, ask);
        let end = tokio::select! {
            biased;
            () = process.death() => End::Killed,
            end = work => end.unwrap_or_else(|end| end),
        };
        if matches!(end, End::Killed) {
            shelf.power_cut();
        }
        end
    }

    async fn work(
        &self,
        process: &Arc<Process>,
        store: Arc<Shelf>,
        wishes: &[Wish],
        ask: &Ask,
    ) -> Result<End, End> {
        let store: Arc<dyn Store> = store;
        let lease = take(store.as_ref()).await?;
        if lease.taken_over() {
            self.tally.strike(Fault::TakenOver);
            self.fence(&store).await?;
        }
        let planned = self.look(process, &store, wishes, ask).await?;
        let refusals = &planned.plan.refusals;
        if !refusals.is_empty() && self.defect != Some(Defect::DataUnasked) {
            return Err(End::Refused(refusals.clone()));
        }
        let end = self.conduct(process, &store, &lease, planned, wishes).await;
        if self.defect == Some(Defect::KeepsLease) {
            std::mem::forget(lease);
        }
        end
    }

    /// Whether the last run left calls that nobody knows the end of.
    pub async fn journal_is_open(&self) -> Result<bool, String> {
        let store = self.shelf(&self.process(Mishap::default()));
        let entries = store.journal().await.map_err(|error| error.to_string())?;
        Ok(!entries.is_empty())
    }

    async fn fence(&self, store: &Arc<dyn Store>) -> Result<(), End> {
        for _ in 0..5 {
            let (snapshot, version, unfinished) = self.remember(store).await?;
            let opening = opening("take over");
            let opened = Ledger::open(store.clone(), snapshot, version, &unfinished, opening).await;
            let saved = match opened {
                Ok(mut ledger) => ledger.save().await,
                Err(error) => Err(error),
            };
            match saved {
                Err(StoreError::Conflict { .. }) => {}
                saved => return saved.map_err(|error| stored(&error)),
            }
        }
        Err(End::Failed("the fence is overtaken again and again".into()))
    }

    async fn remember(
        &self,
        store: &Arc<dyn Store>,
    ) -> Result<(Snapshot, Option<Version>, RunState), End> {
        let loaded = store.load().await.map_err(|error| stored(&error))?;
        let entries = store.journal().await.map_err(|error| stored(&error))?;
        let mut unfinished =
            fold(&entries).map_err(|e| End::Wrong(format!("the journal is nonsense: {e}")))?;
        let (mut snapshot, version) = match loaded {
            Some((snapshot, version)) => (snapshot, Some(version)),
            None => (Snapshot::new(self.key()), None),
        };
        if self.defect == Some(Defect::NoIntent) {
            unfinished.open.clear();
        }
        unfinished.apply_to(&mut snapshot);
        Ok((snapshot, version, unfinished))
    }

    /// Looks and plans; writes nothing.
    pub async fn look(
        &self,
        process: &Arc<Process>,
        store: &Arc<dyn Store>,
        wishes: &[Wish],
        ask: &Ask,
    ) -> Result<Planned, End> {
        let (snapshot, version, unfinished) = self.remember(store).await?;
        let sim = Arc::new(Sim {
            cloud: self.cloud.clone(),
            process: process.clone(),
            defect: self.defect,
        });
        let kinds = kinds(&sim);
        self.cloud.now().began = Some(Instant::now());
        let look = Look {
            kinds: &kinds,
            scope: &self.scope,
            wishes,
            state: &snapshot,
            unfinished: &unfinished,
            thorough: ask.destroy,
            settle_window: self.settings().settle_window,
            // Planted: nothing was made recently.
            now: match self.defect {
                Some(Defect::NoConfirmation) => u64::MAX,
                _ => clock(),
            },
        };
        let seen = observe(&look).await;
        let mut seen = seen.map_err(|error: CloudError| End::Failed(error.to_string()))?;
        let back = if ask.destroy {
            Vec::new()
        } else {
            take_back(wishes, &kinds, &mut seen.seen)
        };
        for (address, back) in back {
            let observed = &back.observed;
            let matcher = &mut seen.matcher;
            matcher.learn(&observed.kind, &observed.id, &address, back.generation);
        }
        let unwaited = BTreeSet::new();
        let made = plan(Inputs {
            header: self.header(ask),
            scope: &self.scope,
            wishes,
            outputs: &[],
            moved: &[],
            unwaited: &unwaited,
            kinds: &kinds,
            state: &snapshot,
            seen: &seen.seen,
            ask,
            notes: Vec::new(),
        });
        let mut made = made.map_err(|cycle| End::Wrong(format!("no plan: {cycle}")))?;
        let knots = made.notes.iter().filter_map(|note| match note {
            Note::Knot { address, holder } => Some((address.to_string(), holder.to_string())),
            _ => None,
        });
        self.cloud.now().knots.extend(knots);
        if self.defect == Some(Defect::ParentsFirst) {
            let deletes = made.steps.iter_mut();
            for step in deletes.filter(|step| matches!(step.act, Act::Delete { .. })) {
                step.after.clear();
            }
        }
        Ok(Planned {
            plan: made,
            kinds,
            seen: seen.seen,
            matcher: seen.matcher,
            snapshot,
            version,
            unfinished,
        })
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        if self.defect == Some(Defect::NoSettleWindow) {
            settings.settle_window = Duration::ZERO;
        }
        settings
    }

    fn header(&self, ask: &Ask) -> Header {
        Header {
            stack: self.scope.stack.clone(),
            environment: self.scope.environment.clone(),
            account: self.scope.account.clone(),
            region: self.scope.region.clone(),
            endpoint: None,
            sandbox: false,
            ephemeral: false,
            protect: false,
            digest: String::new(),
            mode: if ask.destroy {
                Mode::Destroy
            } else {
                Mode::Apply
            },
        }
    }

    async fn conduct(
        &self,
        process: &Arc<Process>,
        store: &Arc<dyn Store>,
        lease: &Arc<dyn Lease>,
        planned: Planned,
        wishes: &[Wish],
    ) -> Result<End, End> {
        let (handle, stop) = StopHandle::new();
        process.on_stop(handle);
        let opened = Ledger::open(
            store.clone(),
            planned.snapshot,
            planned.version,
            &planned.unfinished,
            opening("apply"),
        );
        let ledger = opened.await.map_err(|error| stored(&error))?;
        let job = Job {
            plan: planned.plan,
            kinds: planned.kinds,
            scope: self.scope.clone(),
            seen: planned.seen,
            matcher: planned.matcher,
            unfinished: planned.unfinished,
            keep: kept(wishes),
            outputs: Vec::new(),
            settings: self.settings(),
            timeouts: BTreeMap::new(),
            run: format!("run-{}", process.number),
        };
        let mut ear = Ear {
            cloud: self.cloud.clone(),
            loud: self.loud,
        };
        match conduct(job, ledger, lease.clone(), stop, &mut ear).await {
            Ok(Conclusion { outcome, .. }) => Ok(End::Ran(outcome)),
            Err(error) => match error.to_string() {
                text if text.contains("invariant") => Err(End::Wrong(text)),
                text => Err(End::Failed(text)),
            },
        }
    }
}

/// A plan and what it was made from.
pub struct Planned {
    pub plan: Plan,
    pub kinds: circles_infra::kind::Kinds,
    pub seen: Seen,
    pub matcher: Matcher,
    pub snapshot: Snapshot,
    pub version: Option<Version>,
    pub unfinished: RunState,
}

fn kept(wishes: &[Wish]) -> BTreeMap<Address, Kept> {
    let all = wishes.iter().map(|wish| {
        let kept = Kept {
            depends_on: wish.needs().into_iter().collect(),
            protect: wish.protect,
            retain: wish.retain,
            attributes: wish.attributes.clone(),
        };
        (wish.address.clone(), kept)
    });
    all.collect()
}

fn opening(doing: &str) -> Opening {
    Opening {
        info: RunInfo::default(),
        doing: doing.to_owned(),
        clock,
    }
}

fn stored(error: &StoreError) -> End {
    match error {
        StoreError::Busy(_) => End::Busy,
        StoreError::Snapshot(_) | StoreError::Journal { .. } => End::Wrong(error.to_string()),
        _ => End::Failed(error.to_string()),
    }
}

/// Takes the lease; a silent holder is waited for, a living one is not.
async fn take(store: &dyn Store) -> Result<Arc<dyn Lease>, End> {
    loop {
        let holder = Holder {
            who: "sim".into(),
            doing: "apply".into(),
            since: String::new(),
            process: 1,
        };
        match store.lease(holder).await {
            Ok(lease) => return Ok(lease),
            Err(StoreError::Silent { left, .. }) => {
                sleep(left.min(Duration::from_secs(5))).await;
            }
            Err(error) => return Err(stored(&error)),
        }
    }
}

/// Hears every event: none may tell a secret.
struct Ear {
    cloud: Arc<Cloud>,
    loud: bool,
}

impl Sink for Ear {
    fn take(&mut self, event: &Event) -> bool {
        let text = format!("{event:?}");
        if text.contains(HUSH) {
            let what = format!("an event tells a secret: {text}");
            self.cloud.now().violations.push(what);
        }
        if self.loud {
            println!("    {text}");
        }
        true
    }
}
