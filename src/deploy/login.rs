//! Changing the password that tasks log in to their database with, by two users of it who take turns.
//!
//! ```text
//!   the URL says a ─▶ put: a version with b and a new password, under a label of our own; nobody's yet
//!                  ─▶ a task beside the service, where the database can be reached, gives b that password
//!                  ─▶ take over: the new version is the current one. New tasks log in as b, running ones go on as a
//! ```
//!
//! Cut off anywhere, the current version is good: b is nobody's user until the take-over. The task reads what stands under the label when
//! it starts, so one that is late gives b the password that the newest version has; one that runs already is waited for.

mod definition;

use std::time::Duration;

use futures::TryFutureExt;
use tokio::time::{Instant, sleep};

use super::error::DeployError;
use super::one_off::OneOff;
use super::revision::{self, REGISTER, Revision};
use super::roll::Pace;
use super::said::{Said, Tell};
use crate::aws::ecs::task_definition::{family_in, revisions};
use crate::aws::secretsmanager::swap::{self, Swap};
use crate::aws::secretsmanager::values::{ALPHABET, Held, Values, generate};
use crate::aws::{Aws, aws_error};
use crate::engine::Stop;
use crate::kind::CloudError;
use crate::secrets::{Declared, Login, Refused, Turn};
use crate::session::{Calls, Hand, Session, SessionError, Target};
use definition::Wanted;

const LIST: &str = "ecs:ListTasks";
const DEREGISTER: &str = "ecs:DeregisterTaskDefinition";
/// How often it is begun anew because somebody else wrote to the secret in between.
const ROUNDS: u32 = 4;
/// A task has to start, which takes Fargate a minute or two, and to wait for locks.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// As long as the master password: letters and digits need no escaping in a URL.
const LENGTH: usize = 32;

/// What a rotation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Who is in the URL now.
    pub user: String,
    pub before: String,
    /// The secret's name and its current version.
    pub secret: String,
    pub version: String,
}

/// Has the other one of a database's two users take over in a secret's URL, with a new password.
///
/// # Errors
/// [`DeployError`]; whatever it is, running tasks and the current URL are as they were.
pub async fn rotate_login(
    session: &mut Session,
    secret: &Declared,
    key: &str,
    stop: Stop,
    tell: Tell<'_>,
) -> Result<Rotated, DeployError> {
    let Some(login) = secret.logins.get(key) else {
        return Err(DeployError::refused(
            format!("{key} of {} is no database's URL", secret.address),
            "rotate it as any generated value",
        ));
    };
    let target = runner(session, secret, key).await?;
    let role = target.rotation_role.as_deref().ok_or_else(|| {
        DeployError::refused(
            format!(
                "the role that starts {}'s rotation is not there yet",
                target.label()
            ),
            "circles-infra apply makes it; then run this again",
        )
    })?;
    let master = master(session, login).await?;
    // What refuses comes before anything is written.
    let (name, seen, values) = session.secret_standing(secret).await?;
    turn(login, key, &values)?;
    let aws = session.aws.clone();
    let from = revision::read(&aws, &target.definition).await?;
    let wanted = Wanted {
        from: &from,
        target: &target,
        source: format!("{}:{key}::", seen.arn),
        next: format!("{}:{key}:{}:", seen.arn, swap::WAITING),
        master: format!("{master}:{}::", login.master.key),
        role,
        login,
        key,
    };
    wanted.check()?;
    let mut calls = session.begin(&format!("secrets rotate {key}")).await?;
    let work = Work {
        aws: &aws,
        target: &target,
        pace: Pace::of(session, PATIENCE),
        stop: &stop,
        tell,
        wanted: &wanted,
    };
    let done = work
        .rounds(session, secret, key, login, &name, &mut calls)
        .await;
    // What was done stands in the state, whatever became of the rest.
    let recorded = session.record_secret(secret, &name, &mut calls).await;
    let closed = calls.close().await;
    let done = done?;
    recorded?;
    closed?;
    Ok(done)
}

/// The service whose tasks read the secret, and that says how a user gets its password.
async fn runner(
    session: &mut Session,
    secret: &Declared,
    key: &str,
) -> Result<Target, DeployError> {
    let targets = session.targets().await?;
    let mut readers: Vec<Target> = targets
        .into_iter()
        .filter(|target| secret.readers.contains(&target.info.task_definition))
        .collect();
    let able = readers
        .iter()
        .position(|target| !target.info.rotate_login.is_empty());
    let declared = session.stack.services.iter().find(|info| {
        secret.readers.contains(&info.task_definition) && !info.rotate_login.is_empty()
    });
    match (able, declared) {
        (Some(at), _) => Ok(readers.swap_remove(at)),
        (None, Some(info)) => Err(DeployError::refused(
            format!("{} is not there yet", info.address),
            "circles-infra apply makes it; then run this again",
        )),
        (None, None) => Err(DeployError::refused(
            format!(
                "no service of the stack that reads {key} says how a database user gets its password"
            ),
            "give it `rotate_login: [PROGRAM, ARGUMENT]` in the stack file, and apply: docs/secrets.md, \"The database's password\"",
        )),
    }
}

/// The ARN of the secret that holds the master user's password.
async fn master(session: &Session, login: &Login) -> Result<String, DeployError> {
    let declared = session.declared_secrets();
    let of_master = declared
        .iter()
        .find(|secret| secret.address == login.master.address)
        .ok_or_else(|| {
            DeployError::refused(
                format!("the stack has no secret {}", login.master.address),
                "circles-infra plan shows what it has",
            )
        })?;
    Ok(session.secret_standing(of_master).await?.1.arn)
}

