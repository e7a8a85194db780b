//! What shipping code needs of a session: the services with all that was seen of them, and a run in which single calls are journalled
//! and carried out under the lease, as an apply's are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::look::{Remembered, under_way};
use super::who;
use super::{Session, SessionError};
use crate::engine::{Kept, Ledger, Opening};
use crate::kind::{Class, CloudError, Intent, IntentVerb, Observed};
use crate::model::{Address, Attributes, KindName, PhysicalId, Scope};
use crate::plan::{Ask, Seen};
use crate::stack::ServiceInfo;
use crate::state::{Lease, Record, RunInfo, StoreError};

/// A service that code can be shipped to, as the look saw it.
#[derive(Clone, Debug)]
pub struct Target {
    pub info: ServiceInfo,
    pub arn: String,
    pub name: String,
    pub cluster: String,
    /// The revision that it runs, or is being rolled to.
    pub definition: String,
    pub generation: u32,
    pub service_generation: u32,
    /// The repository's name, and its address for images.
    pub repository: String,
    pub url: String,
    pub target_group: Option<String>,
    /// ARN of the role that starts the task of a rotation, once it is there.
    pub rotation_role: Option<String>,
    /// The tag or digest that the stack file names.
    pub stack_image: String,
    /// The service itself.
    pub live: Observed,
}

impl Target {
    /// What messages call it.
    pub fn label(&self) -> &str {
        self.info.address.as_str()
    }
}

impl Session {
    /// Looks, and lists the services whose image comes from a repository of the stack. Those that are not there are left out.
    pub async fn targets(&mut self) -> Result<Vec<Target>, SessionError> {
        let planned = self.look(&Ask::default()).await?;
        let targets = self
            .stack
            .services
            .iter()
            .filter_map(|info| target(info, &planned.seen))
            .collect();
        self.planned = Some(planned);
        Ok(targets)
    }

    /// The release whose deploy was interrupted, as the journal tells.
    pub async fn interrupted(&self) -> Result<Option<String>, SessionError> {
        let unfinished = self.remember().await?.unfinished;
        Ok(under_way(&unfinished).map(str::to_owned))
    }

    /// Begins a run under the lease, from the last look. Calls of it stand in the journal before they are sent.
    pub async fn begin(&mut self, doing: &str) -> Result<Calls, SessionError> {
        let Some(lease) = self.lease.clone() else {
            return Err(SessionError::Guard("the state is not locked".into()));
        };
        let planned = match self.planned.take() {
            Some(planned) => planned,
            None => self.look(&Ask::default()).await?,
        };
        let known = Remembered {
            snapshot: planned.snapshot,
            version: planned.version,
            unfinished: planned.unfinished,
        };
        self.begin_from(known, lease, doing).await
    }

    /// The same without a look: from what the state and the journal say.
    pub(super) async fn begin_from(
        &mut self,
        known: Remembered,
        lease: Arc<dyn Lease>,
        doing: &str,
    ) -> Result<Calls, SessionError> {
        let info = who::run_info(&self.request.process, self.caller());
        let opening = Opening {
            info: info.clone(),
            doing: doing.to_owned(),
            clock: who::clock,
        };
        let open = known.unfinished.open.keys().cloned().collect();
        let ledger = Ledger::open(
            self.store.clone(),
            known.snapshot,
            known.version,
            &known.unfinished,
            opening,
        )
        .await?;
        Ok(Calls {
            ledger,
            lease,
            info,
            scope: self.scope.clone(),
            keep: self.kept(),
            open,
        })
    }
}

fn target(info: &ServiceInfo, seen: &Seen) -> Option<Target> {
    let live = |address: &Address| seen.ours.get(address).and_then(|all| all.first());
    let service = live(&info.service)?;
    let repository = &live(info.repository.as_ref()?)?.observed.attributes;
    let attributes = &service.observed.attributes;
    let text = |name: &str| attributes.text(name).map(str::to_owned);
    let target_group = attributes
        .get("target_groups")
        .as_list()
        .and_then(|all| all.first()?.as_map()?.get("arn")?.as_text())
        .map(str::to_owned);
    let definition = text("task_definition")?;
    Some(Target {
        arn: text("arn")?,
        name: text("name")?,
        cluster: text("cluster")?,
        generation: live(&info.task_definition).map_or(1, |known| known.generation),
        service_generation: service.generation,
        definition,
        repository: repository.text("name")?.to_owned(),
        url: repository.text("url")?.to_owned(),
        target_group,
        rotation_role: info.rotation_role.as_ref().and_then(|role| {
            live(role)?
                .observed
                .attributes
                .text("arn")
                .map(str::to_owned)
        }),
        live: service.observed.clone(),
        stack_image: info.image.as_text().unwrap_or("latest").to_owned(),
        info: info.clone(),
    })
}

