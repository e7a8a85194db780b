//! Sending an archive's image to the registry: what is there is not sent, what was cut is sent again, several layers side by side.

use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use oci_client::errors::{OciDistributionError, Result as InnerResult};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;

use super::archive::{self, Archive, Layer, Span};
use super::error::DeployError;
use super::image::{Descriptor, ImageError, Manifest};
use super::packing::{self, Memory};
use super::registry::{PART, Registry};
use super::said::{Said, Tell};

/// Layers that are sent side by side.
const SIDE_BY_SIDE: usize = 4;

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
            .push_blob(&manifest.config.digest, || stream::iter([Ok(raw.clone())]))
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
    let (told, mut news) = mpsc::unbounded_channel();
    let bytes = || parts(span.clone(), told.clone());
    let sending = registry.push_blob(&layer.digest, bytes);
    tokio::pin!(sending);
    loop {
        tokio::select! {
            done = &mut sending => {
                done?;
                break;
            }
            Some(sent) = news.recv() => tell(Said::Sending {
                digest: layer.digest.clone(),
                sent,
                size: layer.size,
            }),
        }
    }
    tell(Said::Sent {
        digest: layer.digest.clone(),
        size: layer.size,
    });
    Ok(())
}

/// A file's span in parts, each as large as one request takes. Says how far it has been read.
fn parts(
    span: Span,
    told: mpsc::UnboundedSender<u64>,
) -> impl futures::Stream<Item = InnerResult<Bytes>> + Send + 'static {
    let span = Arc::new(span);
    stream::try_unfold(0, move |done| {
        let (span, told) = (span.clone(), told.clone());
        async move {
            // Nobody listens any more once the layer has been sent.
            let _ = told.send(done);
            if done >= span.size {
                return Ok(None);
            }
            let part = part(
                &span.path,
                span.start + done,
                (span.size - done).min(PART as u64),
            )
            .await
            .map_err(OciDistributionError::IoError)?;
            let next = done + part.len() as u64;
            Ok(Some((part, next)))
        }
    })
}

async fn part(path: &Path, start: u64, size: u64) -> std::io::Result<Bytes> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(SeekFrom::Start(start)).await?;
    let mut bytes = BytesMut::with_capacity(usize::try_from(size).unwrap_or(PART));
    let mut file = file.take(size);
    while file.read_buf(&mut bytes).await? > 0 {}
    if (bytes.len() as u64) < size {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.freeze())
}
