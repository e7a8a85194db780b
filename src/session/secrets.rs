//! The stack's secrets: listing them, reading one value for its owner, and changing one under the lease, each call journalled first and
//! swapped in over the version that was read.
//!
//! Long: the answers that a change can get stand beside the change.

use std::sync::Arc;
use std::time::Duration;

use super::{Session, SessionError};
use crate::aws::secretsmanager::secret::Secret;
use crate::aws::secretsmanager::swap::{self, Holding, Stage, Standing as Seen, Swap, There};
use crate::aws::secretsmanager::values::Values;
use crate::aws::{Aws, secretsmanager};
use crate::engine::Ledger;
use crate::journal::Event;
use crate::kind::{
    Asked, AskedItem, CallFailure, Class, CloudError, Extent, Intent, IntentVerb, Kind, Memo,
    SecretText,
};
use crate::model::{Address, Ownership, PhysicalId};
use crate::secrets::{
    Change, Declared, Edited, KeyRow, Refused, SecretRow, Standing, declared, edit,
};
use crate::state::{Lease, Record, Snapshot};

/// How often a change is made anew because somebody else wrote in between.
const ROUNDS: u32 = 8;
/// How often one call is sent while AWS says that it has to wait.
const ATTEMPTS: u32 = 6;

/// What a change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub secret: Address,
    pub name: String,
    /// The version that is current now.
    pub version: String,
    pub written: Vec<String>,
    /// Keys came or went: tasks need a new task definition.
    pub other_keys: bool,
}

impl Session {
    /// What the stack says of its secrets.
    pub fn declared_secrets(&self) -> Vec<Declared> {
        declared(&self.stack)
    }

    /// Every secret of the stack, in the file's order. Values are read for their keys, and dropped.
    pub async fn secrets(&self) -> Result<Vec<SecretRow>, SessionError> {
        let snapshot = self.snapshot().await?;
        Ok(self.secret_rows(&snapshot).await?)
    }

    /// One value, for whoever asked to see it. `None`: it is not set.
    pub async fn secret_value(
        &self,
        secret: &Declared,
        key: &str,
    ) -> Result<Option<SecretText>, SessionError> {
        let name = name(secret, &self.snapshot().await?);
        let (_, values) = self.standing(secret, &name).await?;
        Ok(values.get(key).map(|held| held.secret().clone()))
    }

    /// Changes a secret's values. `None`: they are that way already.
    pub async fn change_secret(
        &mut self,
        secret: &Declared,
        change: &Change,
        doing: &str,
    ) -> Result<Option<Changed>, SessionError> {
        self.lock(doing, Duration::ZERO, &mut |_| {}).await?;
        let lease = self
            .lease
            .clone()
            .ok_or_else(|| SessionError::Guard("the state is not locked".into()))?;
        let remembered = self.remember().await?;
        let name = name(secret, &remembered.snapshot);
        // Refusals come before anything is written, the run's opening included.
        let (_, values) = self.standing(secret, &name).await?;
        if edit(&values, secret, change).map_err(refused)?.is_none() {
            return Ok(None);
        }
        drop(values);
        let settled = remembered.unfinished.open.is_empty();
        let generation = remembered
            .snapshot
            .resources
            .get(&secret.address)
            .map_or(1, |record| record.generation);
        let ledger = self
            .ledger(
                remembered.snapshot,
                remembered.version,
                &remembered.unfinished,
                doing,
            )
            .await?;
        let mut hand = Hand {
            aws: self.aws.clone(),
            lease,
            ledger,
            address: secret.address.clone(),
            name: name.clone(),
            generation,
        };
        let swapped = self.swapped(secret, change, &mut hand).await;
        // What was done stands in the state, whatever became of the rest.
        let record = self.observed(secret, &name, &hand.ledger.snapshot).await?;
        let event = hand.ledger.put(&secret.address, record);
        hand.ledger.append(vec![event]).await?;
        hand.ledger.close(None, settled).await?;
        let Some((version, edited)) = swapped? else {
            return Ok(None);
        };
        Ok(Some(Changed {
            secret: secret.address.clone(),
            name,
            version,
            written: edited.written,
            other_keys: edited.other_keys,
        }))
    }

