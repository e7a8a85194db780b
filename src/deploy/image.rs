//! An image as its manifest and configuration say: pure reading, and the check that it can run where it is sent.
//!
//! OCI image specification 1.1 (image manifest, image index, configuration) and Docker's image manifest version 2, schema 2.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// What is asked of a registry: everything that can be read here.
pub const ACCEPTED: &[&str] = &[OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

/// Where an image's part lies, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: String,
    pub size: u64,
}

/// An image for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Byte for byte: its digest is the image's name.
    pub raw: Bytes,
    pub media_type: String,
    pub digest: String,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
}

/// What an image is built for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    pub os: String,
    /// In Go's words: `amd64`, `arm64`.
    pub architecture: String,
}

/// One image among those of a multi-architecture index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub digest: String,
    pub media_type: String,
    /// `None`: the index does not say.
    pub platform: Option<Platform>,
}

/// A manifest or an index of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    Image(Box<Manifest>),
    Index(Vec<Entry>),
}

/// What of an image's configuration matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub os: String,
    pub architecture: String,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

/// Why an image cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    #[error("{place}: {what}")]
    Broken { place: String, what: String },
    #[error("{place} is an image for {found}, but {service} runs on {wanted}")]
    Platform {
        place: String,
        found: String,
        service: String,
        wanted: String,
        build: String,
    },
}

impl ImageError {
    pub fn broken(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Broken {
            place: place.into(),
            what: what.into(),
        }
    }

    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Broken { .. } => vec!["make the archive again: `docker save -o image.tar NAME`, or `docker buildx build --output type=oci,dest=image.tar …`".into()],
            Self::Platform { build, .. } => vec![
                "started there, it would end with `exec format error`; nothing was sent".into(),
                format!("build it for that platform: {build}"),
            ],
        }
    }
}

impl Platform {
    /// Of a task definition's `cpuArchitecture` (ECS API reference, RuntimePlatform). Fargate services of this program run Linux.
    pub fn of_architecture(architecture: &str) -> Self {
        let architecture = match architecture {
            "ARM64" => "arm64",
            _ => "amd64",
        };
        Self {
            os: "linux".into(),
            architecture: architecture.into(),
        }
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// `sha256:` and the hash of these bytes, in hex.
pub fn digest_of(bytes: &[u8]) -> String {
    digest_text(Sha256::digest(bytes).as_slice())
}

pub fn digest_text(hash: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in hash {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// Whether a text is a whole digest.
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// The first 12 characters of a digest's hash: enough for people.
pub fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<WireEntry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry {
    #[serde(default)]
    media_type: String,
    digest: String,
    platform: Option<WirePlatform>,
}

#[derive(Deserialize)]
struct WirePlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

/// Reads a manifest or an index. `place` names it in errors; `said` is the media type that came with it, if any.
pub fn document(raw: Bytes, place: &str, said: Option<&str>) -> Result<Document, ImageError> {
    let wire: Wire = serde_json::from_slice(&raw)
        .map_err(|e| ImageError::broken(place, format!("its manifest cannot be read: {e}")))?;
    if let Some(manifests) = wire.manifests {
        let entries = manifests.into_iter().map(|entry| Entry {
            digest: entry.digest,
            media_type: entry.media_type,
            platform: entry.platform.map(|platform| Platform {
                os: platform.os,
                architecture: platform.architecture,
            }),
        });
        return Ok(Document::Index(entries.collect()));
    }
    let (Some(config), Some(layers)) = (wire.config, wire.layers) else {
        return Err(ImageError::broken(
            place,
            "its manifest names no configuration and no layers",
        ));
    };
    let digests = layers.iter().chain([&config]).map(|part| &part.digest);
    if let Some(odd) = digests.into_iter().find(|digest| !is_digest(digest)) {
        return Err(ImageError::broken(
            place,
            format!("`{odd}` in its manifest is no SHA-256 digest"),
        ));
    }
    let guessed = if config.media_type.contains("docker") {
        DOCKER_MANIFEST
    } else {
        OCI_MANIFEST
    };
    let media_type = wire
        .media_type
        .or(said.map(str::to_owned))
        .unwrap_or_else(|| guessed.to_owned());
    Ok(Document::Image(Box::new(Manifest {
        digest: digest_of(&raw),
        raw,
        media_type,
        config,
        layers,
    })))
}

/// The images of an index that may run on `platform`: those built for it, and those of which the index says nothing. Attestations that
/// build tools add are for `unknown/unknown`.
pub fn choose<'a>(entries: &'a [Entry], platform: &Platform) -> Option<&'a Entry> {
    let exact = entries
        .iter()
        .find(|entry| entry.platform.as_ref() == Some(platform));
    exact.or(match entries {
        [one] if one.platform.is_none() => Some(one),
        _ => None,
    })
}

/// What an index offers, for a message.
pub fn offered(entries: &[Entry]) -> String {
    let mut all: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.platform.as_ref())
        .filter(|platform| platform.os != "unknown")
        .map(ToString::to_string)
        .collect();
    all.sort();
    all.dedup();
    if all.is_empty() {
        "nobody knows what".into()
    } else {
        all.join(" and ")
    }
}

#[derive(Deserialize)]
struct WireConfig {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    config: Option<WireRun>,
}

#[derive(Deserialize)]
struct WireRun {
    #[serde(rename = "Entrypoint")]
    entrypoint: Option<Vec<String>>,
    #[serde(rename = "Cmd")]
    command: Option<Vec<String>>,
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

/// Reads an image's configuration.
pub fn config(raw: &[u8], place: &str) -> Result<Config, ImageError> {
    let wire: WireConfig = serde_json::from_slice(raw)
        .map_err(|e| ImageError::broken(place, format!("its configuration cannot be read: {e}")))?;
    if wire.architecture.is_empty() {
        return Err(ImageError::broken(
            place,
            "its configuration does not say which architecture it is for: it is no container image",
        ));
    }
    let run = wire.config;
    let (entrypoint, command, labels) = run
        .map(|run| (run.entrypoint, run.command, run.labels))
        .unwrap_or_default();
    Ok(Config {
        os: if wire.os.is_empty() {
            "linux".into()
        } else {
            wire.os
        },
        architecture: wire.architecture,
        entrypoint: entrypoint.unwrap_or_default(),
        command: command.unwrap_or_default(),
        labels: labels.unwrap_or_default(),
    })
}

impl Config {
    pub fn platform(&self) -> Platform {
        Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
        }
    }

    /// Which commit it was built from, as OCI's annotation says it.
    pub fn commit(&self) -> Option<&str> {
        self.labels
            .get("org.opencontainers.image.revision")
            .map(String::as_str)
            .filter(|commit| !commit.is_empty())
    }
}

/// What an image has to fit, and how to build one that does.
#[derive(Clone, Debug)]
pub struct Fit {
    pub service: String,
    pub platform: Platform,
    /// The line that builds it.
    pub build: String,
}

impl Fit {
    pub fn check(&self, place: &str, config: &Config) -> Result<(), ImageError> {
        if config.platform() == self.platform {
            return Ok(());
        }
        Err(self.refuse(place, config.platform().to_string()))
    }

    pub fn refuse(&self, place: &str, found: String) -> ImageError {
        ImageError::Platform {
            place: place.to_owned(),
            found,
            service: self.service.clone(),
            wanted: self.platform.to_string(),
            build: self.build.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
