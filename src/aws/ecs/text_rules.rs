//! What ECS accepts as names, images and variables (API reference: CreateCluster, CreateService, RegisterTaskDefinition,
//! ContainerDefinition, KeyValuePair).

use crate::kind::{TextRule, is_arn_of};

/// Of clusters, services, families and containers.
pub const NAME: TextRule = TextRule::length(1, 255).of("-_");

/// `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]` (OCI distribution specification, "Pulling manifests").
pub const IMAGE: TextRule = TextRule::length(1, 255)
    .check(image)
    .example("public.ecr.aws/nginx/nginx:1.29");

fn image(text: &str) -> Option<&'static str> {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Some("its digest must be `sha256:` and 64 lowercase hexadecimal digits");
    }
    // A colon before the last slash belongs to the registry's port.
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match name[last..].split_once(':') {
        Some((end, tag)) => (&name[..last + end.len()], Some(tag)),
        None => (name, None),
    };
    if let Some(tag) = tag
        && TAG.broken_by(tag).is_some()
    {
        return Some(
            "its tag must be letters, digits, `_`, `.` and `-`, and start with none of the last two",
        );
    }
    let repository = match name.split_once('/') {
        Some((host, rest)) if is_registry(host) => rest,
        _ => name,
    };
    let component = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        let edge =
            |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        part.chars().all(inner) && edge(part.chars().next()) && edge(part.chars().last())
    };
    (!repository.split('/').all(component)).then_some(
        "its repository must be lowercase letters, digits, `.`, `_` and `-` between slashes",
    )
}

/// A host name with a dot or a port, or `localhost`; anything else is the first part of a repository.
fn is_registry(text: &str) -> bool {
    match text.split_once(':') {
        Some((host, port)) => !host.is_empty() && port.parse::<u16>().is_ok(),
        None => text.contains('.') || text == "localhost",
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// An image's tag (OCI distribution specification).
pub const TAG: TextRule = TextRule::length(1, 128)
    .of("_.-")
    .check(|tag| {
        tag.starts_with(['.', '-'])
            .then_some("it must start with a letter, a digit or `_`")
    })
    .example("latest");

/// A variable's name: what a shell and every runtime can read, and dots and hyphens, which some programs use.
pub const VARIABLE: TextRule = TextRule::length(1, 255)
    .of("_.-")
    .check(|name| {
        (!name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
            .then_some("it must start with a letter or `_`")
    })
    .example("DATABASE_URL");

/// Where a variable's secret value comes from: an ARN of Secrets Manager or of Parameter Store, or a parameter's name.
pub const SECRET_SOURCE: TextRule = TextRule::length(1, 2048).check(|text| {
    let is_parameter_name = !text.contains(':') && !text.contains(char::is_whitespace);
    (!is_arn_of(text, "secretsmanager") && !is_arn_of(text, "ssm") && !is_parameter_name)
        .then_some("it must be the ARN of a secret or of a parameter")
});

pub const PLATFORM: TextRule = TextRule::length(1, 16)
    .check(|version| {
        let is_version = version.split('.').count() == 3
            && version
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        (!is_version && version != "LATEST").then_some("it must be a version, or `LATEST`")
    })
    .example("1.4.0");

/// `uid`, `uid:gid`, `user`, `user:group` (ContainerDefinition, user).
pub const USER: TextRule = TextRule::length(1, 128).of("_.-:$");
pub const STREAM_PREFIX: TextRule = TextRule::length(1, 256).check(|prefix| {
    prefix
        .contains([':', '*'])
        .then_some("it must not contain `:` or `*`, which log streams forbid")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_as_registries_read_them() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        for right in [
            "nginx",
            "library/nginx:1.29",
            "localhost:5000/a/b:v1",
            "111122223333.dkr.ecr.us-east-1.amazonaws.com/circles:latest",
            &format!("public.ecr.aws/x/y@{digest}"),
            &format!("x:1@{digest}"),
        ] {
            assert_eq!(IMAGE.broken_by(right), None, "{right}");
        }
        for wrong in [
            "Nginx:1",
            "",
            "nginx:",
            "nginx:a/b",
            "a//b",
            "nginx@sha256:12",
            "n x",
            "-a",
        ] {
            assert!(IMAGE.broken_by(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_variable_has_a_name_that_a_process_can_read() {
        for right in ["A", "_x", "spring.datasource.url", "A1"] {
            assert_eq!(VARIABLE.broken_by(right), None, "{right}");
        }
        for wrong in ["", "A=B", "with space", "1ST", "Ä"] {
            assert!(VARIABLE.broken_by(wrong).is_some(), "{wrong}");
        }
    }
}
