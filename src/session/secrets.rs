//! The stack's secrets: listing them, reading one value for its owner, and changing one under the lease, each call journalled first and
//! swapped in over the version that was read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

mod hand;

use super::{Calls, Session, SessionError, Subject};
use crate::aws::secretsmanager::secret::Secret;
use crate::aws::secretsmanager::swap::{self, Holding, Standing as Seen, Swap, There};
use crate::aws::secretsmanager::values::Values;
use crate::kind::{Asked, AskedItem, Extent, Kind, Memo, SecretText};
use crate::model::{Address, Attributes, Ownership, PhysicalId};
use crate::secrets::{
    Change, Declared, Edited, KeyRow, Refused, SecretRow, Standing, declared, edit,
};
use crate::state::Snapshot;
pub use hand::Hand;

/// How often a change is made anew because somebody else wrote in between.
const ROUNDS: u32 = 8;

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
        let mut calls = self.begin_from(remembered, lease, doing).await?;
        let swapped = self.swapped(secret, change, &name, &mut calls).await;
        // What was done stands in the state, whatever became of the rest.
        self.record_secret(secret, &name, &mut calls).await?;
        calls.close().await?;
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
        name: &str,
        calls: &mut Calls,
    ) -> Result<Option<(String, Edited)>, SessionError> {
        let mut hand = Hand::new(&self.aws, calls, &secret.address, name);
        for _ in 0..ROUNDS {
            let (seen, values) = self.standing(secret, name).await?;
            let Some(edited) = edit(&values, secret, change).map_err(refused)? else {
                return Ok(None);
            };
            let version = hand.put(&edited.values).await?;
            if hand.take_over(seen.version.as_deref(), &version).await? == Swap::Done {
                return Ok(Some((version, edited)));
            }
        }
        Err(SessionError::Guard(format!(
            "somebody else keeps writing {name}; nothing was changed. Run it again"
        )))
    }

    /// The secret as AWS calls it, as it stands, and its values; if it is one that this stack may change.
    ///
    /// # Errors
    /// That it is absent, deleted, somebody else's, or holds no named values.
    pub async fn secret_standing(
        &self,
        secret: &Declared,
    ) -> Result<(String, Seen, Values), SessionError> {
        let name = name(secret, &self.snapshot().await?);
        let (seen, values) = self.standing(secret, &name).await?;
        Ok((name, seen, values))
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
            Holding::Unreadable => Err(refused(
                Refused::new(format!(
                    "the values of {name} are not readable with these rights"
                ))
                .hint("the policies this takes: circles-infra permissions --for secrets"),
            )),
            Holding::Foreign => Err(refused(
                Refused::new(format!(
                    "what the secret {name} holds is not a JSON object: changing one key would lose it"
                ))
                .hint("move it elsewhere first"),
            )),
        }
    }

    /// Writes the resource as it is now to the state. What AWS cannot tell stays as it was.
    ///
    /// # Errors
    /// AWS's, the store's.
    pub async fn record_secret(
        &self,
        secret: &Declared,
        name: &str,
        calls: &mut Calls,
    ) -> Result<(), SessionError> {
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
                last: calls.last(&secret.address),
                tags: None,
            }],
            memo: Arc::new(Memo::default()),
        };
        let Some(kind) = self.kinds.get(&Secret::NAME) else {
            return Ok(());
        };
        let subject = Subject {
            generation: calls.generation(&secret.address),
            address: secret.address.clone(),
            kind: Secret::NAME,
            id: PhysicalId::new(name),
        };
        match kind.find(&asked).await?.into_iter().next() {
            Some(live) => calls.record(&subject, &live).await,
            None => Ok(()),
        }
    }
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

/// `known`: the secret as the state knows it.
pub(super) fn row(
    secret: &Declared,
    name: &str,
    there: There,
    known: Option<&Attributes>,
) -> SecretRow {
    let mut live = BTreeSet::new();
    let standing = match there {
        There::Absent => Standing::Absent,
        There::InRecovery(until) => Standing::InRecovery { until },
        There::Standing(seen) => {
            let foreign = matches!(seen.held, Holding::Foreign);
            let mut unreadable = false;
            match seen.held {
                Holding::Values(values) => live.extend(values.into_keys()),
                Holding::Unreadable => {
                    let version = known.and_then(|known| known.text("version_id"));
                    unreadable = version != seen.version.as_deref();
                    let keys = known.and_then(|known| known.get("keys").as_map());
                    live.extend(keys.into_iter().flat_map(|keys| keys.keys().cloned()));
                }
                Holding::Nothing | Holding::Foreign => {}
            }
            Standing::Live {
                version: seen.version,
                created: seen.created,
                foreign,
                unreadable,
            }
        }
    };
    let mut keys: Vec<KeyRow> = secret
        .keys
        .iter()
        .map(|(key, source)| KeyRow {
            key: key.clone(),
            source: source.word().to_owned(),
            set: live.contains(key),
        })
        .collect();
    let others = live.iter().filter(|key| !secret.keys.contains_key(*key));
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
