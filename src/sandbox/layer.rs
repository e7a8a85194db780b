//! The layer over moto, carried in this binary and written out where Python finds it.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{SandboxError, file};

/// What pip installs, pinned.
pub const REQUIREMENTS: &str = include_str!("requirements.txt");

macro_rules! package {
    ($package:literal: $($name:literal),* $(,)?) => {
        &[$((concat!($package, "/", $name), include_str!(concat!($package, "/", $name)))),*]
    };
}

/// Path and text of every module: the local AWS.
const REALISM: &[(&str, &str)] = package![
    "realism":
    "__init__.py",
    "__main__.py",
    "access_context.py",
    "access_resources.py",
    "answer_faults.py",
    "app.py",
    "beside.py",
    "calls.py",
    "clock.py",
    "control.py",
    "ec2_calls.py",
    "ec2_nat.py",
    "ec2_order.py",
    "ec2_rules.py",
    "ecr_images.py",
    "ecr_lifecycle.py",
    "ecr_tokens.py",
    "ecs_cluster.py",
    "ecs_logs.py",
    "ecs_preflight.py",
    "ecs_rollout.py",
    "ecs_service.py",
    "ecs_tasks.py",
    "elb_balancer.py",
    "elb_listeners.py",
    "elb_targets.py",
    "errors.py",
    "faults.py",
    "http.py",
    "iam_documents.py",
    "iam_evaluator.py",
    "identity.py",
    "interfaces.py",
    "inventory.py",
    "inventory_network.py",
    "inventory_services.py",
    "lag.py",
    "lag_answers.py",
    "lag_kinds.py",
    "layer.py",
    "patch.py",
    "permissions.py",
    "rds_checks.py",
    "rds_groups.py",
    "rds_instance.py",
    "rds_limits.py",
    "registry.py",
    "registry_blobs.py",
    "registry_line.py",
    "registry_outside.py",
    "request.py",
    "request_checks.py",
    "request_decoder.py",
    "request_patterns.py",
    "request_rules.py",
    "runner.py",
    "runner_control.py",
    "runner_view.py",
    "s3_answers.py",
    "s3_buckets.py",
    "secrets_stages.py",
    "secrets_window.py",
    "service_roles.py",
    "small_rules.py",
    "speed.py",
];

/// Path and text of every module: what runs beside it.
const SYSTEM: &[(&str, &str)] = package![
    "system":
    "__init__.py",
    "__main__.py",
    "balancers.py",
    "certificates.py",
    "checks.py",
    "children.py",
    "commands.py",
    "enter.py",
    "follow.py",
    "http1.py",
    "images.py",
    "logs.py",
    "ports.py",
    "postgres.py",
    "proxy.py",
    "rules.py",
    "sandbox.py",
    "tasks.py",
    "unpack.py",
];

fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    REALISM.iter().chain(SYSTEM).copied()
}

/// A name for the packages: another list, another folder.
pub fn packages_name() -> String {
    format!("packages-{:016x}", fingerprint([("", REQUIREMENTS)]))
}

/// A name for the layer: another text, another folder, so a running server keeps the one it was started from.
pub fn layer_name() -> String {
    format!("layer-{:016x}", fingerprint(files()))
}

/// FNV-1a, 64 bits. It tells versions apart, and guards nothing.
fn fingerprint<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (name, text) in texts {
        for byte in name.bytes().chain([0]).chain(text.bytes()).chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

/// Write the package below `root` unless it is there already, and return the folder for `PYTHONPATH`. It appears whole or not at all.
///
/// # Errors
/// [`SandboxError::File`].
pub fn write(root: &Path) -> Result<PathBuf, SandboxError> {
    let folder = root.join(layer_name());
    if folder.is_dir() {
        return Ok(folder);
    }
    let partial = root.join(format!("{}.{}", layer_name(), std::process::id()));
    for package in ["realism", "system"].map(|name| partial.join(name)) {
        fs::create_dir_all(&package).map_err(file("cannot make", &package))?;
    }
    for (name, text) in files() {
        let path = partial.join(name);
        fs::write(&path, text).map_err(file("cannot write", &path))?;
    }
    match fs::rename(&partial, &folder) {
        Ok(()) => Ok(folder),
        // Another command was faster: what it wrote is the same.
        Err(_) if folder.is_dir() => {
            let _ = fs::remove_dir_all(&partial);
            Ok(folder)
        }
        Err(e) => Err(file("cannot make", &folder)(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_of_the_packages_is_carried() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox");
        let mut there: Vec<String> = ["realism", "system"]
            .iter()
            .flat_map(|package| {
                fs::read_dir(source.join(package))
                    .unwrap()
                    .map(move |entry| (package, entry.unwrap().file_name().into_string().unwrap()))
            })
            .filter(|(_, name)| name.ends_with(".py"))
            .map(|(package, name)| format!("{package}/{name}"))
            .collect();
        there.sort();
        let carried: Vec<&str> = files().map(|(name, _)| name).collect();
        assert_eq!(there, carried);
    }

    #[test]
    fn it_is_written_once_and_whole() {
        let root = tempfile::tempdir().unwrap();
        let folder = write(root.path()).unwrap();
        assert!(folder.join("realism/__main__.py").is_file());
        fs::write(folder.join("mark"), "kept").unwrap();
        assert_eq!(write(root.path()).unwrap(), folder);
        assert!(folder.join("mark").is_file(), "it was written again");
        assert_eq!(
            fs::read_dir(root.path()).unwrap().count(),
            1,
            "something partial is left"
        );
    }

    #[test]
    fn another_text_has_another_name() {
        assert_ne!(fingerprint([("a", "b")]), fingerprint([("a", "c")]));
        assert_ne!(fingerprint([("a", "bc")]), fingerprint([("ab", "c")]));
    }
}
