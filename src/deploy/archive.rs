//! Image archives: an OCI layout in a tar file, or what `docker save` writes. Read in place: no layer is unpacked or held in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::image::{
    self, Config, DOCKER_MANIFEST, Descriptor, Document, Fit, ImageError, Manifest, digest_of,
};

/// Indexes may hold indexes; nobody nests deeper.
const DEPTH: usize = 4;
/// Manifests and configurations are small; whatever is larger is none.
const LARGEST_TEXT: u64 = 8 * 1024 * 1024;

/// Some bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub path: PathBuf,
    pub start: u64,
    pub size: u64,
}

/// A layer in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// As the manifest names it.
    Ready(Descriptor, Span),
    /// A plain tar file, which is compressed before it is sent; `diff_id` is its digest as it is.
    Plain { diff_id: String, span: Span },
}

/// An image in an archive, for one platform.
#[derive(Debug)]
pub struct Archive {
    /// How messages call it.
    pub place: String,
    /// `None`: what Docker saved has no manifest of its own; one is made when its layers are packed.
    pub manifest: Option<Manifest>,
    pub config: Config,
    pub config_raw: Bytes,
    pub layers: Vec<Layer>,
    /// An archive that was compressed as a whole is unpacked to here.
    _unpacked: Option<NamedTempFile>,
}

/// Opens an archive and finds the image in it that fits.
///
/// # Errors
/// When it is damaged, or holds no image for the platform.
pub fn open(path: &Path, fit: &Fit) -> Result<Archive, ImageError> {
    let place = path.display().to_string();
    let broken = |e: io::Error| ImageError::broken(&place, e.to_string());
    let mut file = File::open(path).map_err(broken)?;
    let mut magic = [0; 2];
    let compressed = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let unpacked = if compressed {
        file.seek(SeekFrom::Start(0)).map_err(broken)?;
        Some(unpack(&mut file).map_err(|e| ImageError::broken(&place, damaged(&e)))?)
    } else {
        None
    };
    let tar = unpacked
        .as_ref()
        .map_or(path.to_path_buf(), |file| file.path().to_path_buf());
    let index = Index::read(&tar, &place)?;
    // An archive may be both. Plain layers are compressed before they are sent; compressed ones go as the layout's manifest names them.
    let both = index.has("manifest.json") && index.has("index.json");
    if index.has("manifest.json") && !(both && index.is_packed()) {
        docker(index, fit, unpacked)
    } else if index.has("index.json") {
        oci(index, fit, unpacked)
    } else {
        Err(ImageError::broken(
            place,
            "it is no image archive: it holds neither `index.json` (OCI) nor `manifest.json` (docker save)",
        ))
    }
}

fn unpack(from: &mut File) -> io::Result<NamedTempFile> {
    let mut to = NamedTempFile::new()?;
    io::copy(&mut flate2::read::GzDecoder::new(from), &mut to)?;
    to.flush()?;
    Ok(to)
}

fn damaged(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is damaged: it ends in the middle".into(),
        _ => format!("it is damaged: {error}"),
    }
}

/// Where everything in a tar file lies.
struct Index {
    place: String,
    path: PathBuf,
    files: BTreeMap<String, (u64, u64)>,
    links: BTreeMap<String, String>,
}

impl Index {
    fn read(path: &Path, place: &str) -> Result<Self, ImageError> {
        let broken = |e: io::Error| ImageError::broken(place, damaged(&e));
        let file = File::open(path).map_err(broken)?;
        let length = file.metadata().map_err(broken)?.len();
        let mut archive = tar::Archive::new(file);
        let mut index = Self {
            place: place.to_owned(),
            path: path.to_owned(),
            files: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        for entry in archive.entries_with_seek().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            let name = clean(&entry.path().map_err(broken)?);
            let kind = entry.header().entry_type();
            if kind.is_symlink() || kind.is_hard_link() {
                if let Some(target) = entry.link_name().map_err(broken)? {
                    let target = if kind.is_symlink() {
                        beside(&name, &target)
                    } else {
                        clean(&target)
                    };
                    index.links.insert(name, target);
                }
                continue;
            }
            let (start, size) = (entry.raw_file_position(), entry.size());
            if start + size > length {
                return Err(ImageError::broken(
                    place,
                    format!("it is damaged: it ends in the middle of {name}"),
                ));
            }
            index.files.insert(name, (start, size));
        }
        Ok(index)
    }

    fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    fn span(&self, name: &str) -> Result<Span, ImageError> {
        let mut name = clean(Path::new(name));
        for _ in 0..DEPTH {
            match self.links.get(&name) {
                Some(target) => name.clone_from(target),
                None => break,
            }
        }
        let (start, size) = self.files.get(&name).copied().ok_or_else(|| {
            ImageError::broken(&self.place, format!("it is damaged: it lacks {name}"))
        })?;
        Ok(Span {
            path: self.path.clone(),
            start,
            size,
        })
    }

    /// A small file's content.
    fn text(&self, name: &str) -> Result<Bytes, ImageError> {
        let span = self.span(name)?;
        if span.size > LARGEST_TEXT {
            return Err(ImageError::broken(
                &self.place,
                format!("{name} is too large to be a manifest or a configuration"),
            ));
        }
        let broken = |e: io::Error| ImageError::broken(&self.place, damaged(&e));
        let mut file = File::open(&span.path).map_err(broken)?;
        file.seek(SeekFrom::Start(span.start)).map_err(broken)?;
        let mut text = Vec::new();
        file.take(span.size)
            .read_to_end(&mut text)
            .map_err(broken)?;
        Ok(text.into())
    }

