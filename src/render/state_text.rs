//! What the state holds.

use serde::Serialize;

use super::leaves::given;
use super::palette::{Palette, Tone};
use super::shown::{Shown, clean};
use crate::model::{Address, Attributes, KindName, PhysicalId};

/// One resource of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateRow {
    pub address: Address,
    pub kind: KindName,
    pub id: PhysicalId,
    pub generation: u32,
}

/// One resource of the state with all that is known of it. Secrets are references.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateEntry {
    pub row: StateRow,
    pub attributes: Attributes,
    pub depends_on: Vec<Address>,
    pub protect: bool,
    pub retain: bool,
}

/// What `state rebuild` found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// In AWS with our tags, and not in the state before.
    pub adopted: Vec<StateRow>,
    /// In the state, and not in AWS.
    pub forgotten: Vec<StateRow>,
    pub unchanged: usize,
}

/// Address, kind and id in columns.
pub fn list(rows: &[StateRow]) -> String {
    let widest = |width: fn(&StateRow) -> usize| rows.iter().map(width).max().unwrap_or(0);
    let address = widest(|row| row.address.as_str().len());
    let kind = widest(|row| row.kind.as_str().len());
    rows.iter()
        .map(|row| {
            format!(
                "{:address$}  {:kind$}  {}\n",
                row.address.as_str(),
                row.kind.as_str(),
                clean(row.id.as_str())
            )
        })
        .collect()
}

/// Everything known of one resource.
pub fn entry(entry: &StateEntry, palette: Palette) -> String {
    let row = &entry.row;
    let title = format!("{}  {}  {}", row.address, row.kind, clean(row.id.as_str()));
    let mut out = format!("{}\n", palette.paint(Tone::Strong, &title));
    let rows: Vec<(String, String)> = entry
        .attributes
        .0
        .iter()
        .filter(|(_, value)| !value.is_null())
        .flat_map(|(field, value)| given(field, &Shown::of(value)))
        .collect();
    let width = rows
        .iter()
        .map(|(path, _)| path.chars().count())
        .max()
        .unwrap_or(0);
    for (path, value) in rows {
        out.push_str(&format!("  {path:width$}  {value}\n"));
    }
    let mut said = Vec::new();
    if row.generation > 1 {
        said.push(format!("generation {}", row.generation));
    }
    if entry.protect {
        said.push("protected".into());
    }
    if entry.retain {
        said.push("retained when it leaves the stack".into());
    }
    if !entry.depends_on.is_empty() {
        let all: Vec<_> = entry.depends_on.iter().map(Address::as_str).collect();
        said.push(format!("waits for {}", all.join(", ")));
    }
    for line in said {
        out.push_str(&format!("  {}\n", palette.paint(Tone::Faint, &line)));
    }
    out
}

/// What a rebuild changed in the state, and that it changed nothing in AWS.
pub fn rebuilt(rebuilt: &Rebuilt) -> String {
    let mut out = String::new();
    for (rows, mark) in [(&rebuilt.adopted, '+'), (&rebuilt.forgotten, '-')] {
        for row in rows {
            out.push_str(&format!(
                "{mark} {}  {}  {}\n",
                row.address,
                row.kind,
                clean(row.id.as_str())
            ));
        }
    }
    out.push_str(&format!(
        "State rebuilt: {} adopted, {} forgotten, {} as before. Nothing was changed in AWS.\n",
        rebuilt.adopted.len(),
        rebuilt.forgotten.len(),
        rebuilt.unchanged
    ));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Expr, Part, SecretRef, Value};

    fn row(address: &str, kind: &'static str, id: &str) -> StateRow {
        StateRow {
            address: address.into(),
            kind: KindName::new(kind),
            id: PhysicalId::new(id),
            generation: 2,
        }
    }

    #[test]
    fn a_list_in_columns() {
        insta::assert_snapshot!(list(&[row("db", "rds.instance", "circles-db"), row("network/vpc", "ec2.vpc", "vpc-1")]), @r"
        db           rds.instance  circles-db
        network/vpc  ec2.vpc       vpc-1
        ");
    }

    #[test]
    fn an_entry_shows_no_secret() {
        let secret = Value::Expr(Expr(vec![Part::Secret(SecretRef {
            address: "db-master".into(),
            key: "password".into(),
        })]));
        let shown = entry(
            &StateEntry {
                row: row("db", "rds.instance", "circles-db"),
                attributes: Attributes::new([
                    ("name", Value::text("circles-db")),
                    ("password", secret),
                    ("final_snapshot", Value::Null),
                ]),
                depends_on: vec!["network/subnets".into()],
                protect: true,
                retain: false,
            },
            Palette::PLAIN,
        );
        insta::assert_snapshot!(shown, @r#"
        db  rds.instance  circles-db
          name      "circles-db"
          password  (secret)
          generation 2
          protected
          waits for network/subnets
        "#);
    }

    #[test]
    fn a_rebuild_says_what_it_did() {
        let done = Rebuilt {
            adopted: vec![row("network/vpc", "ec2.vpc", "vpc-1")],
            forgotten: vec![row("logs", "logs.group", "/ecs/x")],
            unchanged: 3,
        };
        insta::assert_snapshot!(rebuilt(&done), @r"
        + network/vpc  ec2.vpc  vpc-1
        - logs  logs.group  /ecs/x
        State rebuilt: 1 adopted, 1 forgotten, 3 as before. Nothing was changed in AWS.
        ");
    }
}
