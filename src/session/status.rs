//! Looks at what runs, all of it side by side: the service, its tasks and targets, the database, the secrets.

use std::collections::BTreeSet;

use futures::future::{join_all, try_join_all};

use super::{Session, SessionError};
use crate::aws::glance;
use crate::aws::secretsmanager::swap;
use crate::kind::CloudError;
use crate::model::{Address, Attributes};
use crate::secrets::{SecretRow, Standing};
use crate::stack::ServiceInfo;
use crate::state::{Record, Snapshot};
use crate::status::{Database, DatabaseState, Drift, Service, ServiceState, Status, findings};

mod balancers;
mod services;

use balancers::Balancers;

impl Session {
    /// How the stack stands now. Reads AWS; writes nothing.
    pub async fn status(&self) -> Result<Status, SessionError> {
        let remembered = self.remember().await?;
        let unfinished = (remembered.unfinished.run.is_some() && !remembered.unfinished.closed)
            .then(|| {
                format!(
                    "{} by {}",
                    remembered.unfinished.doing, remembered.unfinished.who
                )
            });
        let mut known = remembered.snapshot;
        if known.resources.is_empty() {
            self.find_all(&mut known).await?;
        }
        let balancers = self.balancers(&known).await?;
        let (services, databases, secrets) = tokio::try_join!(
            try_join_all(
                self.stack
                    .services
                    .iter()
                    .map(|service| self.service_status(service, &known, &balancers))
            ),
            self.database_status(&known),
            self.made_secret_rows(&known),
        )?;
        let mut services = services;
        for (service, info) in services.iter_mut().zip(&self.stack.services) {
            if let Some(state) = &mut service.state {
                state.older_than_secrets = self.newer_secrets(info, state, &secrets);
            }
        }
        let drift = Drift {
            whole: false,
            found: drift(&services, &databases, &known),
        };
        let mut status = Status {
            stack: self.scope.stack.clone(),
            environment: self.scope.environment.clone(),
            account: self.scope.account.clone(),
            region: self.scope.region.clone(),
            at: jiff::Timestamp::now().as_second(),
            url: balancers.url(),
            services,
            databases,
            secrets,
            drift,
            unfinished,
            resources: known.resources.len(),
            made: known.resources.keys().cloned().collect(),
            findings: Vec::new(),
        };
        self.explain(&mut status).await?;
        status.findings = findings(&status);
        Ok(status)
    }

    /// Without a state, what carries our tags is looked for.
    async fn find_all(&self, known: &mut Snapshot) -> Result<(), SessionError> {
        let planned = self.survey().await?;
        for (address, all) in &planned.seen.ours {
            if let Some(sighting) = all.first() {
                let record = Record {
                    kind: sighting.observed.kind.clone(),
                    id: sighting.observed.id.clone(),
                    generation: sighting.generation,
                    attributes: sighting.observed.attributes.clone(),
                    tags: sighting.observed.tags.clone(),
                    depends_on: Vec::new(),
                    protect: false,
                    retain: false,
                    made_at: None,
                };
                known.resources.insert(address.clone(), record);
            }
        }
        Ok(())
    }

    /// A field of a resource: as last seen, or else as the file says.
    fn text(&self, address: &Address, field: &str, known: &Snapshot) -> String {
        let live = known.resources.get(address).map(|r| &r.attributes);
        let named = self
            .stack
            .resource(address.as_str())
            .map(|resource| &resource.attributes);
        let of = |attributes: Option<&Attributes>| {
            attributes.and_then(|attributes| attributes.text(field).map(str::to_owned))
        };
        of(live).or_else(|| of(named)).unwrap_or_default()
    }

