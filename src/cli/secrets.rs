//! `secrets …`.

mod given;
mod login;

use std::ffi::OsString;
use std::io::IsTerminal;

use clap::{Args, Subcommand};

use super::failure::{Exit, Failure, FailureKind};
use super::global::Global;
use super::session::Session;
use super::suggest::nearest;
use super::ui::Ui;
use crate::model::Address;
use crate::render::{json, secrets as render};
use crate::secrets::{Change, Declared, Source, Standing};
use crate::session::Changed;
use given::Given;

/// List, set and rotate the values in the stack's secrets
///
/// Values come from standard input, a prompt or an environment variable, never from the command line, and go to Secrets Manager and
/// nowhere else. A change keeps every other key, also one that somebody else sets at the same time.
#[derive(Args, Clone, Debug)]
pub struct SecretsArgs {
    #[command(subcommand)]
    pub verb: SecretsVerb,
}

#[derive(Subcommand, Clone, Debug)]
pub enum SecretsVerb {
    /// List every secret with its keys, its version and how old that is; never a value
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Set a key: asks without echo, or reads standard input; one newline at the end is not part of it
    ///
    /// Without input, or with an empty one, the live value stays: only `unset` removes.
    Set {
        /// As the stack file declares it
        key: String,
        /// Never here: it would stand in the process list and the shell's history
        #[arg(hide = true, num_args = 0..)]
        value: Vec<OsString>,
        /// Take the value of this environment variable; unset or empty, the live value stays
        #[arg(long, value_name = "NAME")]
        from_env: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Remove a key that an operator had set
    Unset {
        key: String,
        #[command(flatten)]
        place: Place,
    },
    /// Make generated values anew; the old one of KEY is kept as KEY_PREVIOUS where the stack declares that
    ///
    /// A database's URL gets the other one of two users of the database, with a new password: running tasks go on as they are, and
    /// `redeploy` has new ones take their place.
    Rotate {
        #[arg(required = true)]
        keys: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Show one value, on a terminal only
    Get {
        key: String,
        /// Yes, show it
        #[arg(long)]
        reveal: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Which secret, where several have the key.
#[derive(Args, Clone, Debug, Default)]
pub struct Place {
    /// The secret's address, where the key alone does not say it
    #[arg(long, value_name = "ADDRESS")]
    pub secret: Option<Address>,
}

pub async fn run(args: &SecretsArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    if let SecretsVerb::Set { key, value, .. } = &args.verb {
        given::never_an_argument(key, value)?;
    }
    let mut session = super::open(global, ui).await?;
    match &args.verb {
        SecretsVerb::List { json } => list(&session, *json, ui).await?,
        SecretsVerb::Set {
            key,
            from_env,
            place,
            ..
        } => set(&mut session, key, from_env.as_deref(), place, global, ui).await?,
        SecretsVerb::Unset { key, place } => {
            let secret = choose(&session, key, place)?;
            let change = Change::Unset { key: key.clone() };
            let doing = format!("secrets unset {key}");
            match changed(&mut session, &secret, &change, &doing, global, ui).await? {
                Some(changed) => {
                    ui.screen(&format!("{key} is unset ({})\n", render::place(&changed)))?;
                    follow(&secret, &changed, ui);
                }
                None => ui.result(&format!("{key} of {} is not set\n", secret.address))?,
            }
        }
        SecretsVerb::Rotate { keys, place } => {
            rotate(&mut session, keys, place, global, ui).await?;
        }
        SecretsVerb::Get { key, reveal, place } => {
            let secret = choose(&session, key, place)?;
            get(&session, &secret, key, *reveal, ui).await?;
        }
    }
    Ok(Exit::FINE)
}

async fn list(session: &Session, as_json: bool, ui: &mut Ui) -> Result<(), Failure> {
    let rows = session.secrets().await?;
    if rows.iter().any(|row| row.standing == Standing::Absent) {
        ui.say("What is not made yet, circles-infra apply makes.");
    }
    let text = if as_json {
        json::pretty(&rows)
    } else {
        render::list(&rows, now(), ui.out_palette)
    };
    ui.result(&text)
}

async fn set(
    session: &mut Session,
    key: &str,
    from_env: Option<&str>,
    place: &Place,
    global: &Global,
    ui: &mut Ui,
) -> Result<(), Failure> {
    let secret = choose(session, key, place)?;
    let value = match given::given(key, from_env, ui)? {
        Given::Value(value) => value,
        Given::Absent(why) => return kept(session, &secret, key, &why, ui).await,
    };
    let change = Change::Set {
        key: key.to_owned(),
        value,
    };
    let doing = format!("secrets set {key}");
    match changed(session, &secret, &change, &doing, global, ui).await? {
        Some(changed) => {
            ui.screen(&format!("{key} is set ({})\n", render::place(&changed)))?;
            follow(&secret, &changed, ui);
            Ok(())
        }
        None => ui.result(&format!("{key} has that value already\n")),
    }
}

/// Nothing was given: the live value stays. Where there has to be one and is none, that is an error.
async fn kept(
    session: &Session,
    secret: &Declared,
    key: &str,
    why: &str,
    ui: &mut Ui,
) -> Result<(), Failure> {
    let is_set = session
        .secrets()
        .await?
        .iter()
        .find(|row| row.address == secret.address)
        .is_some_and(|row| row.keys.iter().any(|row| row.key == key && row.set));
    if is_set {
        return ui.screen(&format!("{key} keeps its live value: {why}\n"));
    }
    if secret.keys.get(key) == Some(&Source::Operator { required: true }) {
        return Err(Failure::new(
            FailureKind::Refused,
            format!("{key} has to be set, is not, and {why}"),
        ));
    }
    ui.screen(&format!("{key} stays unset: {why}\n"))
}

async fn rotate(
    session: &mut Session,
    keys: &[String],
    place: &Place,
    global: &Global,
    ui: &mut Ui,
) -> Result<(), Failure> {
    let secret = choose(session, &keys[0], place)?;
    for key in &keys[1..] {
        if choose(session, key, place)?.address != secret.address {
            return Err(Failure::new(
                FailureKind::Usage,
                format!("{} and {key} are keys of two secrets", keys[0]),
            )
            .hint("rotate them one after the other: a change is whole within one secret"));
        }
    }
    let mut urls = keys.iter().filter(|key| secret.logins.contains_key(*key));
    match (urls.next(), keys.len()) {
        (None, _) => {}
        (Some(key), 1) => return login::rotate(session, &secret, key, global, ui).await,
        (Some(key), _) => {
            return Err(Failure::new(
                FailureKind::Usage,
                format!("{key} is a database's URL, and rotated by itself"),
            )
            .hint(format!("circles-infra secrets rotate {key}")));
        }
    }
    let change = Change::Rotate {
        keys: keys.to_vec(),
    };
    let doing = format!("secrets rotate {}", keys.join(" "));
    if let Some(changed) = changed(session, &secret, &change, &doing, global, ui).await? {
        ui.result(&format!(
            "written: {} ({})\n",
            changed.written.join(", "),
            render::place(&changed)
        ))?;
        follow(&secret, &changed, ui);
    }
    Ok(())
}

async fn get(
    session: &Session,
    secret: &Declared,
    key: &str,
    reveal: bool,
    ui: &mut Ui,
) -> Result<(), Failure> {
    let refuse = |what: String| Failure::new(FailureKind::Refused, what);
    if !reveal {
        return Err(refuse(format!("{key} is secret"))
            .hint("--reveal shows it, on a terminal")
            .hint("circles-infra secrets list shows whether it is set"));
    }
    if !std::io::stdout().is_terminal() {
        return Err(refuse(
            "a value is shown on a terminal only: here it would end in a file or a log".into(),
        )
        .hint("what needs it reads it from Secrets Manager itself, as a task does"));
    }
    match session.secret_value(secret, key).await? {
        Some(value) => {
            let text = crate::render::shown::clean(value.expose());
            ui.result(&format!("{text}\n"))?;
            if text != value.expose() {
                ui.tell("Its control characters are not shown as they are: they could drive the terminal.");
            }
            Ok(())
        }
        None => Err(refuse(format!("{key} of {} is not set", secret.address))),
    }
}

async fn changed(
    session: &mut Session,
    secret: &Declared,
    change: &Change,
    doing: &str,
    global: &Global,
    ui: &mut Ui,
) -> Result<Option<Changed>, Failure> {
    super::lock(session, doing, global, ui).await?;
    session.change_secret(secret, change, doing).await
}

/// What it takes until tasks have it.
fn follow(secret: &Declared, changed: &Changed, ui: &mut Ui) {
    if secret.readers.is_empty() {
        return;
    }
    ui.say(if changed.other_keys {
        "The tasks' set of variables changes with it: circles-infra apply registers the new task definition and rolls it out."
    } else {
        "Running tasks keep what they started with: circles-infra redeploy replaces them."
    });
}

/// The secret that has the key.
fn choose(session: &Session, key: &str, place: &Place) -> Result<Declared, Failure> {
    let all = session.declared_secrets();
    if let Some(address) = &place.secret {
        let found = all.iter().find(|secret| secret.address == *address);
        return found.cloned().ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|secret| secret.address.as_str()).collect();
            Failure::new(
                FailureKind::Usage,
                format!("the stack has no secret {address}"),
            )
            .hint(format!("it has {}", known.join(", ")))
        });
    }
    let mut having = all.iter().filter(|secret| secret.keys.contains_key(key));
    match (having.next(), having.next()) {
        (Some(secret), None) => Ok(secret.clone()),
        (Some(one), Some(other)) => Err(Failure::new(
            FailureKind::Usage,
            format!("{key} is a key of {} and of {}", one.address, other.address),
        )
        .hint(format!("say which: --secret {}", one.address))),
        (None, _) => Err(unknown(key, &all)),
    }
}

fn unknown(key: &str, all: &[Declared]) -> Failure {
    let failure = Failure::new(
        FailureKind::Usage,
        format!("no secret of the stack has a key {}", given::named(key)),
    );
    let keys: Vec<&str> = all
        .iter()
        .flat_map(|secret| secret.keys.keys().map(String::as_str))
        .collect();
    if let Some(near) = nearest(key, keys.iter().copied()) {
        return failure.hint(format!("is {near} meant?"));
    }
    failure
        .hint(format!("they have {}", keys.join(", ")))
        .hint("a new one is declared first, in the stack file: `KEY: { operator: optional }`; one that only the live secret has needs --secret")
}

/// Seconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// What to say in the place of clap's own words, which would repeat what was typed behind `secrets set`.
pub fn instead_of_echo(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    use clap::error::ErrorKind;
    let verbs = arguments.windows(2).any(|pair| pair == ["secrets", "set"]);
    let echoes = matches!(
        error.kind(),
        ErrorKind::UnknownArgument | ErrorKind::InvalidValue | ErrorKind::ValueValidation
    );
    (verbs && echoes).then(given::refusal_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_does_not_repeat_what_was_typed() {
        use clap::Parser;
        let arguments = ["circles-infra", "secrets", "set", "KEY", "--hunter2"].map(OsString::from);
        let error = crate::cli::Cli::try_parse_from(&arguments).unwrap_err();
        let text = instead_of_echo(&error, &arguments).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        let arguments = ["circles-infra", "plan", "--hunter2"].map(OsString::from);
        let error = crate::cli::Cli::try_parse_from(&arguments).unwrap_err();
        assert!(instead_of_echo(&error, &arguments).is_none());
    }
}
