//! One screen: what runs, since when, and what about it is not as it should be.

use super::palette::{Palette, Tone};
use super::releases;
use super::secrets::{age, short};
use super::shown::clean;
use crate::model::Address;
use crate::secrets::Standing;
use crate::status::{Database, Finding, Service, ServiceState, Severity, Status};

/// The whole screen.
pub fn screen(status: &Status, palette: Palette) -> String {
    let mut out = String::new();
    if let Some(run) = &status.unfinished {
        let text = format!("a run was cut short: {}", clean(run));
        line(&mut out, "unfinished", &palette.paint(Tone::Warning, &text));
        line(&mut out, "", goes_on(run));
    }
    if status.resources == 0 {
        line(
            &mut out,
            "stack",
            "nothing of it is there yet: circles-infra apply makes it",
        );
    }
    for service in &status.services {
        service_lines(&mut out, service, status, palette);
    }
    finding_lines(&mut out, status, palette);
    if let Some(url) = &status.url {
        line(&mut out, "url", &clean(url));
    }
    for database in &status.databases {
        line(&mut out, "database", &database_text(database, palette));
    }
    for secret in &status.secrets {
        let set = secret.keys.iter().filter(|key| key.set).count();
        let text = match &secret.standing {
            Standing::Live {
                version: Some(version),
                created,
                ..
            } => format!(
                "{}: version {}{}, {set} of {} keys set",
                secret.address,
                short(version),
                created.map_or_else(String::new, |at| format!(", {}", age(status.at - at))),
                secret.keys.len()
            ),
            Standing::Live { version: None, .. } => {
                palette.paint(Tone::Warning, &format!("{}: has no value", secret.address))
            }
            Standing::InRecovery { until } => palette.paint(
                Tone::Error,
                &format!("{}: deleted; can be restored until {until}", secret.address),
            ),
            Standing::Absent => format!("{}: not made yet", secret.address),
        };
        line(&mut out, "secret", &text);
    }
    drift_lines(&mut out, status, palette);
    out
}

/// What takes up a run that was cut short. An apply knows nothing of images to ship.
fn goes_on(run: &str) -> &'static str {
    if run.starts_with("deploy ") || run.starts_with("rollback ") {
        "circles-infra deploy goes on from there"
    } else {
        "the next circles-infra apply goes on from there"
    }
}

fn drift_lines(out: &mut String, status: &Status, palette: Palette) {
    for found in &status.drift.found {
        line(out, "drift", &palette.paint(Tone::Warning, &clean(found)));
    }
    if !status.drift.found.is_empty() || status.resources == 0 {
        return;
    }
    let text = if status.drift.whole {
        "none"
    } else {
        "none in what is shown here, which is not everything: circles-infra drift"
    };
    line(out, "drift", text);
}

/// A name in the margin, and the text; continued lines have no name.
fn line(out: &mut String, name: &str, text: &str) {
    out.push_str(format!("{name:10}  {text}").trim_end());
    out.push('\n');
}

/// What is wrong, and the next command for it.
fn finding_lines(out: &mut String, status: &Status, palette: Palette) {
    for finding in &status.findings {
        let (name, tone) = match finding.severity {
            Severity::Outage => ("outage", Tone::Error),
            Severity::Warning => ("warning", Tone::Warning),
        };
        let text = format!("{}: {}", finding.about, clean(&finding.text));
        line(out, name, &palette.paint(tone, &text));
        if let Some(next) = &finding.next {
            line(out, "", &format!("next: {}", clean(next)));
        }
    }
}

/// Whether the service serves, in a word or two.
fn verdict(service: &Service, findings: &[Finding], palette: Palette) -> String {
    let wanted = service.is_wanted();
    let of = |severity| findings.iter().any(|one| one.severity == severity);
    if wanted && of(Severity::Outage) {
        palette.paint(Tone::Error, "does not serve")
    } else if !wanted {
        "no tasks wanted".to_owned()
    } else if findings
        .iter()
        .any(|one| one.about == service.address && one.severity == Severity::Warning)
    {
        palette.paint(Tone::Warning, "serves, with warnings")
    } else {
        palette.paint(Tone::Create, "serves")
    }
}