    /// Looks, edits, puts and takes over, again whenever somebody else was quicker.
    async fn swapped(
        &self,
        secret: &Declared,
        change: &Change,
        hand: &mut Hand,
    ) -> Result<Option<(String, Edited)>, SessionError> {
        for _ in 0..ROUNDS {
            let (seen, values) = self.standing(secret, &hand.name).await?;
            let Some(edited) = edit(&values, secret, change).map_err(refused)? else {
                return Ok(None);
            };
            let text = swap::written(&edited.values).map_err(|size| {
                refused(Refused::new(format!("{size} bytes are too many for AWS")))
            })?;
            let version = hand.put(&edited.values, &text).await?;
            let swap = match &seen.version {
                Some(from) => hand.take_over(from, &version).await?,
                // A secret's first version becomes current by itself; two first ones cannot both.
                None => match swap::stage(&self.aws, &hand.name, &version).await? {
                    Stage::Current => Swap::Done,
                    Stage::Waiting | Stage::Absent => Swap::Overtaken,
                },
            };
            if swap == Swap::Done {
                return Ok(Some((version, edited)));
            }
        }
        Err(SessionError::Guard(format!(
            "somebody else keeps writing {}; nothing was changed. Run it again",
            hand.name
        )))
    }

    /// The secret as it stands, if it is one that this stack may change.
    async fn standing(
        &self,
        secret: &Declared,
        name: &str,
    ) -> Result<(Seen, Values), SessionError> {
        let seen = match swap::look(&self.aws, name).await? {
            There::Standing(seen) => *seen,
            There::Absent => {
                return Err(refused(
                    Refused::new(format!("AWS has no secret {name} yet"))
                        .hint("circles-infra apply makes it"),
                ));
            }
            There::InRecovery(until) => {
                return Err(refused(
                    Refused::new(format!(
                        "the secret {name} is deleted, and in its recovery window until {until}: it takes no change"
                    ))
                    .hint("circles-infra apply restores it with what it held; then run this again"),
                ));
            }
        };
        let ours = Ownership::read(&seen.tags)
            .is_some_and(|owner| owner.is_of(&self.scope) && owner.address == secret.address);
        if !ours {
            return Err(refused(
                Refused::new(format!("the secret {name} is not this stack's: it does not carry its tags"))
                    .hint("another stack, or somebody by hand, made it: rename one of the two, or take it over with circles-infra state import"),
            ));
        }
        match seen.held.clone() {
            Holding::Values(values) => Ok((seen, values)),
            Holding::Nothing => Ok((seen, Values::new())),
            Holding::Foreign => Err(refused(
                Refused::new(format!(
                    "what the secret {name} holds is not a JSON object: changing one key would lose it"
                ))
                .hint("move it elsewhere first"),
            )),
        }
    }

    /// The resource as it is now, for the state. The content is AWS's to tell; what it cannot tell stays as it was.
    async fn observed(
        &self,
        secret: &Declared,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<Record, SessionError> {
        let before = snapshot.resources.get(&secret.address);
        let kind = Secret::NAME;
        let desired = self
            .stack
            .resource(secret.address.as_str())
            .map(|resource| resource.attributes.clone());
        let asked = Asked {
            scope: self.scope.clone(),
            extent: Extent::Items,
            items: vec![AskedItem {
                address: secret.address.clone(),
                id: Some(PhysicalId::new(name)),
                desired,
                last: before.map(|record| record.attributes.clone()),
                tags: None,
            }],
            memo: Arc::new(Memo::default()),
        };
        let live = match self.kinds.get(&kind) {
            Some(kind) => kind.find(&asked).await?.into_iter().next(),
            None => None,
        };
        let mut attributes = before.map(|b| b.attributes.clone()).unwrap_or_default();
        for (field, value) in live.into_iter().flat_map(|live| live.attributes.0) {
            if !value.is_null() {
                attributes.0.insert(field, value);
            }
        }
        let kept = self.kept();
        let kept = kept.get(&secret.address);
        Ok(Record {
            kind,
            id: PhysicalId::new(name),
            generation: before.map_or(1, |b| b.generation),
            attributes,
            depends_on: kept.map(|k| k.depends_on.clone()).unwrap_or_default(),
            protect: kept.is_some_and(|k| k.protect),
            retain: kept.is_some_and(|k| k.retain),
        })
    }
}

/// What sends the calls: each one's intent is durable first, and the lease looked at right before.
struct Hand {
    aws: Arc<Aws>,
    lease: Arc<dyn Lease>,
    ledger: Ledger,
    address: Address,
    name: String,
    generation: u32,
}

impl Hand {
    /// Puts a new version, and gives its id. Never twice: after a lost answer it looks first.
    async fn put(&mut self, values: &Values, text: &SecretText) -> Result<String, SessionError> {
        let token = format!("{:032x}", rand::random::<u128>());
        for attempt in 1..=ATTEMPTS {
            let number = self.before(swap::PUT, &token).await?;
            let answer = swap::put(&self.aws, &self.name, &token, values, text).await;
            self.after(number, &answer).await?;
            match answer {
                Ok(()) => return Ok(token),
                Err(error) if error.is(Class::Unknown) => {
                    let stage = swap::stage(&self.aws, &self.name, &token).await?;
                    if stage != Stage::Absent {
                        return Ok(token);
                    }
                    wait(attempt, error).await?;
                }
                Err(error) => wait(attempt, error).await?,
            }
        }
        Err(out_of_attempts())
    }

