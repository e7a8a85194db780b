//! Multipart uploads: judged by their signature, written to a temporary file piece by piece up to a cap, and stored under a random name.

use axum::RequestExt;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header;
use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::error::{ApiError, Issue, Result};
use crate::files::{self, Awaits};
use crate::sniff::{self, Class, Kind, picture_size};
use crate::spool::{SpoolWriter, SpooledFile};
use crate::trace;
use crate::upload_slots::Slot;

/// Files shorter than this are no files.
const MIN_BYTES: usize = 10;
/// The longest text field beside a file.
const MAX_TEXT: usize = 16 * 1024;
const NUL: &str = "A form field contains null characters";

/// The first bytes of a file, enough to tell its type.
const HEAD: usize = sniff::HEAD;

/// A multipart body. Its refusal is an input error of the field `file`.
pub struct Form {
    parts: Multipart,
    /// What the request's head tells of the body's length.
    length: Option<u64>,
}

/// What a file may be.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    pub kinds: &'a [Kind],
    /// The largest size, in bytes.
    pub cap: usize,
    /// The largest size of a picture, where that is smaller.
    pub picture_cap: usize,
}

impl<'a> Allowed<'a> {
    #[must_use]
    pub const fn up_to(cap: usize, kinds: &'a [Kind]) -> Allowed<'a> {
        Allowed {
            kinds,
            cap,
            picture_cap: cap,
        }
    }

    fn cap_of(&self, kind: Kind) -> usize {
        if kind.class == Class::Image {
            self.picture_cap
        } else {
            self.cap
        }
    }
}

/// A form whose files may be left out: multipart, or the plain form that HTTP clients send when there is no file.
pub enum MixedForm {
    Multipart(Form),
    Plain(Vec<(String, String)>),
}

/// A whole upload, within its cap and of an allowed type, in a temporary file.
pub struct Upload {
    pub file: SpooledFile,
    pub kind: Kind,
    /// The client's name for it, for display only.
    pub file_name: Option<String>,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|l| l.to_str().ok()?.parse().ok());
        let parts = Multipart::from_request(request, state).await;
        parts
            .map(|parts| Form { parts, length })
            .map_err(|_: MultipartRejection| missing("file"))
    }
}

impl<S: Send + Sync> FromRequest<S> for MixedForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let plain = kind.is_some_and(|k| {
            k.as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
        if !plain {
            return Form::from_request(request, state)
                .await
                .map(Self::Multipart);
        }
        let limited = request.into_limited_body();
        let bytes = axum::body::to_bytes(limited, MAX_TEXT)
            .await
            .map_err(|_| ApiError::TooLarge("Request body is too large".to_owned()))?;
        let pairs: Vec<(String, String)> = form_urlencoded::parse(&bytes).into_owned().collect();
        if pairs.iter().any(|(_, value)| value.contains('\0')) {
            return Err(ApiError::bad(NUL));
        }
        Ok(Self::Plain(pairs))
    }
}

fn missing(field: &str) -> ApiError {
    ApiError::Invalid(vec![Issue {
        kind: "missing",
        loc: vec![json!("body"), json!(field)],
        msg: "Field required".to_owned(),
        input: Value::Null,
    }])
}

impl Form {
    /// Takes a slot for the upload; to be held until the files are stored.
    ///
    /// # Errors
    /// 429 or 503 when too many are under way.
    pub fn admit(&self, app: &App, user: i64) -> Result<Slot> {
        app.uploads.take(user, self.length)
    }

    /// The next part and its name, `None` at the end.
    ///
    /// # Errors
    /// 400 when the body is no proper multipart, 413 when it is too large.
    pub async fn next(&mut self, app: &App) -> Result<Option<(String, Field<'_>)>> {
        let field = in_time(app, self.parts.next_field()).await?;
        let field = field.map_err(|e| broken(&e))?;
        Ok(field.map(|f| (f.name().unwrap_or_default().to_owned(), f)))
    }

    /// The one file under `file`; other fields are handed to `other` as text.
    ///
    /// # Errors
    /// 422 without a file, 413 beyond its cap, 400 for a file that is too short or of none of the kinds.
    pub async fn file(
        mut self,
        app: &App,
        slot: &Slot,
        allowed: Allowed<'_>,
        mut other: impl FnMut(&str, String),
    ) -> Result<Upload> {
        let mut found = None;
        while let Some((name, field)) = self.next(app).await? {
            if name == "file" && found.is_none() {
                found = Some(read_file(app, slot, field, allowed).await?);
            } else if field.file_name().is_none() {
                other(&name, read_text(app, field).await?);
            }
        }
        found.ok_or_else(|| missing("file"))
    }
}

fn broken(error: &axum::extract::multipart::MultipartError) -> ApiError {
    if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::TooLarge("Request body is too large".to_owned())
    } else {
        ApiError::bad("Malformed multipart body")
    }
}

/// An upload that sends nothing for too long is given up.
async fn in_time<T>(app: &App, read: impl Future<Output = T>) -> Result<T> {
    let limit = app.config.uploads.stall;
    tokio::time::timeout(limit, read).await.map_err(|_| {
        let seconds = limit.as_secs_f64();
        ApiError::bad(format!("The upload sent nothing for {seconds} seconds"))
    })
}

async fn next_piece(app: &App, field: &mut Field<'_>) -> Result<Option<Bytes>> {
    in_time(app, field.chunk()).await?.map_err(|e| broken(&e))
}

