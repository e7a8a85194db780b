//! From what was asked for (a build, an archive, a tag, a digest) to an image in the repository that is known to fit.

use std::path::{Path, PathBuf};

use super::archive;
use super::build;
use super::error::DeployError;
use super::image::{self, Config, Document, Fit, ImageError, Manifest, is_digest, short};
use super::packing::Memory;
use super::push;
use super::registry::Registry;
use super::said::{Said, Tell};
use crate::stack::BuildInfo;

/// What shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Build,
    Archive(PathBuf),
    /// A tag or a digest in the repository.
    There(String),
}

/// An image in the repository that fits; it may still lack a tag.
#[derive(Clone, Debug)]
pub struct Ready {
    pub manifest: Manifest,
    pub config: Config,
    /// What it was made of, for people: a tag, a digest, a file's name.
    pub source: String,
}

/// What the services that share an image ask of it.
pub struct Wants<'a> {
    pub fit: Fit,
    pub build: Option<&'a BuildInfo>,
    /// Paths in the stack file are beside it.
    pub beside: &'a Path,
    pub memory: &'a Memory,
}

impl Source {
    /// Reads `--image`. A file that is there is an archive; so is what looks like a path.
    pub fn read(text: &str, url: &str) -> Self {
        let text = text
            .strip_prefix(url)
            .map_or(text, |rest| rest.trim_start_matches([':', '@']));
        let path = Path::new(text);
        let endings = [".tar", ".tar.gz", ".tgz"];
        let is_path = path.is_file()
            || text.contains('/')
            || endings.iter().any(|ending| text.ends_with(ending));
        if is_path && !is_digest(text) {
            Self::Archive(path.to_owned())
        } else {
            Self::There(text.to_owned())
        }
    }
}

/// Sees to it that the image is in the repository, and that it can run where it is sent. Refuses before anything is sent.
pub async fn ready(
    source: &Source,
    registry: &Registry,
    wants: &Wants<'_>,
    tell: Tell<'_>,
) -> Result<Ready, DeployError> {
    match source {
        Source::There(what) => there(what, registry, wants).await,
        Source::Archive(path) => {
            from_archive(path, path.display().to_string(), registry, wants, tell).await
        }
        Source::Build => {
            let build = wants.build.ok_or_else(|| {
                DeployError::refused(
                    format!("the stack file does not say how {} is built", wants.fit.service),
                    format!("add `build: {{ context: . }}` to {}, or give an archive: --image image.tar", wants.fit.service),
                )
            })?;
            let built = build::build(
                build,
                &wants.fit.platform,
                &registry.repository,
                wants.beside,
                tell,
            )
            .await?;
            from_archive(&built.archive, "build".into(), registry, wants, tell).await
        }
    }
}

async fn from_archive(
    path: &Path,
    name: String,
    registry: &Registry,
    wants: &Wants<'_>,
    tell: Tell<'_>,
) -> Result<Ready, DeployError> {
    if !path.exists() {
        return Err(DeployError::refused(
            format!("there is no file {}", path.display()),
            "--image takes a tag or a digest that is in the repository, or the path of an archive",
        ));
    }
    let archive = tokio::task::block_in_place(|| archive::open(path, &wants.fit))?;
    let pushed = push::push(registry, &archive, wants.memory, tell).await?;
    let digest = short(&pushed.manifest.digest);
    tell(Said::Text(if pushed.sent == 0 {
        format!(
            "image {digest} is in {} already: no layer sent",
            registry.repository
        )
    } else {
        format!(
            "image {digest}: {} of {} layers sent to {} ({})",
            pushed.sent,
            pushed.sent + pushed.there,
            registry.repository,
            megabytes(pushed.bytes)
        )
    }));
    Ok(Ready {
        manifest: pushed.manifest,
        config: archive.config,
        source: name,
    })
}

/// As people read sizes.
pub fn megabytes(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss)]
    let size = bytes as f64 / 1_000_000.0;
    format!("{size:.1} MB")
}

async fn there(what: &str, registry: &Registry, wants: &Wants<'_>) -> Result<Ready, DeployError> {
    let place = format!("{}:{what}", registry.repository).replace(":sha256:", "@sha256:");
    let raw = registry.manifest(what).await?.ok_or_else(|| {
        DeployError::refused(
            format!("{} has no image {what}", registry.repository),
            "push it first, or ship an archive: circles-infra deploy --image image.tar; what is there: circles-infra releases",
        )
    })?;
    let manifest = match image::document(raw, &place, None)? {
        Document::Image(manifest) => *manifest,
        Document::Index(entries) => {
            let entry = image::choose(&entries, &wants.fit.platform)
                .ok_or_else(|| wants.fit.refuse(&place, image::offered(&entries)))?;
            let raw = registry.manifest(&entry.digest).await?.ok_or_else(|| {
                ImageError::broken(
                    &place,
                    format!("its index names {}, which is not there", entry.digest),
                )
            })?;
            match image::document(raw, &place, Some(&entry.media_type))? {
                Document::Image(manifest) => *manifest,
                Document::Index(_) => {
                    return Err(ImageError::broken(&place, "an index within an index").into());
                }
            }
        }
    };
    let config = image::config(&registry.blob(&manifest.config.digest).await?, &place)?;
    wants.fit.check(&place, &config)?;
    Ok(Ready {
        manifest,
        config,
        source: what.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_a_tag_a_digest_or_a_file() {
        let url = "1.dkr.ecr.us-east-1.amazonaws.com/circles-app";
        let digest = format!("sha256:{}", "a".repeat(64));
        let there = |text: &str| Source::There(text.into());
        for (text, source) in [
            ("v1", there("v1")),
            (digest.as_str(), there(&digest)),
            (
                "1.dkr.ecr.us-east-1.amazonaws.com/circles-app:v2",
                there("v2"),
            ),
            ("image.tar", Source::Archive("image.tar".into())),
            ("./image", Source::Archive("./image".into())),
            ("a/b.tgz", Source::Archive("a/b.tgz".into())),
        ] {
            assert_eq!(Source::read(text, url), source, "{text}");
        }
        let pinned = format!("{url}@{digest}");
        assert_eq!(Source::read(&pinned, url), there(&digest));
    }
}
