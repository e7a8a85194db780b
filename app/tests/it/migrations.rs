//! Migrations only expand: the version before must go on serving while and after they run.
//!
//! Looked at twice: the text, for what it does to rows and rights, and (below) what each one does to a database's catalog.

use std::path::Path;

mod catalog;

/// The text without the bodies of functions: they are made, not run, and nothing of the version before calls what is new.
fn without_bodies(sql: &str) -> String {
    let mut parts = sql.split("$$");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    while let (Some(body), after) = (parts.next(), parts.next()) {
        let statement = kept.rsplit(';').next().unwrap_or_default();
        if !statement.to_lowercase().contains("create function") {
            kept.push_str(body);
        }
        kept.push_str(after.unwrap_or_default());
    }
    kept
}

/// Statements as lower-case words. Comments fall away, and so do quotes, so that what a `do` block executes is read as well.
fn statements(sql: &str) -> Vec<Vec<String>> {
    let quoted = |before: &str| before.matches('\'').count() % 2 == 1;
    let code = |line: &str| {
        let mut dashes = line.match_indices("--");
        let comment = dashes.find(|(at, _)| !quoted(&line[..*at]));
        comment.map_or(line, |(at, _)| &line[..at]).to_lowercase()
    };
    let all: Vec<String> = sql.lines().map(code).collect();
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let words = |statement: &str| {
        let parts = statement.split(|c| !word(c)).filter(|w| !w.is_empty());
        parts.map(str::to_owned).collect()
    };
    all.join("\n").split(';').map(words).collect()
}

/// The word after `lead`, small words between them left out.
fn named<'a>(words: &'a [String], lead: &[&str]) -> Option<&'a str> {
    let at = words.windows(lead.len()).position(|w| w == lead)?;
    let rest = words[at + lead.len()..].iter().map(String::as_str);
    rest.into_iter()
        .find(|w| !["if", "not", "exists", "only"].contains(w))
}

/// The tables a file makes: they are empty, and the version before knows nothing of them.
fn made(all: &[Vec<String>]) -> Vec<&str> {
    let made_by = |words| {
        let plain = named(words, &["create", "table"]);
        plain.or_else(|| named(words, &["create", "unlogged", "table"]))
    };
    all.iter().filter_map(|words| made_by(words)).collect()
}

/// What a statement says about the rows and rights that are there, whatever table it names.
const NEVER: [(&str, &str); 9] = [
    (" drop ", "drops something"),
    (" truncate ", "empties a table"),
    (" delete from ", "deletes rows"),
    (" revoke ", "takes rights away"),
    (" lock table ", "makes others wait"),
    (" or replace ", "replaces what the version before calls"),
    (" alter type ", "changes a type"),
    (" alter domain ", "changes a type"),
    (" alter function ", "changes what the version before calls"),
];

/// What must not be said of a table that has rows.
const NOT_OF_OLD_TABLES: [(&str, &str); 11] = [
    (" rename ", "renames something"),
    (" type ", "changes a column's type"),
    (" set not null ", "makes a column required"),
    (" set schema ", "moves a table"),
    (" row level security ", "hides rows"),
    (" add constraint ", "adds a constraint"),
    (" add check ", "adds a constraint"),
    (" add unique ", "adds a constraint"),
    (" add primary ", "adds a constraint"),
    (" add foreign ", "adds a constraint"),
    (" add exclude ", "adds a constraint"),
];

/// What takes something away from the version before, or refuses what it writes.
fn shrinking(sql: &str) -> Vec<String> {
    let all = statements(&without_bodies(sql));
    let made = made(&all);
    let old = |table: Option<&str>| table.is_some_and(|table| !made.contains(&table));
    let mut found = Vec::new();
    for words in &all {
        let text = format!(" {} ", words.join(" "));
        let mut rules: Vec<(bool, &str)> = NEVER
            .iter()
            .map(|(what, told)| (text.contains(what), *told))
            .collect();
        if old(named(words, &["alter", "table"])) {
            let broken = NOT_OF_OLD_TABLES.iter();
            rules.extend(broken.map(|(what, told)| (text.contains(what), *told)));
            let needed = text.split(" add column ").skip(1).any(|column| {
                let filled = column.contains(" default ") || column.contains(" generated ");
                column.contains(" not null ") && !filled
            });
            rules.push((needed, "adds a required column without a default"));
        }
        let on_old = old(named(words, &["on"]));
        let unique = text.contains(" unique index ");
        rules.push((unique && on_old, "adds a unique index"));
        for (what, told) in [
            (" create trigger ", "adds a trigger"),
            (" create rule ", "adds a rule"),
            (" create policy ", "hides rows"),
        ] {
            rules.push((text.contains(what), told));
        }
        let rewrites = words.windows(3).any(|w| w[0] == "update" && w[2] == "set");
        rules.push((rewrites, "rewrites rows"));
        let broken = rules.iter().filter(|(broken, _)| *broken);
        found.extend(broken.map(|(_, told)| format!("{told}:{text}")));
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
    // The files looked at are those the program runs.
    assert_eq!(files.len(), sqlx::migrate!("./migrations").iter().count());
    assert!(files.len() >= 6);
    for file in files {
        let sql = std::fs::read_to_string(&file).expect("text");
        assert!(statements(&sql).len() > 1, "{} is empty", file.display());
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
        "alter table if exists only users add column shoe integer not null",
        "alter table users add constraint short check (length(bio) < 9)",
        "alter table users add unique (bio)",
        "alter table users add foreign key (bio) references places (name)",
        "alter table users enable row level security",
        "create unique index on_bio on users (bio);",
        "create unique index concurrently if not exists on_bio on only users (bio);",
        "create trigger t before insert on users for each row execute function refuse()",
        "do $$ begin execute 'alter table users drop column bio'; end $$;",
        "do $$ begin execute 'drop table users'; end $$;",
        "do $$ begin execute 'comment -- ' || 'drop table users'; end $$;",
        "create function f() returns void language sql as $$ select 1 $$; do $$ begin execute 'drop table users'; end $$;",
        "truncate follows",
        "delete from follows where created_at < now()",
        "update users set bio = null",
        "revoke select on users from app",
        "create table shoes (id bigint); alter table users drop column bio",
    ] {
        assert_eq!(shrinking(sql).len(), 1, "{sql}: {:?}", shrinking(sql));
    }
    for sql in [
        "alter table users add column shoe integer;",
        "alter table users add column shoe integer not null default 0;",
        "create table shoes (id bigint not null); create unique index on shoes (id); alter table shoes add constraint one check (id > 0);",
        "create table if not exists shoes (id bigint); alter table shoes add unique (id)",
        "create function f() returns void language sql as $$ delete from follows; $$; create index on users (bio);",
        "create index on users (bio); -- never drop it",
        "create table shoes (worn_by bigint references users (id) on delete cascade on update cascade)",
    ] {
        assert_eq!(shrinking(sql), Vec::<String>::new(), "{sql}");
    }
}
