//! `state …`.

use clap::{Args, Subcommand};

use super::failure::{Exit, Failure, FailureKind};
use super::global::Global;
use super::session::Session;
use super::suggest::nearest;
use super::ui::Ui;
use crate::model::{Address, PhysicalId};
use crate::render::json;
use crate::render::state_text::{self, StateRow};
use crate::session::{Bootstrapped, Migrated, Place};

/// Look at what is remembered of AWS, and correct it
///
/// The state is a memory, not a treasure: without it every command finds this stack's resources by their tags.
#[derive(Args, Clone, Debug)]
pub struct StateArgs {
    #[command(subcommand)]
    pub verb: StateVerb,
}

#[derive(Subcommand, Clone, Debug)]
pub enum StateVerb {
    /// List every resource: address, kind, id
    List {
        /// Only at or below this address
        address: Option<Address>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of one resource; secrets are shown as `(secret)`
    Show {
        address: Address,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop managing resources: takes our tags off and forgets them; they stay in AWS
    Rm {
        /// What stands below an address goes with it
        #[arg(required = true)]
        addresses: Vec<Address>,
    },
    /// Give a resource another address, and its tags with it; nothing is replaced
    Mv { from: Address, to: Address },
    /// Take over a resource that exists: gives it this stack's tags and remembers it under an address of the stack file
    ///
    /// The same again changes nothing, and finishes one that was cut short.
    Import {
        address: Address,
        /// What AWS calls it: its id, ARN or name, whichever its kind goes by
        id: String,
    },
    /// Make the state anew from what in AWS carries this stack's tags; changes nothing in AWS
    ///
    /// A state that is damaged, or another stack's, is kept beside under a name of its own. One of a newer circles-infra is refused.
    Rebuild,
    /// Make the bucket that the stack file names for its state: versioned, encrypted, private, by TLS alone; and the table for its lease
    ///
    /// Run again, it sets right what is not so, and nothing else.
    Bootstrap,
    /// Move this environment's state, with its history, to another place; the old copy is put aside once the new one was read back
    Migrate {
        /// local, local:FOLDER, s3 (the stack file's bucket) or s3://BUCKET/KEY
        #[arg(long, value_name = "PLACE")]
        to: Place,
        /// Where it is now [default: where the stack file says; when that is the new place already, local]
        #[arg(long, value_name = "PLACE")]
        from: Option<Place>,
    },
}

pub async fn run(args: &StateArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let mut session = super::open(global, ui).await?;
    if let Some(doing) = args.verb.changes() {
        super::lock(&mut session, doing, global, ui).await?;
    }
    match &args.verb {
        StateVerb::List { address, json } => {
            let rows = listed(session.state_list().await?, address.as_ref());
            let text = if *json {
                json::pretty(&rows)
            } else {
                state_text::list(&rows)
            };
            ui.result(&text)?;
        }
        StateVerb::Show { address, json } => show(&mut session, address, *json, ui).await?,
        StateVerb::Rm { addresses } => {
            for row in session.state_rm(addresses).await? {
                ui.result(&format!(
                    "{} ({}) stays in AWS, and is no longer managed\n",
                    row.address, row.id
                ))?;
            }
        }
        StateVerb::Mv { from, to } => {
            for row in session.state_mv(from, to).await? {
                ui.result(&format!("{} is now at {}\n", row.id, row.address))?;
            }
            if !session.wishes_for(to) {
                ui.say(&format!(
                    "The stack file has nothing at {to} yet: rename it there too, or the next apply deletes it."
                ));
            }
        }
        StateVerb::Import { address, id } => {
            let (row, news) = session.state_import(address, &PhysicalId::new(id)).await?;
            ui.result(&format!(
                "{} ({}) is managed at {}{}\n",
                row.id,
                row.kind,
                row.address,
                if news { "" } else { " already" }
            ))?;
            ui.say("circles-infra plan shows where it is not as the stack file says.");
        }
        StateVerb::Rebuild => {
            let patience = global.lock_timeout;
            let told = &mut |text: &str| ui.tell(text);
            if let Some(salvaged) = session.lock_to_rebuild(patience, told).await? {
                ui.tell(&format!(
                    "{}. It is kept as {}.",
                    salvaged.damage, salvaged.kept
                ));
            }
            let rebuilt = session.state_rebuild().await?;
            ui.result(&state_text::rebuilt(&rebuilt))?;
        }
        StateVerb::Bootstrap => ui.result(&bootstrapped(&session.state_bootstrap().await?))?,
        StateVerb::Migrate { to, from } => {
            let moved = session
                .state_migrate(from.as_ref(), to, global.lock_timeout, &mut |text| {
                    ui.tell(text);
                })
                .await?;
            ui.result(&migrated(&moved))?;
            ui.say(&format!(
                "From now on the stack file has to say `{}`: every other run would begin a new state at {}.",
                setting(to),
                moved.from
            ));
        }
    }
    Ok(Exit::FINE)
}

impl StateVerb {
    /// What those that change the state say they do, to others that find it locked. `migrate` locks both places by itself, and `rebuild`
    /// looks at what is damaged before it reads.
    fn changes(&self) -> Option<&'static str> {
        match self {
            Self::Rm { .. } => Some("state rm"),
            Self::Mv { .. } => Some("state mv"),
            Self::Import { .. } => Some("state import"),
            Self::List { .. }
            | Self::Show { .. }
            | Self::Rebuild
            | Self::Bootstrap
            | Self::Migrate { .. } => None,
        }
    }
}

/// A place as the stack file says it.
fn setting(place: &Place) -> String {
    match place {
        Place::Local(None) => "state: { backend: local }".into(),
        Place::Local(Some(path)) => {
            format!("state: {{ backend: local, path: {} }}", path.display())
        }
        // It says so already.
        Place::StackS3 => "state: { backend: s3, … }".into(),
        Place::S3 { bucket, key } if key.is_empty() => {
            format!("state: {{ backend: s3, bucket: {bucket}, key: \"\" }}")
        }
        Place::S3 { bucket, key } => {
            format!("state: {{ backend: s3, bucket: {bucket}, key: {key} }}")
        }
    }
}

fn bootstrapped(report: &Bootstrapped) -> String {
    let mut out = String::new();
    for done in &report.done {
        out.push_str(&format!("+ {done}\n"));
    }
    for left in &report.left {
        out.push_str(&format!("  left as somebody set it: {left}\n"));
    }
    let lease = match &report.table {
        Some(table) => format!("its lease in the table {table}"),
        None => "its lease beside it".into(),
    };
    out.push_str(&format!(
        "The bucket {} in {} can keep the state, {lease}.\n",
        report.bucket, report.region
    ));
    out
}

fn migrated(moved: &Migrated) -> String {
    let mut out = format!(
        "Moved the state of {} resources and {} runs from {} to {}, and read it back.\n",
        moved.resources, moved.runs, moved.from, moved.to
    );
    if let Some(aside) = &moved.aside {
        out.push_str(&format!("The old copy is kept at {aside}.\n"));
    }
    out
}

fn listed(rows: Vec<StateRow>, below: Option<&Address>) -> Vec<StateRow> {
    rows.into_iter()
        .filter(|row| below.is_none_or(|address| row.address.within(address)))
        .collect()
}

async fn show(
    session: &mut Session,
    address: &Address,
    json: bool,
    ui: &mut Ui,
) -> Result<(), Failure> {
    match session.state_show(address).await? {
        Some(entry) if json => ui.result(&json::pretty(&entry)),
        Some(entry) => {
            let text = state_text::entry(&entry, ui.out_palette);
            ui.result(&text)
        }
        None => Err(unknown(address, &session.state_list().await?)),
    }
}

fn unknown(address: &Address, rows: &[StateRow]) -> Failure {
    let failure = Failure::new(
        FailureKind::Usage,
        format!("nothing is remembered at {address}"),
    );
    let below: Vec<&str> = rows
        .iter()
        .filter(|row| row.address.within(address))
        .map(|row| row.address.as_str())
        .collect();
    if !below.is_empty() {
        return failure.hint(format!("below it there are {}", below.join(", ")));
    }
    match nearest(
        address.as_str(),
        rows.iter().map(|row| row.address.as_str()),
    ) {
        Some(near) => failure.hint(format!("is {near} meant?")),
        None => failure.hint("circles-infra state list shows every address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KindName;

    fn rows() -> Vec<StateRow> {
        ["network/vpc", "network/igw", "network-2/vpc", "db"]
            .into_iter()
            .map(|address| StateRow {
                address: address.into(),
                kind: KindName::new("k"),
                id: PhysicalId::new("i"),
                generation: 1,
            })
            .collect()
    }

    #[test]
    fn a_list_can_be_of_what_stands_below_an_address() {
        assert_eq!(listed(rows(), None).len(), 4);
        let below = listed(rows(), Some(&"network".into()));
        assert_eq!(below.len(), 2);
    }

    #[test]
    fn an_unknown_address_gets_the_nearest_one() {
        assert_eq!(
            unknown(&"network".into(), &rows()).hints,
            ["below it there are network/vpc, network/igw"]
        );
        assert_eq!(
            unknown(&"network/vcp".into(), &rows()).hints,
            ["is network/vpc meant?"]
        );
    }
}
