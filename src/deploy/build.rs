//! Building with the Docker CLI. Everything else does without Docker.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::error::DeployError;
use super::image::Platform;
use super::said::{Said, Tell};
use crate::stack::BuildInfo;

/// An image that was just built.
pub struct Built {
    pub archive: PathBuf,
    /// Goes with this.
    _folder: TempDir,
}

/// The arguments of the build, without `docker`.
pub fn arguments(build: &BuildInfo, platform: &Platform, tag: &str, beside: &Path) -> Vec<String> {
    let at = |path: &str| beside.join(path).display().to_string();
    let mut all: Vec<String> = ["buildx", "build", "--platform"].map(String::from).into();
    all.push(platform.to_string());
    // Attestations would make an index of it, with an image for nobody.
    all.extend(["--provenance=false", "--load", "--tag"].map(String::from));
    all.push(tag.to_owned());
    if let Some(dockerfile) = &build.dockerfile {
        all.extend(["--file".into(), at(dockerfile)]);
    }
    if let Some(target) = &build.target {
        all.extend(["--target".into(), target.clone()]);
    }
    for (name, value) in &build.args {
        all.extend(["--build-arg".into(), format!("{name}={value}")]);
    }
    all.push(at(&build.context));
    all
}

/// The line that builds an image which fits, for people to paste.
pub fn line(build: Option<&BuildInfo>, platform: &Platform, beside: &Path) -> String {
    match build {
        Some(_) => "circles-infra deploy --build".into(),
        None => {
            let plain = BuildInfo::default();
            let words = arguments(&plain, platform, "IMAGE", beside);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            format!(
                "docker {} && docker save -o image.tar IMAGE",
                words.join(" ")
            )
        }
    }
}

/// Builds, and saves the image as an archive.
pub async fn build(
    build: &BuildInfo,
    platform: &Platform,
    name: &str,
    beside: &Path,
    tell: Tell<'_>,
) -> Result<Built, DeployError> {
    let tag = format!("circles-infra-build/{name}:latest");
    docker(&arguments(build, platform, &tag, beside), tell).await?;
    let folder = tempfile::tempdir().map_err(|e| DeployError::Build {
        what: format!("cannot make a temporary folder: {e}"),
        hints: Vec::new(),
    })?;
    let archive = folder.path().join("image.tar");
    let save = [
        "save".to_owned(),
        "--output".into(),
        archive.display().to_string(),
        tag,
    ];
    docker(&save, tell).await?;
    Ok(Built {
        archive,
        _folder: folder,
    })
}

/// Runs Docker and passes on what it says.
async fn docker(arguments: &[String], tell: Tell<'_>) -> Result<(), DeployError> {
    tell(Said::Text(format!("docker {}", arguments.join(" "))));
    let mut child = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| not_started(&error))?;
    let mut last = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            last.push(line.clone());
            tell(Said::Log(line));
        }
    }
    let status = child.wait().await.map_err(|error| not_started(&error))?;
    if status.success() {
        return Ok(());
    }
    let said = last.iter().rev().find(|line| !line.trim().is_empty());
    Err(DeployError::Build {
        what: format!(
            "docker {} failed ({status}){}",
            arguments.first().map_or("", String::as_str),
            said.map_or(String::new(), |line| format!(": {}", line.trim()))
        ),
        hints: vec!["nothing was sent; what Docker said stands above".into()],
    })
}

fn not_started(error: &std::io::Error) -> DeployError {
    let hints = match error.kind() {
        ErrorKind::NotFound => vec![
            "Docker is not installed here, or not in the PATH: https://docs.docker.com/engine/install/".into(),
            "without Docker: build an archive elsewhere, and give it with --image image.tar".into(),
        ],
        _ => Vec::new(),
    };
    DeployError::Build {
        what: format!("cannot run docker: {error}"),
        hints,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_the_stack_says_is_on_the_line() {
        let build = BuildInfo {
            context: "app".into(),
            dockerfile: Some("app/Dockerfile".into()),
            target: Some("release".into()),
            args: [("VERSION".to_owned(), "1".to_owned())].into(),
        };
        let words = arguments(
            &build,
            &Platform::of_architecture("ARM64"),
            "x:latest",
            Path::new("/project"),
        );
        insta::assert_snapshot!(words.join(" "), @"buildx build --platform linux/arm64 --provenance=false --load --tag x:latest --file /project/app/Dockerfile --target release --build-arg VERSION=1 /project/app");
    }

    #[test]
    fn without_a_build_in_the_stack_the_whole_line_is_said() {
        let platform = Platform::of_architecture("X86_64");
        let text = line(None, &platform, Path::new(""));
        insta::assert_snapshot!(text, @"docker buildx build --platform linux/amd64 --provenance=false --load --tag IMAGE . && docker save -o image.tar IMAGE");
    }
}