fn service_lines(out: &mut String, service: &Service, status: &Status, palette: Palette) {
    let now = status.at;
    let Some(state) = &service.state else {
        let text = absent(&service.address, &service.name);
        let verdict = if service.made { "  does not serve" } else { "" };
        let text = palette.paint(Tone::Warning, &format!("{text}{verdict}"));
        return line(out, "service", &text);
    };
    let databases = status.databases.iter().map(|database| &database.address);
    let shared: Vec<&Address> = databases.collect();
    let concerning: Vec<Finding> = status
        .findings
        .iter()
        .filter(|one| one.about == service.address || shared.contains(&&one.about))
        .cloned()
        .collect();
    let verdict = verdict(service, &concerning, palette);
    let head = format!("{} ({})", service.address, clean(&service.name));
    line(
        out,
        "service",
        &format!("{}  {verdict}", palette.paint(Tone::Strong, &head)),
    );
    let release = match &state.release {
        Some(release) => releases::line(release),
        None => format!("{} is not there any more", clean(&state.task_definition)),
    };
    line(out, "release", &release);
    tasks_lines(out, state, now);
    for deployment in &state.deployments {
        if state.deployments.len() == 1 && deployment.reason.is_empty() && deployment.failed == 0 {
            continue;
        }
        let mut text = format!(
            "{} {}: {} of {} running",
            deployment.status.to_lowercase(),
            clean(&deployment.task_definition),
            deployment.running,
            deployment.desired
        );
        if deployment.failed > 0 {
            text.push_str(&format!(", {} failed", deployment.failed));
        }
        if !deployment.reason.is_empty() {
            text.push_str(&format!(": {}", clean(&deployment.reason)));
        }
        line(out, "deployment", &text);
    }
    if !state.is_steady()
        && let Some(event) = &state.last_event
    {
        line(out, "last event", &clean(event));
    }
}

/// Where nothing was made yet, AWS's name for it may not be known either.
fn absent(address: &Address, name: &str) -> String {
    match name {
        "" => format!("{address} is not there"),
        name => format!("{address} ({name}) is not there"),
    }
}

fn tasks_lines(out: &mut String, state: &ServiceState, now: i64) {
    let mut text = format!("{} of {} running", state.running, state.desired);
    if state.pending > 0 {
        text.push_str(&format!(", {} pending", state.pending));
    }
    if let Some(oldest) = state.tasks.iter().filter_map(|task| task.started).min() {
        text.push_str(&format!(", the oldest started {}", age(now - oldest)));
    }
    line(out, "tasks", &text);
    for task in &state.tasks {
        if task.status != "RUNNING" || task.health == "UNHEALTHY" {
            let health = task.health.to_lowercase();
            line(
                out,
                "",
                &format!(
                    "{} {} ({health})",
                    clean(&task.id),
                    task.status.to_lowercase()
                ),
            );
        }
    }
    if state.targets.is_empty() {
        return;
    }
    let text = format!("{} of {} healthy", state.healthy(), state.targets.len());
    line(out, "targets", &text);
    for target in state.targets.iter().filter(|t| t.state != "healthy") {
        let reason = target.reason.as_deref().unwrap_or_default();
        let text = format!("{} {} {}", clean(&target.id), target.state, clean(reason));
        line(out, "", &text);
    }
}

fn database_text(database: &Database, palette: Palette) -> String {
    let Some(state) = &database.state else {
        let text = absent(&database.address, &database.name);
        return palette.paint(Tone::Warning, &text);
    };
    let zones = if state.multi_az { ", two zones" } else { "" };
    let status = if state.status == "available" {
        state.status.clone()
    } else {
        palette.paint(Tone::Warning, &state.status)
    };
    format!(
        "{} {status}: PostgreSQL {}, {}, {} GiB{zones}",
        database.address, state.engine_version, state.class, state.storage
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_short_is_taken_up_by_its_own_verb() {
        for doing in ["deploy release-1 by me", "rollback release-1 by me"] {
            assert!(goes_on(doing).starts_with("circles-infra deploy "));
        }
        assert!(goes_on("apply by me").contains("circles-infra apply"));
    }
}