/// Reads a file part into a temporary file.
///
/// # Errors
/// As [`Form::file`]; 503 when the disk is full.
pub async fn read_file(
    app: &App,
    slot: &Slot,
    mut field: Field<'_>,
    allowed: Allowed<'_>,
) -> Result<Upload> {
    let file_name = field.file_name().map(str::to_owned);
    let (mut head, mut ended) = (Vec::new(), false);
    while head.len() < HEAD && !ended {
        match next_piece(app, &mut field).await? {
            Some(piece) => {
                slot.note(piece.len());
                head.extend_from_slice(&piece);
            }
            None => ended = true,
        }
    }
    if head.len() < MIN_BYTES {
        return Err(ApiError::bad("File is empty or too small"));
    }
    let kind = sniff::sniff(&head).filter(|k| allowed.kinds.contains(k));
    let kind = kind.ok_or_else(unsupported)?;
    let cap = allowed.cap_of(kind);
    let mut writer = app.spool.create().await.map_err(|e| unwritable(&e))?;
    write(&mut writer, &head, cap).await?;
    drop(head);
    while let Some(piece) = next_piece(app, &mut field).await? {
        slot.note(piece.len());
        write(&mut writer, &piece, cap).await?;
    }
    let file = writer.finish().await.map_err(|e| unwritable(&e))?;
    check_picture(&file, kind).await?;
    Ok(Upload {
        file,
        kind,
        file_name,
    })
}

/// Refuses a picture that unfolds to too much. Its size may stand behind what is read to tell the type.
async fn check_picture(file: &SpooledFile, kind: Kind) -> Result<()> {
    if kind.class != Class::Image {
        return Ok(());
    }
    let head = file.head(picture_size::HEAD).await;
    let head = head.map_err(|e| unwritable(&e))?;
    if picture_size::is_acceptable(kind, &head) {
        Ok(())
    } else {
        Err(unsupported())
    }
}

fn unsupported() -> ApiError {
    ApiError::bad("File type is not supported")
}

async fn write(writer: &mut SpoolWriter, piece: &[u8], cap: usize) -> Result<()> {
    if writer.size() + piece.len() > cap {
        return Err(ApiError::TooLarge(format!(
            "File too large: the limit is {} MB",
            cap / (1024 * 1024)
        )));
    }
    writer.write(piece).await.map_err(|e| unwritable(&e))
}

/// A full disk is like a storage that is away.
fn unwritable(cause: &std::io::Error) -> ApiError {
    tracing::error!(cause = %cause, request_id = %trace::request_id(), "an upload cannot be written to the disk");
    ApiError::Unavailable
}

/// Reads a text part of at most 16 KiB.
///
/// # Errors
/// 413 when longer, 400 when it is not UTF-8 or holds a null character.
pub async fn read_text(app: &App, mut field: Field<'_>) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(app, &mut field).await? {
        if bytes.len() + piece.len() > MAX_TEXT {
            return Err(ApiError::TooLarge("A form field is too long".to_owned()));
        }
        bytes.extend_from_slice(&piece);
    }
    let text = String::from_utf8(bytes).map_err(|_| ApiError::bad("A form field is not UTF-8"))?;
    if text.contains('\0') {
        return Err(ApiError::bad(NUL));
    }
    Ok(text)
}

/// Files stored for a row that is not written yet. Unless kept they go again, however the request ends: refused, given up or cut off.
pub struct Pending {
    app: App,
    awaits: Awaits,
    /// The value of a file that the storage is taking.
    in_doubt: Option<String>,
    stored: Vec<String>,
    kept: bool,
}

impl Pending {
    #[must_use]
    pub fn new(app: &App, awaits: Awaits) -> Pending {
        Pending {
            app: app.clone(),
            awaits,
            in_doubt: None,
            stored: Vec::new(),
            kept: false,
        }
    }

    /// Stores a file under `folder` (`<kind>/<id>`) and returns the stored value.
    ///
    /// # Errors
    /// 503 when the storage does not take it.
    pub async fn store(&mut self, upload: &Upload, folder: &str) -> Result<String> {
        let (name, kind) = (Uuid::new_v4().simple(), upload.kind);
        let key = format!("{folder}/{name}.{}", kind.extension);
        let stored = self.app.objects.stored(&key);
        files::register(&self.app, &stored, self.awaits).await?;
        // A storage that did not answer may still have taken it.
        self.in_doubt = Some(stored.clone());
        let objects = &self.app.objects;
        objects.put(&key, &upload.file, kind.content_type).await?;
        self.in_doubt = None;
        self.stored.push(stored.clone());
        Ok(stored)
    }

    /// The stored values, in the order of their files.
    #[must_use]
    pub fn stored(&self) -> &[String] {
        &self.stored
    }

    /// Lets the files stay. Called just before the commit: one whose answer is lost may have been done. The outbox still has them, and
    /// looks later whether a row shows them.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let stored = std::mem::take(&mut self.stored);
        let in_doubt: Vec<String> = self.in_doubt.take().into_iter().collect();
        if self.kept || (stored.is_empty() && in_doubt.is_empty()) {
            return;
        }
        // Without a runtime the program is at its end; the outbox has the files.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let app = self.app.clone();
            runtime.spawn(async move { files::discard(&app, &stored, &in_doubt).await });
        }
    }
}
