//! Migrations only expand: the version before must go on serving while and after they run.

use std::path::Path;

/// What takes something away from the version before, or refuses what it writes.
fn shrinking(sql: &str) -> Vec<String> {
    let plain: String = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    let made_here = |table: &str| {
        plain.contains(&format!("create table {table} ("))
            || plain.contains(&format!("create unlogged table {table} ("))
    };
    let mut found = Vec::new();
    for statement in plain.split(';') {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let text = words.join(" ");
        let table = words
            .iter()
            .position(|w| *w == "table")
            .and_then(|at| {
                words[at + 1..]
                    .iter()
                    .find(|w| !["if", "exists", "only"].contains(w))
            })
            .copied()
            .unwrap_or_default();
        let alters = text.contains("alter table") && !made_here(table);
        let adds_needed = text.split("add column").skip(1).any(|column| {
            column.contains("not null")
                && !column.contains("default")
                && !column.contains("generated")
        });
        let unique = words.windows(2).any(|w| w == ["unique", "index"])
            && words
                .iter()
                .position(|w| *w == "on")
                .is_some_and(|at| !made_here(words[at + 1]));
        let rules = [
            (words.contains(&"drop"), "drops something"),
            (words.contains(&"truncate"), "empties a table"),
            (alters && words.contains(&"rename"), "renames something"),
            (alters && words.contains(&"type"), "changes a column's type"),
            (
                alters && text.contains("set not null"),
                "makes a column required",
            ),
            (
                alters && adds_needed,
                "adds a required column without a default",
            ),
            (
                alters && text.contains("add constraint"),
                "adds a constraint to a table that has rows",
            ),
            (
                alters && text.contains("add check"),
                "adds a constraint to a table that has rows",
            ),
            (unique, "adds a unique index to a table that has rows"),
            (words.contains(&"revoke"), "takes rights away"),
        ];
        found.extend(
            rules
                .iter()
                .filter(|(broken, _)| *broken)
                .map(|(_, what)| format!("{what}: {text}")),
        );
    }
    found
}

#[test]
fn every_migration_only_expands() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("migrations")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    assert!(files.len() >= 5);
    for file in files {
        let sql = std::fs::read_to_string(&file).expect("text");
        assert_eq!(shrinking(&sql), Vec::<String>::new(), "{}", file.display());
    }
}

#[test]
fn what_shrinks_is_noticed() {
    for sql in [
        "drop table users;",
        "alter table users drop column bio;",
        "alter table users rename column bio to about;",
        "alter table users rename to people",
        "alter table users alter column bio type varchar(10);",
        "alter table users alter column bio set not null;",
        "ALTER TABLE users ADD COLUMN shoe integer NOT NULL;",
        "alter table users add constraint short check (length(bio) < 9)",
        "create unique index on_bio on users (bio);",
        "do $$ begin execute 'alter table users drop column bio'; end $$;",
        "truncate follows",
        "revoke select on users from app",
    ] {
        assert_eq!(shrinking(sql).len(), 1, "{sql}: {:?}", shrinking(sql));
    }
    for sql in [
        "alter table users add column shoe integer;",
        "alter table users add column shoe integer not null default 0;",
        "create table shoes (id bigint not null); create unique index on shoes (id); alter table shoes add constraint one check (id > 0);",
        "create index on users (bio); -- never drop it",
    ] {
        assert_eq!(shrinking(sql), Vec::<String>::new(), "{sql}");
    }
}
