//! Multipart uploads: read piece by piece up to a cap, then judged by signature and stored under a random name.

use axum::RequestExt;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header;
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::error::{ApiError, Issue, Result};
use crate::sniff::{self, Kind};

/// Files shorter than this are no files.
const MIN_BYTES: usize = 10;
/// The longest text field beside a file.
const MAX_TEXT: usize = 16 * 1024;
const NUL: &str = "A form field contains null characters";

/// A multipart body. Its refusal is an input error of the field `file`.
pub struct Form(Multipart);

/// A form whose files may be left out: multipart, or the plain form that HTTP clients send when there is no file.
pub enum MixedForm {
    Multipart(Form),
    Plain(Vec<(String, String)>),
}

/// A whole upload, within its cap and of an allowed type.
pub struct Upload {
    pub bytes: Bytes,
    pub kind: Kind,
    /// The client's name for it, for display only.
    pub file_name: Option<String>,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let form = Multipart::from_request(request, state).await;
        form.map(Form)
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
    /// The next part and its name, `None` at the end.
    ///
    /// # Errors
    /// 400 when the body is no proper multipart, 413 when it is too large.
    pub async fn next(&mut self) -> Result<Option<(String, Field<'_>)>> {
        let field = self.0.next_field().await.map_err(|e| broken(&e))?;
        Ok(field.map(|f| (f.name().unwrap_or_default().to_owned(), f)))
    }

    /// The one file under `file`; other fields are handed to `other` as text.
    ///
    /// # Errors
    /// 422 without a file, 413 beyond `cap` bytes, 400 for a file that is too short or of none of the `kinds`.
    pub async fn file(
        mut self,
        cap: usize,
        kinds: &[Kind],
        mut other: impl FnMut(&str, String),
    ) -> Result<Upload> {
        let mut found = None;
        while let Some((name, field)) = self.next().await? {
            if name == "file" && found.is_none() {
                found = Some(read_file(field, cap, kinds).await?);
            } else if field.file_name().is_none() {
                other(&name, read_text(field).await?);
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

/// Reads a file part.
///
/// # Errors
/// As [`Form::file`].
pub async fn read_file(field: Field<'_>, cap: usize, kinds: &[Kind]) -> Result<Upload> {
    let file_name = field.file_name().map(str::to_owned);
    let bytes = read_capped(field, cap).await?;
    if bytes.len() < MIN_BYTES {
        return Err(ApiError::bad("File is empty or too small"));
    }
    let kind = sniff::sniff(&bytes).filter(|k| kinds.contains(k));
    let kind = kind.ok_or_else(|| ApiError::bad("File type is not supported"))?;
    Ok(Upload {
        bytes,
        kind,
        file_name,
    })
}

/// Reads a text part of at most 16 KiB.
///
/// # Errors
/// 413 when longer, 400 when it is not UTF-8 or holds a null character.
pub async fn read_text(field: Field<'_>) -> Result<String> {
    let bytes = read_capped(field, MAX_TEXT).await?;
    let text = String::from_utf8(bytes.to_vec())
        .map_err(|_| ApiError::bad("A form field is not UTF-8"))?;
    if text.contains('\0') {
        return Err(ApiError::bad(NUL));
    }
    Ok(text)
}

async fn read_capped(mut field: Field<'_>, cap: usize) -> Result<Bytes> {
    let mut all = BytesMut::new();
    let mut too_large = false;
    while let Some(piece) = field.chunk().await.map_err(|e| broken(&e))? {
        too_large = too_large || all.len() + piece.len() > cap;
        if too_large {
            // Read on without keeping: a caller still sending would never see the answer. The body's own limit ends it.
            all = BytesMut::new();
        } else {
            all.extend_from_slice(&piece);
        }
    }
    if too_large {
        return Err(ApiError::TooLarge(format!(
            "File too large: the limit is {} MB",
            cap / (1024 * 1024)
        )));
    }
    Ok(all.freeze())
}

/// Files stored for a row that is not written yet. Unless kept they go again, however the request ends: refused, given up or cut off.
pub struct Pending {
    app: App,
    keys: Vec<String>,
    stored: Vec<String>,
}

impl Pending {
    #[must_use]
    pub fn new(app: &App) -> Pending {
        Pending {
            app: app.clone(),
            keys: Vec::new(),
            stored: Vec::new(),
        }
    }

    /// Stores a file under `folder` (`<kind>/<id>`) and returns the stored value.
    ///
    /// # Errors
    /// 503 when the storage does not take it.
    pub async fn store(&mut self, upload: &Upload, folder: &str) -> Result<String> {
        let (name, kind) = (Uuid::new_v4().simple(), upload.kind);
        let key = format!("{folder}/{name}.{}", kind.extension);
        // Noted before: a storage that did not answer may still have taken it.
        self.keys.push(key.clone());
        let bytes = upload.bytes.clone();
        let stored = self.app.objects.put(&key, bytes, kind.content_type).await?;
        self.stored.push(stored.clone());
        Ok(stored)
    }

    /// The stored values, in the order of their files.
    #[must_use]
    pub fn stored(&self) -> &[String] {
        &self.stored
    }

    /// Lets the files stay. Said just before the commit: one whose answer is lost may have been done, and a row without its file is
    /// worse than a file without its row.
    pub fn keep(mut self) {
        self.keys.clear();
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let (app, keys) = (self.app.clone(), std::mem::take(&mut self.keys));
        // Without a runtime the program is at its end.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if !keys.is_empty() {
            runtime.spawn(async move {
                for key in keys {
                    app.objects.delete(&key).await;
                }
            });
        }
    }
}