    async fn take_over(&mut self, from: &str, to: &str) -> Result<Swap, SessionError> {
        for attempt in 1..=ATTEMPTS {
            let number = self.before(swap::TAKE_OVER, to).await?;
            let answer = swap::take_over(&self.aws, &self.name, from, to).await;
            self.after(number, &answer).await?;
            match answer {
                // Ours may be the one that is there: an attempt before this one had done it.
                Ok(Swap::Overtaken) if attempt > 1 => {
                    let stage = swap::stage(&self.aws, &self.name, to).await?;
                    return Ok(if stage == Stage::Current {
                        Swap::Done
                    } else {
                        Swap::Overtaken
                    });
                }
                Ok(swap) => return Ok(swap),
                Err(error) => wait(attempt, error).await?,
            }
        }
        Err(out_of_attempts())
    }

    async fn before(&mut self, action: &str, token: &str) -> Result<u64, SessionError> {
        let (number, intent) = self.ledger.intent(Intent {
            address: self.address.clone(),
            kind: Secret::NAME,
            verb: IntentVerb::Update,
            generation: self.generation,
            action: action.to_owned(),
            token: token.to_owned(),
            id: Some(PhysicalId::new(&self.name)),
            key: crate::model::Attributes::default(),
        });
        self.ledger.append(vec![intent]).await?;
        self.lease.renewed().await.map_err(SessionError::Guard)?;
        Ok(number)
    }

    async fn after<T>(
        &mut self,
        number: u64,
        answer: &Result<T, CloudError>,
    ) -> Result<(), SessionError> {
        let outcome: Result<(), (CallFailure, Class)> = match answer {
            Ok(_) => Ok(()),
            Err(error) => Err((error.failure(), error.class)),
        };
        let event: Event = self.ledger.returned(number, outcome);
        Ok(self.ledger.append(vec![event]).await?)
    }
}

/// Waits before another attempt, or hands the error on when none is due.
async fn wait(attempt: u32, error: CloudError) -> Result<(), SessionError> {
    if secretsmanager::swap::was_deleted(&error) {
        return Err(refused(
            Refused::new(format!("the secret was deleted meanwhile ({error})"))
                .hint("circles-infra apply restores or makes it; then run this again"),
        ));
    }
    let passes = matches!(
        error.class,
        Class::Throttled | Class::Unknown | Class::Unreachable | Class::NotYet
    );
    if !passes || attempt >= ATTEMPTS {
        return Err(error.into());
    }
    tokio::time::sleep(Duration::from_millis(100 << attempt.min(5))).await;
    Ok(())
}

fn out_of_attempts() -> SessionError {
    SessionError::Guard("AWS takes no change of the secret now; run it again later".into())
}

/// What AWS calls it: as the state knows it, or else as the file says.
pub(super) fn name(secret: &Declared, snapshot: &Snapshot) -> String {
    let known = snapshot.resources.get(&secret.address);
    known
        .map(|record| record.id.as_str())
        .or(secret.name.as_deref())
        .unwrap_or(secret.address.as_str())
        .to_owned()
}

fn refused(refused: Refused) -> SessionError {
    SessionError::Secret(refused)
}

pub(super) fn row(secret: &Declared, name: &str, there: There) -> SecretRow {
    let mut live = Values::new();
    let standing = match there {
        There::Absent => Standing::Absent,
        There::InRecovery(until) => Standing::InRecovery { until },
        There::Standing(seen) => {
            let foreign = matches!(seen.held, Holding::Foreign);
            if let Holding::Values(values) = seen.held {
                live = values;
            }
            Standing::Live {
                version: seen.version,
                created: seen.created,
                foreign,
            }
        }
    };
    let mut keys: Vec<KeyRow> = secret
        .keys
        .iter()
        .map(|(key, source)| KeyRow {
            key: key.clone(),
            source: source.word().to_owned(),
            set: live.contains_key(key),
        })
        .collect();
    let others = live.keys().filter(|key| !secret.keys.contains_key(*key));
    keys.extend(others.map(|key| KeyRow {
        key: key.clone(),
        source: "undeclared".to_owned(),
        set: true,
    }));
    keys.sort_by(|a, b| a.key.cmp(&b.key));
    SecretRow {
        address: secret.address.clone(),
        name: name.to_owned(),
        standing,
        keys,
    }
}
