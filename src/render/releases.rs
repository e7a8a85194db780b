//! Releases as a table.

use super::shown::clean;
use crate::deploy::release::{Ran, Release};
use crate::deploy::short;

/// One table a service, the newest release first.
pub fn text(all: &[Ran]) -> String {
    let mut out = String::new();
    for ran in all {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&format!("{}\n", ran.service));
        let rows: Vec<[String; 5]> = ran.releases.iter().map(row).collect();
        let mut widths = [0; 5];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(&format!("  {cell:width$}"));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        if ran.releases.is_empty() {
            out.push_str("  nothing was released yet\n");
        }
    }
    out
}

/// One release on one line: its name, image and revision, when it was made and from which commit.
pub fn line(release: &Release) -> String {
    let mut all = vec![
        name(release).to_owned(),
        image(release),
        release.revision.clone(),
        release.at.clone(),
    ];
    all.extend(commit(release));
    all.retain(|part| !part.is_empty());
    clean(&all.join("  ")).into_owned()
}

fn name(release: &Release) -> &str {
    release
        .name
        .as_deref()
        .unwrap_or("(the stack file's image)")
}

fn image(release: &Release) -> String {
    let named = match release.image.split_once('@') {
        Some((_, digest)) => short(digest),
        None => release.image.rsplit('/').next().unwrap_or_default(),
    };
    named.to_owned()
}

fn commit(release: &Release) -> Option<String> {
    let commit = release.commit.as_ref()?;
    let short: String = commit.chars().take(12).collect();
    Some(format!("commit {short}"))
}

fn row(release: &Release) -> [String; 5] {
    let mark = if release.running { "▶" } else { " " };
    let (name, image) = (name(release), image(release));
    let mut said = Vec::new();
    said.extend(commit(release));
    if let Some(source) = &release.source {
        said.push(format!("from {source}"));
    }
    if let Some(by) = &release.by {
        said.push(format!("by {by}"));
    }
    if let Some(why) = &release.rejected {
        said.push(format!("given up: {why}"));
    }
    [
        format!("{mark} {}", clean(name)),
        release.at.clone(),
        clean(&image).into_owned(),
        release.revision.clone(),
        clean(&said.join("; ")).into_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_each_service() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let one = Release {
            name: Some("release-20260131T120000Z-1a2b3c4".into()),
            revision: "app:3".into(),
            image: format!("1.dkr.ecr.r.amazonaws.com/app@{digest}"),
            source: Some("v3".into()),
            at: "2026-01-31T12:00:00Z".into(),
            by: Some("me@host arn:aws:iam::1:user/me".into()),
            commit: Some("1a2b3c4d5e6f708090".into()),
            rejected: None,
            ran: None,
            running: true,
        };
        let given_up = Release {
            name: Some("release-20260130T120000Z-0000000".into()),
            revision: "app:2".into(),
            rejected: Some("exit code 1".into()),
            running: false,
            ..one.clone()
        };
        let first = Release {
            revision: "app:1".into(),
            image: "1.dkr.ecr.r.amazonaws.com/app:latest".into(),
            at: "2026-01-01T00:00:00Z".into(),
            ..Release::default()
        };
        let all = [
            Ran {
                service: "app".into(),
                releases: vec![one, given_up, first],
            },
            Ran {
                service: "worker".into(),
                releases: Vec::new(),
            },
        ];
        insta::assert_snapshot!(text(&all), @r"
        app
          ▶ release-20260131T120000Z-1a2b3c4  2026-01-31T12:00:00Z  abababababab  app:3  commit 1a2b3c4d5e6f; from v3; by me@host arn:aws:iam::1:user/me
            release-20260130T120000Z-0000000  2026-01-31T12:00:00Z  abababababab  app:2  commit 1a2b3c4d5e6f; from v3; by me@host arn:aws:iam::1:user/me; given up: exit code 1
            (the stack file's image)          2026-01-01T00:00:00Z  app:latest    app:1

        worker
          nothing was released yet
        ");
    }
}
