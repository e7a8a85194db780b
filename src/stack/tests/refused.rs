//! Values that AWS would refuse, or take and never come to anything with.

use super::support::{Ask, loaded, pair, with};
use crate::stack::load_everywhere;

const CIRCLES: &str = include_str!("../../../stacks/circles.yaml");

fn kept(days: i32) -> String {
    format!(
        "stack: demo\nresources:\n  l: {{ type: logs.log_group, name: /demo, retention_days: {days} }}\n"
    )
}

#[test]
fn a_log_group_keeps_lines_for_days_that_are_offered() {
    for days in [1, 30, 3653] {
        loaded(&kept(days));
    }
    for (days, nearest) in [
        (31, "the nearest that is: `30`, `60`"),
        (0, "the nearest that is: `1`"),
        (4000, "the nearest that is: `3653`"),
    ] {
        let report = with(&kept(days), |_| {}).err().unwrap_or_default();
        assert!(report.contains(nearest), "{report}");
    }
}

#[test]
fn an_image_is_pinned_by_a_whole_digest() {
    let asked = |digest: &str| {
        let given = pair("image_digest", digest);
        with(CIRCLES, |ask| ask.variables = vec![given]).err()
    };
    assert_eq!(asked(&format!("sha256:{}", "0f".repeat(32))), None);
    for wrong in ["abc", "sha256:abc", &format!("sha256:{}", "g".repeat(64))] {
        let report = asked(wrong).unwrap_or_default();
        assert!(
            report.contains("is not an image's digest"),
            "{wrong}: {report}"
        );
    }
}

#[test]
fn a_region_that_cannot_be_one_is_told_before_it_is_asked() {
    let report = with("stack: demo\nregion: mars-1\nresources: {}\n", |ask| {
        ask.facts.region = "mars-1".into();
    });
    let report = report.err().unwrap_or_default();
    assert!(report.contains("`mars-1` is not a region"), "{report}");
}

const TWO: &str = "
stack: demo
default_environment: dev
environments:
  dev: {}
  prod: { variables: { zz: 1 }, resources: { files: { verisoning: true } } }
resources:
  files: { type: s3.bucket, name: demo-files }
";

#[test]
fn what_is_wrong_in_any_environment_is_told_once() {
    let ask = Ask::default();
    let everywhere = |text: &str| load_everywhere(&ask.request(text));
    let report = everywhere(TWO).err().unwrap_or_default();
    let told: Vec<&str> = report.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .all(|one| one.ends_with(" (in environment prod)")),
        "{told:?}"
    );
    let both = TWO.replace("demo-files", "Demo_Files");
    let report = everywhere(&both).err().unwrap_or_default();
    let shared = report
        .iter()
        .filter(|one| one.message.contains("Demo_Files"));
    assert_eq!(shared.count(), 1, "{report:?}");
    let right = TWO.replace("zz: 1", "").replace("verisoning", "versioning");
    let right = everywhere(&right).unwrap_or_default();
    let names = right.iter().map(|one| one.stack.environment.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["prod", "dev"]);
}

/// What is wrong with a variable hides nothing of what uses it or stands beside it, and is told once.
#[test]
fn a_wrong_variable_hides_nothing_and_is_told_once() {
    let text = "
stack: demo
variables:
  cidr: { type: cidr, default: 10.0.0.0/16 }
  size: { default: small, one_of: [small, large] }
resources:
  net: { type: ec2.vpc, cidr: \"${var.cidr}\" }
  files: { type: s3.bucket, name: Demo_Files, when: \"${var.size}\" }
";
    let report = with(text, |ask| {
        ask.variables = vec![pair("cidr", "10.0"), pair("size", "huge")];
    });
    let report = report.err().unwrap_or_default();
    assert_eq!(report.matches("error[").count(), 3, "{report}");
    assert_eq!(report.matches("error[E0302]").count(), 2, "{report}");
    assert!(report.contains("Demo_Files"), "{report}");
}