/// Whose turn it is, with a new password.
fn turn(login: &Login, key: &str, values: &Values) -> Result<Turn, DeployError> {
    let refused = |refused: Refused| DeployError::Session(SessionError::Secret(refused));
    let password = generate(LENGTH, ALPHABET)
        .map_err(|e| refused(Refused::new(format!("the system gives no randomness: {e}"))))?;
    let live = values.get(key).map(|held| held.secret().expose());
    live.and_then(|live| login.turn(live, &password))
        .ok_or_else(|| {
            refused(
                Refused::new(format!(
                    "{key} is no URL with {} or one of the two users who take turns for it",
                    login.user
                ))
                .hint("circles-infra apply writes what the stack file says; then run this again"),
            )
        })
}

/// All that one rotation works with.
struct Work<'a> {
    aws: &'a Aws,
    target: &'a Target,
    pace: Pace,
    stop: &'a Stop,
    tell: Tell<'a>,
    wanted: &'a Wanted<'a>,
}

impl Work<'_> {
    fn say(&self, text: impl Into<String>) {
        (self.tell)(Said::Text(text.into()));
    }

    /// Again whenever somebody else was quicker.
    async fn rounds(
        &self,
        session: &Session,
        secret: &Declared,
        key: &str,
        login: &Login,
        name: &str,
        calls: &mut Calls,
    ) -> Result<Rotated, DeployError> {
        self.earlier_ones().await?;
        for _ in 0..ROUNDS {
            let (_, seen, mut values) = session.secret_standing(secret).await?;
            let turn = turn(login, key, &values)?;
            values.insert(key.to_owned(), Held::Text(turn.url.clone()));
            let mut hand = Hand::new(self.aws, calls, &secret.address, name);
            let version = hand.put(&values).await?;
            self.give(&turn, &mut hand).await?;
            // Labels move on only, so the task has read this version if the label is still on it.
            if !swap::is_next(self.aws, name, &version).await? {
                self.say("somebody else has written to the secret meanwhile: once more");
                continue;
            }
            if hand.take_over(seen.version.as_deref(), &version).await? == Swap::Done {
                return Ok(Rotated {
                    user: turn.user,
                    before: turn.before,
                    secret: name.to_owned(),
                    version,
                });
            }
            self.say("somebody else has written to the secret meanwhile: once more");
        }
        Err(SessionError::Guard(format!(
            "somebody else keeps writing {name}; the URL is as it was. Run it again"
        ))
        .into())
    }

    /// Has a task give the user its password.
    async fn give(&self, turn: &Turn, hand: &mut Hand<'_>) -> Result<(), DeployError> {
        let request = self.wanted.request(self.aws)?;
        let sent = request.send().map_err(|e| aws_error(REGISTER, e));
        let answer = hand
            .calls
            .call(&hand.subject, REGISTER, sent, |_| None)
            .await?;
        let definition = answer.task_definition.ok_or_else(|| DeployError::Failed {
            what: "AWS answered without the task definition that it registered".into(),
            hints: vec!["run it again".into()],
        })?;
        let revision = Revision {
            definition,
            tags: self.wanted.tags(),
            text: serde_json::Value::Null,
        };
        self.say(format!(
            "{} gets a new password: a task of {} runs `{}`",
            turn.user,
            revision.name(),
            self.target.info.rotate_login.join(" ")
        ));
        let task = OneOff {
            aws: self.aws,
            target: self.target,
            revision: &revision,
            pace: self.pace,
            stop: self.stop,
            tell: self.tell,
            what: "rotation",
            left: "nothing has changed for the tasks that run: the URL is as it was",
        };
        let done = task.run(hand.calls, &hand.subject, None).await;
        if let Err(error) = self.tidy(hand).await {
            (self.tell)(Said::Warning(format!(
                "{} is still in use: {error}",
                self.wanted.family()
            )));
        }
        done
    }

    /// Puts the definitions of rotations out of use, also those that one which was cut off has left.
    async fn tidy(&self, hand: &mut Hand<'_>) -> Result<(), CloudError> {
        for arn in revisions(self.aws, &self.wanted.family()).await? {
            let found = revision::read(self.aws, &arn).await?;
            if !self.wanted.is_ours(&found) {
                continue;
            }
            let request = self
                .aws
                .ecs
                .deregister_task_definition()
                .task_definition(&arn);
            let sent = request.send().map_err(|e| aws_error(DEREGISTER, e));
            hand.calls
                .call(&hand.subject, DEREGISTER, sent, |_| None)
                .await?;
        }
        Ok(())
    }

    /// Waits for tasks of a rotation that was cut off: they would give the user another password behind our back.
    async fn earlier_ones(&self) -> Result<(), DeployError> {
        let (since, family) = (Instant::now(), self.wanted.family());
        let mut told = false;
        loop {
            let request = self
                .aws
                .ecs
                .list_tasks()
                .cluster(&self.target.cluster)
                .family(&family);
            let answer = self
                .aws
                .read(LIST, || {
                    request.clone().send().map_err(|e| aws_error(LIST, e))
                })
                .await?;
            if answer.task_arns().is_empty() {
                return Ok(());
            }
            if !told {
                self.say("a task of a rotation that was cut off still runs: waiting for its end");
                told = true;
            }
            if self.stop.level() > 0 || since.elapsed() > self.pace.patience {
                return Err(DeployError::Interrupted {
                    what: format!("a task of {family} still runs"),
                    hints: vec!["nothing was changed; run it again when it has ended".into()],
                });
            }
            sleep(self.pace.gap).await;
        }
    }
}

/// The family of a rotation's task definitions, beside the service's own.
fn family(of_service: &Revision) -> String {
    format!("{}-login", family_in(of_service.arn()))
}
