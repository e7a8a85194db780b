//! The glue between the command line and the session room: options in, plain values and failures out.

mod local_aws;
mod request;
mod trouble;

use std::time::Duration;

use super::ask::{Applied, Given};
use super::failure::Failure;
use super::global::Global;
use super::signals;
use crate::aws::logs::events::Line;
use crate::aws::told::Listener;
use crate::diagnostic::{self, Style};
use crate::event::Sink;
use crate::kind::SecretText;
use crate::model::{Address, KindName, PhysicalId, Scope};
use crate::plan::{Ask, Header, Outputs, Plan};
use crate::policy::trust::Repository;
use crate::render::Banner;
use crate::render::history::PastRun;
use crate::render::palette::Palette;
use crate::render::state_text::{Rebuilt, StateEntry, StateRow};
use crate::secrets::{Change, Declared, SecretRow};
use crate::session::{
    self, Bootstrapped, Changed, Deed, Follower, Migrated, PipelinePlan, Place, RunAsk, Salvaged,
    Source,
};
use crate::state::{Record, StoreError};
use crate::status::Status;

pub use local_aws::{local, sandbox};
pub use request::request;
pub use trouble::failure;

use request::{VARIABLE, with_given};

/// A stack that was read and a world that answered.
pub struct Session {
    pub scope: Scope,
    pub header: Header,
    warnings: String,
    ask: Ask,
    inner: session::Session,
}

impl Session {
    /// Reads the stack, connects (or starts the sandbox), finds the state. Prints nothing, changes nothing.
    /// `given`: variables to take where the command line gives none.
    pub async fn open(
        global: &Global,
        given: Option<&Given>,
        palette: Palette,
        listener: Option<Listener>,
    ) -> Result<Self, Failure> {
        let style = style(palette);
        let mut request = request(global)?;
        if let Some(given) = given {
            request = with_given(request, given);
        }
        request.listener = listener;
        let inner = session::Session::open(request)
            .await
            .map_err(|error| failure(error, style))?;
        Ok(Self {
            scope: inner.scope.clone(),
            header: inner.header.clone(),
            warnings: diagnostic::render(&inner.stack.warnings, &inner.texts, style),
            ask: Ask::default(),
            inner,
        })
    }