    /// Whether the first layer of `manifest.json` is compressed, by gzip (RFC 1952) or zstd (RFC 8878).
    fn is_packed(&self) -> bool {
        let saved: Vec<Saved> = self
            .text("manifest.json")
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let layer = saved.first().and_then(|one| one.layers.first());
        let Some(span) = layer.and_then(|name| self.span(name).ok()) else {
            return false;
        };
        let mut magic = [0; 4];
        File::open(&span.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(span.start))?;
                file.read_exact(&mut magic)
            })
            .is_ok()
            && (magic[..2] == [0x1f, 0x8b] || magic == [0x28, 0xb5, 0x2f, 0xfd])
    }

    /// A blob of an OCI layout, which has to be what its digest says.
    fn blob(&self, digest: &str) -> Result<Bytes, ImageError> {
        let text = self.text(&blob_path(digest))?;
        if digest_of(&text) != digest {
            return Err(ImageError::broken(
                &self.place,
                format!("it is damaged: {digest} is not what its name says"),
            ));
        }
        Ok(text)
    }
}

fn blob_path(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

/// Without `./` and `..`.
fn clean(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            std::path::Component::ParentDir => {
                parts.pop();
            }
            _ => {}
        }
    }
    parts.join("/")
}

fn beside(name: &str, target: &Path) -> String {
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    clean(&folder.join(target))
}

fn oci(index: Index, fit: &Fit, unpacked: Option<NamedTempFile>) -> Result<Archive, ImageError> {
    let mut document = image::document(index.text("index.json")?, &index.place, None)?;
    let mut manifest = None;
    for _ in 0..DEPTH {
        match document {
            Document::Image(found) => {
                manifest = Some(*found);
                break;
            }
            Document::Index(entries) => {
                let entry = image::choose(&entries, &fit.platform)
                    .or(match entries.as_slice() {
                        // One image whose platform its configuration tells.
                        [one] => Some(one),
                        _ => None,
                    })
                    .ok_or_else(|| fit.refuse(&index.place, image::offered(&entries)))?;
                let said = Some(entry.media_type.as_str()).filter(|said| !said.is_empty());
                document = image::document(index.blob(&entry.digest)?, &index.place, said)?;
            }
        }
    }
    let manifest =
        manifest.ok_or_else(|| ImageError::broken(&index.place, "its indexes have no end"))?;
    let config_raw = index.blob(&manifest.config.digest)?;
    let config = image::config(&config_raw, &index.place)?;
    fit.check(&index.place, &config)?;
    let layers = manifest
        .layers
        .iter()
        .map(|layer| {
            let span = index.span(&blob_path(&layer.digest))?;
            if span.size != layer.size {
                return Err(ImageError::broken(
                    &index.place,
                    format!(
                        "it is damaged: {} has {} bytes instead of {}",
                        layer.digest, span.size, layer.size
                    ),
                ));
            }
            Ok(Layer::Ready(layer.clone(), span))
        })
        .collect::<Result<_, ImageError>>()?;
    Ok(Archive {
        place: index.place,
        manifest: Some(manifest),
        config,
        config_raw,
        layers,
        _unpacked: unpacked,
    })
}

/// One image of `manifest.json` (Docker image specification 1.2, "Combined image JSON + filesystem changeset format").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WithLayers {
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<String>,
}

fn docker(index: Index, fit: &Fit, unpacked: Option<NamedTempFile>) -> Result<Archive, ImageError> {
    let broken = |what: String| ImageError::broken(&index.place, what);
    let saved: Vec<Saved> = serde_json::from_slice(&index.text("manifest.json")?)
        .map_err(|e| broken(format!("its manifest.json cannot be read: {e}")))?;
    let [saved] = saved.as_slice() else {
        let names: Vec<String> = saved
            .iter()
            .flat_map(|one| one.repo_tags.clone().unwrap_or_default())
            .collect();
        return Err(broken(format!(
            "it holds {} images ({}): save the one that is meant",
            saved.len(),
            names.join(", ")
        )));
    };
    let config_raw = index.text(&saved.config)?;
    let config = image::config(&config_raw, &index.place)?;
    fit.check(&index.place, &config)?;
    let whole: WithLayers = serde_json::from_slice(&config_raw)
        .map_err(|e| broken(format!("its configuration names no layers: {e}")))?;
    let diff_ids = whole.rootfs.diff_ids;
    if diff_ids.len() != saved.layers.len() {
        return Err(broken(format!(
            "it has {} layers, its configuration names {}",
            saved.layers.len(),
            diff_ids.len()
        )));
    }
    let layers = saved
        .layers
        .iter()
        .zip(diff_ids)
        .map(|(name, diff_id)| {
            Ok(Layer::Plain {
                diff_id,
                span: index.span(name)?,
            })
        })
        .collect::<Result<_, ImageError>>()?;
    Ok(Archive {
        place: index.place,
        manifest: None,
        config,
        config_raw,
        layers,
        _unpacked: unpacked,
    })
}

/// The manifest of an image whose layers were packed here.
pub fn manifest(config_raw: &[u8], layers: Vec<Descriptor>) -> Manifest {
    let config = Descriptor {
        media_type: "application/vnd.docker.container.image.v1+json".into(),
        digest: digest_of(config_raw),
        size: config_raw.len() as u64,
    };
    let raw: Bytes = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": &config,
        "layers": &layers,
    })
    .to_string()
    .into();
    Manifest {
        digest: digest_of(&raw),
        raw,
        media_type: DOCKER_MANIFEST.into(),
        config,
        layers,
    }
}

#[cfg(test)]
mod tests;
