//! The hand that writes a secret: a new version is put, and then takes the place of the one that was read.

use std::time::Duration;

use super::refused;
use crate::aws::Aws;
use crate::aws::secretsmanager::secret::Secret;
use crate::aws::secretsmanager::swap::{self, Stage, Swap};
use crate::aws::secretsmanager::values::Values;
use crate::kind::{Class, CloudError, Kind};
use crate::model::{Address, PhysicalId};
use crate::secrets::Refused;
use crate::session::{Calls, SessionError, Subject};

/// How often one call is sent while AWS says that it has to wait.
const ATTEMPTS: u32 = 6;

/// How often it is looked before a server is believed to show another version than the current one.
const LOOKS: u32 = 3;

/// Writes one secret. Each call's intent is durable first, and the lease looked at right before.
pub struct Hand<'a> {
    pub aws: &'a Aws,
    pub calls: &'a mut Calls,
    pub subject: Subject,
}

impl<'a> Hand<'a> {
    /// For the secret of that address and name.
    pub fn new(aws: &'a Aws, calls: &'a mut Calls, address: &Address, name: &str) -> Self {
        let subject = Subject {
            generation: calls.generation(address),
            address: address.clone(),
            kind: Secret::NAME,
            id: PhysicalId::new(name),
        };
        Self {
            aws,
            calls,
            subject,
        }
    }

    /// Puts a new version under a label of our own, and gives its id. Never twice: after a lost answer it looks first.
    ///
    /// # Errors
    /// AWS's, without any value; more bytes than a secret holds.
    pub async fn put(&mut self, values: &Values) -> Result<String, SessionError> {
        let text = swap::written(values)
            .map_err(|size| refused(Refused::new(format!("{size} bytes are too many for AWS"))))?;
        let name = self.subject.id.as_str();
        let token = format!("{:032x}", rand::random::<u128>());
        for attempt in 1..=ATTEMPTS {
            let put = swap::put(self.aws, name, &token, swap::WAITING, values, &text);
            let answer = self
                .calls
                .call_with(&token, &self.subject, swap::PUT, put, |()| None)
                .await;
            match answer {
                Ok(()) => return Ok(token),
                Err(error) if error.is(Class::Unknown) => {
                    let stage = swap::stage(self.aws, name, &token).await?;
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

    /// Makes `to` the current version, in the place of the one that was read; of a secret that had none, looks whether it is.
    ///
    /// # Errors
    /// AWS's.
    pub async fn take_over(&mut self, from: Option<&str>, to: &str) -> Result<Swap, SessionError> {
        let name = self.subject.id.as_str();
        let Some(from) = from else {
            // A secret's first version becomes current by itself; two first ones cannot both.
            return self.is_current(to).await;
        };
        for attempt in 1..=ATTEMPTS {
            let move_on = swap::take_over(self.aws, name, from, to);
            let answer = self
                .calls
                .call_with(to, &self.subject, swap::TAKE_OVER, move_on, |_| None)
                .await;
            match answer {
                // Ours may be the one that is there: an attempt before this one had done it.
                Ok(Swap::Overtaken) if attempt > 1 => match self.is_current(to).await? {
                    Swap::Done => return self.show(to).await,
                    overtaken => return Ok(overtaken),
                },
                Ok(Swap::Done) => return self.show(to).await,
                Ok(swap) => return Ok(swap),
                Err(error) => wait(attempt, error).await?,
            }
        }
        Err(out_of_attempts())
    }

    /// Looks whether readers get the version that took over. Where they keep getting another one, the label goes back to that, and what
    /// took over is put once more as the current version: this reaches readers everywhere, but is no compare-and-swap.
    async fn show(&mut self, to: &str) -> Result<Swap, SessionError> {
        let name = self.subject.id.clone();
        let name = name.as_str();
        let mut looks = 1;
        let hidden = loop {
            match swap::hidden(self.aws, name, to).await? {
                None => return Ok(Swap::Done),
                Some(hidden) if looks == LOOKS => break hidden,
                // A read may lag behind the write for a moment.
                Some(_) => tokio::time::sleep(Duration::from_millis(100 << looks)).await,
            }
            looks += 1;
        };
        let back = swap::take_over(self.aws, name, to, &hidden.shown);
        let answer = self
            .calls
            .call_with(to, &self.subject, swap::TAKE_OVER, back, |_| None)
            .await?;
        // Whoever took over from us had read what we wrote.
        if answer == Swap::Overtaken {
            return Ok(Swap::Done);
        }
        let text = swap::written(&hidden.values)
            .map_err(|size| refused(Refused::new(format!("{size} bytes are too many for AWS"))))?;
        let token = format!("{:032x}", rand::random::<u128>());
        for attempt in 1..=ATTEMPTS {
            let put = swap::put(self.aws, name, &token, swap::CURRENT, &hidden.values, &text);
            let answer = self
                .calls
                .call_with(&token, &self.subject, swap::PUT, put, |()| None)
                .await;
            match answer {
                Ok(()) => return Ok(Swap::Done),
                Err(error) => wait(attempt, error).await?,
            }
        }
        Err(out_of_attempts())
    }

    async fn is_current(&self, version: &str) -> Result<Swap, SessionError> {
        Ok(
            match swap::stage(self.aws, self.subject.id.as_str(), version).await? {
                Stage::Current => Swap::Done,
                Stage::Waiting | Stage::Absent => Swap::Overtaken,
            },
        )
    }
}

/// Waits before another attempt, or hands the error on when none is due.
async fn wait(attempt: u32, error: CloudError) -> Result<(), SessionError> {
    if swap::was_deleted(&error) {
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