    /// The variables of this stack that were given from outside the file.
    pub fn given(&self) -> Given {
        let request = self.inner.request();
        let declared = |name: &str| {
            let name = name.strip_prefix(VARIABLE);
            name.is_some_and(|name| self.inner.stack.variables.contains_key(name))
        };
        Given {
            variables: request.variables.clone(),
            files: request
                .variable_files
                .iter()
                .map(|file| (file.name.clone(), file.text.clone()))
                .collect(),
            process: request
                .process
                .iter()
                .filter(|(name, _)| declared(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        }
    }

    /// The session room's own, for verbs that are told by another room.
    pub fn inner(&mut self) -> &mut session::Session {
        &mut self.inner
    }

    pub fn banner(&self) -> Banner {
        Banner {
            stack: self.scope.stack.clone(),
            environment: self.scope.environment.clone(),
            account: self.scope.account.clone(),
            region: self.scope.region.clone(),
            sandbox: self.header.sandbox,
            caller: self.inner.caller().to_owned(),
            endpoint: self.header.endpoint.clone(),
        }
    }

    /// Warnings of the stack file, rendered; empty for nearly all.
    pub fn warnings(&self) -> &str {
        &self.warnings
    }

    /// Takes the lease before the first look of a command that changes something.
    pub async fn lock(
        &mut self,
        doing: &str,
        patience: Duration,
        on_wait: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        let mut told = |error: &StoreError| on_wait(&format!("waiting: {error}"));
        Ok(self.inner.lock(doing, patience, &mut told).await?)
    }

    /// The same for `state rebuild`, which keeps a damaged state beside.
    pub async fn lock_to_rebuild(
        &mut self,
        patience: Duration,
        on_wait: &mut dyn FnMut(&str),
    ) -> Result<Option<Salvaged>, Failure> {
        let mut told = |error: &StoreError| on_wait(&format!("waiting: {error}"));
        let doing = "state rebuild";
        Ok(self
            .inner
            .lock_to_rebuild(doing, patience, &mut told)
            .await?)
    }

    pub async fn plan(&mut self, ask: &Ask) -> Result<Plan, Failure> {
        self.ask = ask.clone();
        Ok(self.inner.plan(ask).await?)
    }

    pub async fn drift(&self) -> Result<Plan, Failure> {
        Ok(self.inner.drift().await?)
    }

    pub async fn apply(
        &mut self,
        plan: Plan,
        run: RunAsk,
        mut sink: Box<dyn Sink>,
    ) -> Result<Applied, Failure> {
        let stop = signals::ladder();
        let applied = self
            .inner
            .apply(plan, &self.ask, &run, stop, sink.as_mut())
            .await?;
        Ok(Applied {
            outcome: applied.outcome,
            outputs: applied.outputs,
            view: applied.view,
        })
    }

    /// Reads AWS; writes nothing.
    pub fn output_names(&self) -> Vec<String> {
        self.inner.output_names()
    }

    pub async fn outputs(&mut self) -> Result<Outputs, Failure> {
        Ok(self.inner.outputs().await?)
    }

    pub async fn state_list(&mut self) -> Result<Vec<StateRow>, Failure> {
        let snapshot = self.inner.snapshot().await?;
        Ok(snapshot
            .resources
            .iter()
            .map(|(address, record)| row(address, record))
            .collect())
    }

    /// `None`: the state has nothing at that address.
    pub async fn state_show(&mut self, address: &Address) -> Result<Option<StateEntry>, Failure> {
        let snapshot = self.inner.snapshot().await?;
        Ok(snapshot.resources.get(address).map(|record| StateEntry {
            row: row(address, record),
            attributes: record.attributes.clone(),
            depends_on: record.depends_on.clone(),
            protect: record.protect,
            retain: record.retain,
        }))
    }

    /// Whether the stack file has something at or below an address.
    pub fn wishes_for(&self, address: &Address) -> bool {
        let resources = &self.inner.stack.resources;
        resources
            .iter()
            .any(|resource| resource.address.within(address))
    }

    /// Untags and forgets; everything at and below the addresses.
    pub async fn state_rm(&mut self, addresses: &[Address]) -> Result<Vec<StateRow>, Failure> {
        let gone = self.inner.forget(addresses, signals::ladder()).await?;
        Ok(gone
            .iter()
            .map(|(address, record)| row(address, record))
            .collect())
    }

    /// Retags.
    pub async fn state_mv(
        &mut self,
        from: &Address,
        to: &Address,
    ) -> Result<Vec<StateRow>, Failure> {
        let moved = self.inner.rename(from, to, signals::ladder()).await?;
        Ok(moved
            .iter()
            .map(|(address, record)| row(address, record))
            .collect())
    }

    /// And whether it is news.
    pub async fn state_import(
        &mut self,
        address: &Address,
        id: &PhysicalId,
    ) -> Result<(StateRow, bool), Failure> {
        let (record, news) = self.inner.import(address, id, signals::ladder()).await?;
        Ok((row(address, &record), news))
    }

    pub async fn state_rebuild(&mut self) -> Result<Rebuilt, Failure> {
        let rebuilt = self.inner.rebuild().await?;
        let rows = |all: Vec<(Address, KindName, PhysicalId)>| {
            all.into_iter()
                .map(|(address, kind, id)| StateRow {
                    address,
                    kind,
                    id,
                    generation: 1,
                })
                .collect()
        };
        Ok(Rebuilt {
            adopted: rows(rebuilt.adopted),
            forgotten: rows(rebuilt.forgotten),
            unchanged: rebuilt.unchanged,
        })
    }

    /// Where the service answers.
    pub async fn service_url(&self) -> Result<String, Failure> {
        Ok(self.inner.service_url().await?)
    }

    /// Reads AWS; writes nothing.
    pub async fn status(&self) -> Result<Status, Failure> {
        Ok(self.inner.status().await?)
    }

    pub async fn log_sources(&self, service: Option<&Address>) -> Result<Vec<Source>, Failure> {
        Ok(self.inner.log_sources(service).await?)
    }

    /// Lines that were not handed out yet.
    pub async fn read_logs(&self, follower: &mut Follower) -> Result<Vec<Line>, Failure> {
        Ok(self.inner.read_logs(follower).await?)
    }

    pub fn declared_secrets(&self) -> Vec<Declared> {
        self.inner.declared_secrets()
    }

    /// Reads AWS; writes nothing.
    pub async fn secrets(&self) -> Result<Vec<SecretRow>, Failure> {
        Ok(self.inner.secrets().await?)
    }

    /// One value, for whoever asked to see it.
    pub async fn secret_value(
        &self,
        secret: &Declared,
        key: &str,
    ) -> Result<Option<SecretText>, Failure> {
        Ok(self.inner.secret_value(secret, key).await?)
    }

    /// `None`: it is that way already.
    pub async fn change_secret(
        &mut self,
        secret: &Declared,
        change: &Change,
        doing: &str,
    ) -> Result<Option<Changed>, Failure> {
        Ok(self.inner.change_secret(secret, change, doing).await?)
    }

    /// What a pipeline of this repository lacks in the account.
    pub async fn plan_pipeline(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<PipelinePlan, Failure> {
        Ok(self.inner.plan_pipeline(repository, branch).await?)
    }

    /// Creates and updates it. `done` gets a line for each step.
    pub async fn apply_pipeline(
        &self,
        plan: &PipelinePlan,
        done: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), Failure> {
        Ok(self.inner.apply_pipeline(plan, done).await?)
    }

    /// The stack's state bucket and lock table, made as they should be.
    pub async fn state_bootstrap(&self) -> Result<Bootstrapped, Failure> {
        Ok(self.inner.bootstrap().await?)
    }

    pub async fn state_migrate(
        &self,
        from: Option<&Place>,
        to: &Place,
        patience: Duration,
        on_wait: &mut dyn FnMut(&str),
    ) -> Result<Migrated, Failure> {
        let mut told = |error: &StoreError| on_wait(&format!("waiting: {error}"));
        Ok(self.inner.migrate(from, to, patience, &mut told).await?)
    }

    /// Newest first.
    pub async fn history(&mut self, address: Option<&Address>) -> Result<Vec<PastRun>, Failure> {
        let runs = self.inner.history(address).await?;
        Ok(runs.into_iter().map(past).collect())
    }
}

fn past(run: session::PastRun) -> PastRun {
    let word = |deed: Deed| match deed {
        Deed::Created => "created",
        Deed::Changed => "changed",
        Deed::Deleted => "deleted",
        Deed::Replaced => "replaced",
    };
    PastRun {
        run: run.run,
        doing: run.doing,
        started: run.started,
        who: run.who,
        commit: run.commit,
        ended: run.ended,
        changes: run
            .changes
            .into_iter()
            .map(|(address, deed)| (address, word(deed).to_owned()))
            .collect(),
    }
}

fn row(address: &Address, record: &Record) -> StateRow {
    StateRow {
        address: address.clone(),
        kind: record.kind.clone(),
        id: record.id.clone(),
        generation: record.generation,
    }
}

fn style(palette: Palette) -> Style {
    if palette == Palette::PLAIN {
        Style::Plain
    } else {
        Style::Colour
    }
}
