//! Sending an archive's image to the registry: what is there is not sent, what was cut is sent again, several layers side by side.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use oci_client::errors::{OciDistributionError, Result as InnerResult};
use std::io::SeekFrom;
use std::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::{mpsc, watch};

use super::archive::{self, Archive, Layer, Span};
use super::error::DeployError;
use super::image::{Descriptor, ImageError, Manifest};
use super::packing::{self, Memory};
use super::registry::{Registry, UploadProgress};
use super::said::{Said, Tell};

/// Layers that are sent side by side.
const SIDE_BY_SIDE: usize = 4;
/// A layer is read in parts of this size.
const PART: usize = 128 * 1024;

/// What came of it.
#[derive(Debug)]
pub struct Pushed {
    pub manifest: Manifest,
    /// Layers that were sent, and those that were there.
    pub sent: usize,
    pub there: usize,
    pub bytes: u64,
}

/// Sends what of the image is not there yet; all but its manifest, which is put with its tag.
pub async fn push(
    registry: &Registry,
    archive: &Archive,
    memory: &Memory,
    tell: Tell<'_>,
) -> Result<Pushed, DeployError> {
    if let Some(manifest) = foreseen(archive, memory)
        && registry.manifest(&manifest.digest).await?.is_some()
    {
        return Ok(Pushed {
            there: archive.layers.len(),
            manifest,
            sent: 0,
            bytes: 0,
        });
    }
    let one = |layer| layer_there(registry, archive, memory, tell, layer);
    let layers: Vec<(Descriptor, bool)> = stream::iter(archive.layers.iter().map(one))
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    let (sent, bytes) = layers
        .iter()
        .filter(|(_, sent)| *sent)
        .fold((0, 0), |(n, all), (layer, _)| (n + 1, all + layer.size));
    let there = layers.len() - sent;
    let manifest = archive.manifest.clone().unwrap_or_else(|| {
        let layers = layers.into_iter().map(|(layer, _)| layer).collect();
        archive::manifest(&archive.config_raw, layers)
    });
    if !registry.has_blob(&manifest.config.digest).await? {
        let raw = archive.config_raw.clone();
        registry
            .push_blob(&manifest.config.digest, raw.len() as u64, |progress| {
                progress.set(raw.len() as u64);
                stream::iter([Ok(raw.clone())])
            })
            .await?;
    }
    Ok(Pushed {
        manifest,
        sent,
        there,
        bytes,
    })
}

/// The manifest, where it is known before anything is packed.
fn foreseen(archive: &Archive, memory: &Memory) -> Option<Manifest> {
    if let Some(manifest) = &archive.manifest {
        return Some(manifest.clone());
    }
    let layers = archive
        .layers
        .iter()
        .map(|layer| match layer {
            Layer::Ready(descriptor, _) => Some(descriptor.clone()),
            Layer::Plain { diff_id, .. } => memory.packed(diff_id),
        })
        .collect::<Option<Vec<_>>>()?;
    Some(archive::manifest(&archive.config_raw, layers))
}

/// Sees to it that a layer is in the registry; says what it is there, and whether it had to be sent.
async fn layer_there(
    registry: &Registry,
    archive: &Archive,
    memory: &Memory,
    tell: Tell<'_>,
    layer: &Layer,
) -> Result<(Descriptor, bool), DeployError> {
    match layer {
        Layer::Ready(descriptor, span) => {
            if registry.has_blob(&descriptor.digest).await? {
                return Ok((descriptor.clone(), false));
            }
            send(registry, descriptor, span, tell).await?;
            Ok((descriptor.clone(), true))
        }
        Layer::Plain { diff_id, span } => {
            if let Some(descriptor) = memory.packed(diff_id)
                && registry.has_blob(&descriptor.digest).await?
            {
                return Ok((descriptor, false));
            }
            let packed = tokio::task::block_in_place(|| packing::pack(span, diff_id, memory))
                .map_err(|e| ImageError::broken(&archive.place, e.to_string()))?;
            let descriptor = packed.descriptor.clone();
            if registry.has_blob(&descriptor.digest).await? {
                return Ok((descriptor, false));
            }
            let whole = Span {
                path: packed.file.path().to_owned(),
                start: 0,
                size: descriptor.size,
            };
            send(registry, &descriptor, &whole, tell).await?;
            Ok((descriptor, true))
        }
    }
}

async fn send(
    registry: &Registry,
    layer: &Descriptor,
    span: &Span,
    tell: Tell<'_>,
) -> Result<(), DeployError> {
    let (attempts, mut begun) = mpsc::unbounded_channel();
    let body = |progress: UploadProgress| {
        // Nobody listens any more once the layer has been sent.
        let _ = attempts.send(progress.subscribe());
        read_span(span.clone(), progress)
    };
    let sending = registry.push_blob(&layer.digest, layer.size, body);
    tokio::pin!(sending);
    let mut progress = watch::Sender::new(0).subscribe();
    loop {
        tokio::select! {
            biased;
            done = &mut sending => {
                done?;
                break;
            }
            Some(attempt) = begun.recv() => progress = attempt,
            Ok(()) = progress.changed() => {}
        }
        let sent = *progress.borrow_and_update();
        tell(Said::Sending {
            digest: layer.digest.clone(),
            sent,
            size: layer.size,
        });
    }
    tell(Said::Sent {
        digest: layer.digest.clone(),
        size: layer.size,
    });
    Ok(())
}

/// The bytes of a span in small parts, so that progress on a slow link shows. Reports how far it has been read.
fn read_span(
    span: Span,
    progress: UploadProgress,
) -> impl futures::Stream<Item = InnerResult<Bytes>> + Send + 'static {
    let start = (None, 0);
    stream::try_unfold(start, move |(file, done)| {
        let (span, progress) = (span.clone(), progress.clone());
        async move {
            progress.set(done);
            if done >= span.size {
                return Ok(None);
            }
            let mut file = match file {
                Some(file) => file,
                None => open_at(&span.path, span.start).await?,
            };
            let part = read_part(&mut file, span.size - done).await?;
            let next = done + part.len() as u64;
            Ok::<_, OciDistributionError>(Some((part, (Some(file), next))))
        }
    })
}

async fn open_at(path: &Path, start: u64) -> std::io::Result<File> {
    let mut file = File::open(path).await?;
    file.seek(SeekFrom::Start(start)).await?;
    Ok(file)
}

/// The next part of a file of which `left` bytes are to be read.
async fn read_part(file: &mut File, left: u64) -> std::io::Result<Bytes> {
    let size = usize::try_from(left).unwrap_or(PART).min(PART);
    let mut bytes = BytesMut::zeroed(size);
    let read = file.read(&mut bytes).await?;
    if read == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    bytes.truncate(read);
    Ok(bytes.freeze())
}
