//! Attachments, uploaded before they are sent.

use axum::extract::{DefaultBodyLimit, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::auth::User;
use crate::error::Result;
use crate::extract::Json;
use crate::files::Awaits;
use crate::routes;
use crate::sniff::{self, Class, Kind};
use crate::upload::{Allowed, Form, Pending, Upload};

const MB: usize = 1024 * 1024;
const IMAGE_CAP: usize = 10 * MB;
const LARGE_CAP: usize = 50 * MB;
const VOICE_CAP: usize = 10 * MB;
/// Characters of a file's name, as of the names in a message; and of what follows its last dot.
const MAX_NAME: usize = 255;
const MAX_ENDING: usize = 16;
/// Room for the multipart frame around the file.
const FRAME: usize = MB;

const MEDIA: [Kind; 6] = [
    sniff::JPEG,
    sniff::PNG,
    sniff::GIF,
    sniff::WEBP,
    sniff::MP4,
    sniff::QUICKTIME,
];
/// An MP4 container may hold sound alone.
const VOICE: [Kind; 6] = [
    sniff::MP3,
    sniff::AUDIO_MP4,
    sniff::MP4,
    sniff::WEBM,
    sniff::WAV,
    sniff::OGG,
];
const FILES: [Kind; 6] = [
    sniff::PDF,
    sniff::OLE,
    sniff::DOCX,
    sniff::XLSX,
    sniff::ZIP,
    sniff::TEXT,
];

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(media))
        .routes(routes!(voice))
        .routes(routes!(file))
        .layer(DefaultBodyLimit::max(LARGE_CAP + FRAME))
}

#[derive(ToSchema)]
#[allow(dead_code)] // documents the multipart body
pub struct FileForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

#[derive(Serialize, ToSchema)]
pub struct MediaUpload {
    url: String,
    media_type: &'static str,
    file_size: usize,
    content_type: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct VoiceUpload {
    url: String,
    duration: Option<i64>,
    file_size: usize,
}

#[derive(Serialize, ToSchema)]
pub struct FileUpload {
    url: String,
    filename: Option<String>,
    file_size: usize,
    content_type: &'static str,
}

async fn stored(app: &App, user: &User, upload: &Upload, folder: &str) -> Result<String> {
    let mut file = Pending::new(app, Awaits::Message);
    let folder = format!("dm_media/{}/{folder}", user.id);
    let stored = file.store(upload, &folder).await?;
    // The message that names it comes later, or never.
    file.keep();
    Ok(app.objects.address(&stored).await)
}

/// Uploads a picture (10 MB) or a video (50 MB).
#[utoipa::path(post, path = "/dms/upload/media", tag = "dms", request_body(content = FileForm, content_type = "multipart/form-data"),
    responses((status = 200, body = MediaUpload), (status = 413, description = "Too large")))]
async fn media(State(app): State<App>, user: User, form: Form) -> Result<Json<MediaUpload>> {
    let slot = form.admit(&app, user.id)?;
    let allowed = Allowed {
        picture_cap: IMAGE_CAP,
        ..Allowed::up_to(LARGE_CAP, &MEDIA)
    };
    let upload = form.file(&app, &slot, allowed, |_, _| {}).await?;
    let folder = if upload.kind.class == Class::Video {
        "videos"
    } else {
        "photos"
    };
    let url = stored(&app, &user, &upload, folder).await?;
    let (file_size, content_type) = (upload.file.size(), upload.kind.content_type);
    Ok(Json(MediaUpload {
        url,
        media_type: folder,
        file_size,
        content_type,
    }))
}

/// Uploads a voice message (10 MB).
#[utoipa::path(post, path = "/dms/upload/voice", tag = "dms", request_body(content = FileForm, content_type = "multipart/form-data"),
    responses((status = 200, body = VoiceUpload), (status = 413, description = "Too large")))]
async fn voice(State(app): State<App>, user: User, form: Form) -> Result<Json<VoiceUpload>> {
    let mut duration = None;
    let note = |name: &str, value: String| {
        if name == "duration" {
            duration = value.trim().parse().ok().filter(|d| (1..=300).contains(d));
        }
    };
    let slot = form.admit(&app, user.id)?;
    let allowed = Allowed::up_to(VOICE_CAP, &VOICE);
    let upload = form.file(&app, &slot, allowed, note).await?;
    let url = stored(&app, &user, &upload, "voice").await?;
    Ok(Json(VoiceUpload {
        url,
        duration,
        file_size: upload.file.size(),
    }))
}

/// The name as a message takes it: its beginning and its ending, where it is too long.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= MAX_NAME {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let ending = match ending.chars().count() {
        1..=MAX_ENDING => format!(".{ending}"),
        _ => String::new(),
    };
    let start = MAX_NAME - ending.chars().count();
    name.chars().take(start).chain(ending.chars()).collect()
}

/// Uploads a document (50 MB).
#[utoipa::path(post, path = "/dms/upload/file", tag = "dms", request_body(content = FileForm, content_type = "multipart/form-data"),
    responses((status = 200, body = FileUpload), (status = 413, description = "Too large")))]
async fn file(State(app): State<App>, user: User, form: Form) -> Result<Json<FileUpload>> {
    let slot = form.admit(&app, user.id)?;
    let allowed = Allowed::up_to(LARGE_CAP, &FILES);
    let upload = form.file(&app, &slot, allowed, |_, _| {}).await?;
    let url = stored(&app, &user, &upload, "files").await?;
    let (file_size, content_type) = (upload.file.size(), upload.kind.content_type);
    Ok(Json(FileUpload {
        url,
        filename: upload.file_name.map(|name| shortened(&name)),
        file_size,
        content_type,
    }))
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_long_name_is_cut_before_its_ending() {
        assert_eq!(shortened("report.pdf"), "report.pdf");
        let cut = shortened(&format!("{}.pdf", "ü".repeat(10_000)));
        assert_eq!(cut.chars().count(), 255);
        assert!(cut.ends_with("ü.pdf"), "{cut}");
        let no_ending = shortened(&"x".repeat(300));
        assert_eq!(no_ending.chars().count(), 255);
        let odd = shortened(&format!("a.{}", "b".repeat(300)));
        assert_eq!(odd.chars().count(), 255);
    }
}
