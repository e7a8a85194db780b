//! Secrets as a table: keys, versions, ages. Nothing here has ever seen a value.

use std::time::Duration;

use super::durations;
use super::palette::{Palette, Tone};
use super::shown::clean;
use crate::secrets::{SecretRow, Standing};
use crate::session::Changed;

/// Characters of a version's id that tell it from others.
const SHORT: usize = 8;

/// One block a secret, one line a key. `now`: seconds since 1970.
pub fn list(rows: &[SecretRow], now: i64, palette: Palette) -> String {
    if rows.is_empty() {
        return "the stack has no secrets\n".into();
    }
    let width = rows
        .iter()
        .flat_map(|row| &row.keys)
        .map(|key| key.key.len())
        .max()
        .unwrap_or(0);
    let blocks: Vec<String> = rows
        .iter()
        .map(|row| block(row, now, width, palette))
        .collect();
    blocks.join("\n")
}

fn block(row: &SecretRow, now: i64, width: usize, palette: Palette) -> String {
    let mut out = format!(
        "{}  {}  {}\n",
        palette.paint(Tone::Strong, row.address.as_str()),
        clean(&row.name),
        standing(&row.standing, now)
    );
    let live = matches!(row.standing, Standing::Live { .. });
    for key in &row.keys {
        let set = match (live, key.set) {
            (false, _) => "",
            (true, true) => "set",
            (true, false) => "not set",
        };
        let line = format!("  {:width$}  {:18}{set}", clean(&key.key), key.source);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn standing(standing: &Standing, now: i64) -> String {
    match standing {
        Standing::Absent => "not made yet".into(),
        Standing::InRecovery { until } => format!("deleted; can be restored until {until}"),
        Standing::Live { version: None, .. } => "has no value yet".into(),
        Standing::Live { foreign: true, .. } => "holds something that is no JSON object".into(),
        Standing::Live {
            version: Some(version),
            unreadable: true,
            ..
        } => format!(
            "version {}; values not readable with these rights",
            short(version)
        ),
        Standing::Live {
            version: Some(version),
            created,
            ..
        } => match created {
            Some(created) => format!("version {}, {}", short(version), age(now - created)),
            None => format!("version {}", short(version)),
        },
    }
}

/// `3 min 20 s ago`; clocks that disagree make it no future.
pub fn age(seconds: i64) -> String {
    match u64::try_from(seconds) {
        Ok(0) | Err(_) => "just now".into(),
        Ok(s @ 1..86_400) => format!("{} ago", durations::say(Duration::from_secs(s))),
        Ok(s) => format!("{} days ago", s / 86_400),
    }
}

/// The beginning of a version's id.
pub fn short(version: &str) -> String {
    clean(version).chars().take(SHORT).collect()
}

/// Where a change went: `config, version 1f3a2b4c`.
pub fn place(changed: &Changed) -> String {
    format!("{}, version {}", changed.secret, short(&changed.version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::KeyRow;

    fn key(key: &str, source: &str, set: bool) -> KeyRow {
        KeyRow {
            key: key.into(),
            source: source.into(),
            set,
        }
    }

    #[test]
    fn secrets_are_listed() {
        let row = |address: &str, standing| SecretRow {
            address: address.into(),
            name: format!("circles/{address}"),
            standing,
            keys: vec![
                key("APP_API_KEY", "operator", false),
                key("APP_JWT_SECRET_KEY", "generated", true),
            ],
        };
        let live = |version: Option<&str>| Standing::Live {
            version: version.map(str::to_owned),
            created: Some(1_000_000),
            foreign: false,
            unreadable: false,
        };
        let rows = [
            row("config", live(Some("0123456789abcdef0123456789abcdef"))),
            row("new", Standing::Absent),
            row("empty", live(None)),
            row(
                "old",
                Standing::InRecovery {
                    until: "2026-12-01T00:00:00Z".into(),
                },
            ),
        ];
        insta::assert_snapshot!(list(&rows, 1_000_200, Palette::PLAIN));
    }

    #[test]
    fn ages_are_said_as_people_say_them() {
        for (seconds, text) in [
            (-5, "just now"),
            (0, "just now"),
            (200, "3 min 20 s ago"),
            (3 * 86_400 + 5, "3 days ago"),
        ] {
            assert_eq!(age(seconds), text);
        }
    }
}