/// A run of single calls.
pub struct Calls {
    ledger: Ledger,
    lease: Arc<dyn Lease>,
    pub info: RunInfo,
    scope: Scope,
    keep: BTreeMap<Address, Kept>,
    /// Addresses with calls of unknown outcome.
    open: BTreeSet<Address>,
}

/// What a call works on.
#[derive(Clone, Debug)]
pub struct Subject {
    pub address: Address,
    pub kind: KindName,
    pub id: PhysicalId,
    pub generation: u32,
}

impl Calls {
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The generation of what the state has at an address.
    pub fn generation(&self, address: &Address) -> u32 {
        let known = self.ledger.snapshot.resources.get(address);
        known.map_or(1, |record| record.generation)
    }

    /// What the state has at an address.
    pub fn last(&self, address: &Address) -> Option<Attributes> {
        let known = self.ledger.snapshot.resources.get(address);
        known.map(|record| record.attributes.clone())
    }

    /// Sends one mutating call; its intent is durable first. It is never repeated in here. An id that the answer gives is durable before
    /// this returns.
    ///
    /// # Errors
    /// AWS's, or [`Class::Stopped`] when the lease was lost or the intent could not be written: then nothing was sent.
    pub async fn call<T>(
        &mut self,
        subject: &Subject,
        action: &'static str,
        call: impl Future<Output = Result<T, CloudError>>,
        id: impl Fn(&T) -> Option<PhysicalId>,
    ) -> Result<T, CloudError> {
        self.call_with("", subject, action, call, id).await
    }

    /// The same with a token, by which what the call made can be told.
    ///
    /// # Errors
    /// As [`Calls::call`]'s.
    pub async fn call_with<T>(
        &mut self,
        token: &str,
        subject: &Subject,
        action: &'static str,
        call: impl Future<Output = Result<T, CloudError>>,
        id: impl Fn(&T) -> Option<PhysicalId>,
    ) -> Result<T, CloudError> {
        let stopped = |code: &str, why: String| CloudError::new(action, Class::Stopped, code, why);
        let written = |e: StoreError| stopped("NotDurable", e.to_string());
        let intent = Intent {
            address: subject.address.clone(),
            kind: subject.kind.clone(),
            verb: IntentVerb::Update,
            generation: subject.generation,
            action: action.to_owned(),
            token: token.to_owned(),
            id: Some(subject.id.clone()),
            key: crate::model::Attributes::default(),
        };
        let (number, event) = self.ledger.intent(intent);
        self.ledger.append(vec![event]).await.map_err(written)?;
        self.open.insert(subject.address.clone());
        let held = self.lease.renewed().await;
        held.map_err(|by| stopped("LeaseLost", by))?;
        let answer = call.await;
        let mut events = Vec::new();
        if let Ok(answer) = &answer
            && let Some(id) = id(answer)
        {
            events.push(crate::journal::Event::Learned { number, id });
        }
        let outcome = match &answer {
            Ok(_) => Ok(()),
            Err(error) => Err((error.failure(), error.class)),
        };
        events.push(self.ledger.returned(number, outcome));
        self.ledger.append(events).await.map_err(written)?;
        answer
    }

    /// The resource as it is now, for the state.
    pub async fn record(
        &mut self,
        subject: &Subject,
        observed: &Observed,
    ) -> Result<(), SessionError> {
        let before = self.ledger.snapshot.resources.get(&subject.address);
        let kept = self.keep.get(&subject.address);
        let mut attributes = observed.attributes.clone();
        // What AWS does not tell, as the state had it.
        for (field, value) in before.iter().flat_map(|record| &record.attributes.0) {
            if attributes.get(field).is_null() && !value.is_null() {
                attributes.0.insert(field.clone(), value.clone());
            }
        }
        let record = Record {
            kind: observed.kind.clone(),
            id: observed.id.clone(),
            generation: subject.generation,
            attributes,
            tags: observed.tags.clone(),
            depends_on: kept
                .map(|kept| kept.depends_on.clone())
                .or(before.map(|record| record.depends_on.clone()))
                .unwrap_or_default(),
            protect: kept.map_or(before.is_some_and(|record| record.protect), |k| k.protect),
            retain: kept.map_or(before.is_some_and(|record| record.retain), |k| k.retain),
            made_at: before
                .filter(|record| record.id == observed.id)
                .and_then(|record| record.made_at),
        };
        let event = self.ledger.put(&subject.address, record);
        self.ledger.append(vec![event]).await?;
        self.open.remove(&subject.address);
        Ok(())
    }

    /// Nothing came of the calls for this address that the state should know.
    pub fn settled(&mut self, address: &Address) {
        self.open.remove(address);
    }

    /// Ends the run. The journal is put away unless something in it is still open.
    pub async fn close(mut self) -> Result<(), SessionError> {
        let settled = self.open.is_empty();
        Ok(self.ledger.close(None, settled).await?)
    }
}
