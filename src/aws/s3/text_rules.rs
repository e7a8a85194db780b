//! What S3 accepts as names (user guide, "General purpose bucket naming rules"; API reference: LifecycleRule, CORSRule).

use crate::kind::TextRule;

pub const BUCKET: TextRule = TextRule::length(3, 63).lowercase(".-").check(bucket);

fn bucket(name: &str) -> Option<&'static str> {
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !alphanumeric(name.chars().next()) || !alphanumeric(name.chars().last()) {
        return Some("it must start and end with a letter or digit");
    }
    if name.contains("..") {
        return Some("it must not contain two dots in a row");
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Some("it must not look like an IP address");
    }
    if ["xn--", "sthree-", "amzn-s3-demo-"]
        .iter()
        .any(|start| name.starts_with(start))
    {
        return Some(
            "it must not start with `xn--`, `sthree-` or `amzn-s3-demo-`, which are reserved",
        );
    }
    ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
        .iter()
        .any(|end| name.ends_with(end))
        .then_some("it must not end with `-s3alias`, `--ol-s3`, `.mrap`, `--x-s3` or `--table-s3`, which are reserved")
}

pub const LIFECYCLE_ID: TextRule = TextRule::length(1, 255);
pub const KEY_PREFIX: TextRule = TextRule::length(0, 1024);
pub const ORIGIN: TextRule = TextRule::length(1, 2048)
    .check(|origin| (origin.matches('*').count() > 1).then_some("it must contain at most one `*`"))
    .example("https://app.example.com");
pub const HEADER: TextRule = TextRule::length(1, 2048)
    .check(|header| (header.matches('*').count() > 1).then_some("it must contain at most one `*`"));