    async fn database_status(&self, known: &Snapshot) -> Result<Vec<Database>, CloudError> {
        let wanted = self
            .stack
            .resources
            .iter()
            .filter(|resource| resource.kind.as_str() == "rds.db_instance");
        let all = wanted.map(|resource| async {
            let record = known.resources.get(&resource.address);
            // What this environment never made may be another one's by that name: it is not asked for.
            let live = match record {
                Some(record) => glance::database(&self.aws, record.id.as_str()).await?,
                None => None,
            };
            let name = match record {
                Some(record) => record.id.as_str().to_owned(),
                None => self.text(&resource.address, "identifier", known),
            };
            Ok::<_, CloudError>(Database {
                address: resource.address.clone(),
                name,
                made: record.is_some(),
                state: live.map(|live| DatabaseState {
                    status: live.status,
                    engine_version: live.engine_version,
                    class: live.class,
                    storage: live.storage,
                    multi_az: live.multi_az,
                    endpoint: live.endpoint,
                }),
            })
        });
        join_all(all).await.into_iter().collect()
    }

    /// Every secret with its keys; their values in one batch.
    pub(super) async fn secret_rows(&self, known: &Snapshot) -> Result<Vec<SecretRow>, CloudError> {
        self.rows_of(known, |_| true).await
    }

    /// The same, without a look at those that this environment never made: another one may have a secret of that name.
    async fn made_secret_rows(&self, known: &Snapshot) -> Result<Vec<SecretRow>, CloudError> {
        self.rows_of(known, |address| known.resources.contains_key(address))
            .await
    }

    async fn rows_of(
        &self,
        known: &Snapshot,
        looked_at: impl Fn(&Address) -> bool,
    ) -> Result<Vec<SecretRow>, CloudError> {
        let declared = self.declared_secrets();
        let names: BTreeSet<String> = declared
            .iter()
            .filter(|secret| looked_at(&secret.address))
            .map(|secret| super::secrets::name(secret, known))
            .collect();
        let mut there = swap::look_all(&self.aws, &names).await?;
        Ok(declared
            .iter()
            .map(|secret| {
                let name = super::secrets::name(secret, known);
                let there = there.remove(&name).unwrap_or(swap::There::Absent);
                let known = known.resources.get(&secret.address);
                super::secrets::row(secret, &name, there, known.map(|record| &record.attributes))
            })
            .collect())
    }

    /// Secrets whose version was made after some task had started that reads them.
    fn newer_secrets(
        &self,
        info: &ServiceInfo,
        state: &ServiceState,
        secrets: &[SecretRow],
    ) -> Vec<Address> {
        let Some(oldest) = state.tasks.iter().filter_map(|task| task.started).min() else {
            return Vec::new();
        };
        let read: BTreeSet<Address> = self
            .declared_secrets()
            .into_iter()
            .filter(|secret| secret.readers.contains(&info.task_definition))
            .map(|secret| secret.address)
            .collect();
        secrets
            .iter()
            .filter(|row| read.contains(&row.address))
            .filter(|row| matches!(row.standing, Standing::Live { created: Some(at), .. } if at > oldest))
            .map(|row| row.address.clone())
            .collect()
    }
}

/// What was changed outside, as far as these reads tell.
fn drift(services: &[Service], databases: &[Database], known: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    for service in services {
        let at = service.address.child("service");
        let Some(record) = known.resources.get(&at) else {
            continue;
        };
        match &service.state {
            None => found.push(format!("{at} is gone")),
            Some(state) => {
                let count = record.attributes.get("desired_count").as_int();
                if let Some(count) = count.filter(|count| *count != i64::from(state.desired)) {
                    found.push(format!("{at}: desired_count {count} → {}", state.desired));
                }
            }
        }
    }
    for database in databases {
        let Some(record) = known.resources.get(&database.address) else {
            continue;
        };
        match &database.state {
            None => found.push(format!("{} is gone", database.address)),
            Some(state) => {
                let class = record.attributes.text("instance_class");
                if let Some(class) = class.filter(|class| *class != state.class) {
                    found.push(format!(
                        "{}: instance_class {class} → {}",
                        database.address, state.class
                    ));
                }
            }
        }
    }
    found
}
