//! The outermost element of S3's answers. S3 has a name of its own for each; servers that speak its protocol besides AWS call it after
//! the operation, as the query protocol does, and most clients do not look at it. The SDK refuses any but the one it knows, so the one
//! that was meant is put in its place.
//!
//! `Error` is never meant. S3 may put it into an answer with status 200 (awslabs/aws-sdk-rust#873,
//! awslabs/aws-sdk-kotlin#199): such an answer becomes one that cannot be read, which leaves open
//! whether the call was carried out, and is repeated as any other of its kind.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

/// What S3 calls them (API reference, the response syntax of each operation).
const ROOTS: &[(&str, &str)] = &[
    ("CompleteMultipartUpload", "CompleteMultipartUploadResult"),
    ("CreateMultipartUpload", "InitiateMultipartUploadResult"),
    ("DeleteObjects", "DeleteResult"),
    ("GetBucketCors", "CORSConfiguration"),
    ("GetBucketEncryption", "ServerSideEncryptionConfiguration"),
    ("GetBucketLifecycleConfiguration", "LifecycleConfiguration"),
    ("GetBucketOwnershipControls", "OwnershipControls"),
    ("GetBucketTagging", "Tagging"),
    ("GetBucketVersioning", "VersioningConfiguration"),
    ("GetPublicAccessBlock", "PublicAccessBlockConfiguration"),
    ("ListBuckets", "ListAllMyBucketsResult"),
    ("ListMultipartUploads", "ListMultipartUploadsResult"),
    ("ListObjectVersions", "ListVersionsResult"),
    ("ListObjectsV2", "ListBucketResult"),
];

/// Puts the right outermost element in place, where another one stands.
pub fn mended() -> SharedInterceptor {
    SharedInterceptor::new(Mend)
}

#[derive(Debug)]
struct Mend;

impl Intercept for Mend {
    fn name(&self) -> &'static str {
        "Mend"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = bag
            .load::<Metadata>()
            .map(|metadata| metadata.name().to_owned());
        let root = ROOTS
            .iter()
            .find(|(name, _)| operation.as_deref() == Some(name));
        let response = context.response_mut();
        // An object may be any document, also one that is called `Error`.
        let is_document = operation.as_deref() != Some("GetObject");
        if is_document && response.status().is_success() {
            let body = std::mem::replace(response.body_mut(), SdkBody::taken());
            *response.body_mut() = with_root(body, root.map(|(_, root)| *root));
        }
        Ok(())
    }
}

/// The body, read to its end when it is asked for, under that root if one is known.
fn with_root(body: SdkBody, root: Option<&'static str>) -> SdkBody {
    let whole = async move {
        let bytes = body.collect().await?.to_bytes();
        if let Some(error) = error_inside(&bytes) {
            return Err(aws_smithy_types::body::Error::from(error));
        }
        Ok(Frame::data(match root {
            Some(root) => renamed(bytes, root),
            None => bytes,
        }))
    };
    SdkBody::from_body_1_x(StreamBody::new(futures::stream::once(whole)))
}

/// What an answer says whose outermost element is `Error`.
pub fn error_inside(text: &[u8]) -> Option<ErrorInside> {
    let document = std::str::from_utf8(text).ok()?;
    let (_, "Error", rest) = outermost(document)? else {
        return None;
    };
    let element = |name: &str| {
        let (_, rest) = rest.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.to_owned())
    };
    Some(ErrorInside {
        code: element("Code").unwrap_or_else(|| "Unknown".into()),
        message: element("Message").unwrap_or_default(),
    })
}

/// An error in an answer whose status says that all is well.
#[derive(Debug, thiserror::Error)]
#[error("the answer contains the error {code}: {message}")]
pub struct ErrorInside {
    pub code: String,
    pub message: String,
}

/// `text` with its outermost element called `root`; anything that is not such a document stays as it is.
fn renamed(text: Bytes, root: &str) -> Bytes {
    let Ok(document) = std::str::from_utf8(&text) else {
        return text;
    };
    let Some((before, name, after)) = outermost(document) else {
        return text;
    };
    if name == root {
        return text;
    }
    let end = format!("</{name}>");
    let mended = match after.trim_end().strip_suffix(&end) {
        Some(inner) => format!("{before}{root}{inner}</{root}>"),
        // `<Root/>`.
        None => format!("{before}{root}{after}"),
    };
    Bytes::from(mended)
}

/// What stands before the first element's name, the name, and what comes after it.
fn outermost(document: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + document[from..].find('<')? + 1;
        let rest = &document[open..];
        if !rest.starts_with(['?', '!']) {
            let length = rest.find(|c: char| c.is_whitespace() || c == '/' || c == '>')?;
            let (name, after) = rest.split_at(length);
            return (length > 0).then_some((&document[..open], name, after));
        }
        from = open;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mend(text: &'static str) -> String {
        let mended = renamed(Bytes::from(text), "VersioningConfiguration");
        String::from_utf8(mended.to_vec()).expect("text")
    }

    #[test]
    fn the_outermost_element_gets_its_name() {
        for (said, meant) in [
            (
                "<?xml version=\"1.0\"?>\n<GetBucketVersioningResponse xmlns=\"x\"><Status>Enabled</Status></GetBucketVersioningResponse>\n",
                "<?xml version=\"1.0\"?>\n<VersioningConfiguration xmlns=\"x\"><Status>Enabled</Status></VersioningConfiguration>",
            ),
            (
                "<GetBucketVersioningResponse xmlns=\"x\"/>",
                "<VersioningConfiguration xmlns=\"x\"/>",
            ),
            (
                "<!-- made --><Other/>",
                "<!-- made --><VersioningConfiguration/>",
            ),
        ] {
            assert_eq!(mend(said), meant);
        }
    }

    #[tokio::test]
    async fn an_error_inside_a_success_is_no_empty_list() {
        let text = "<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
        for root in [Some("ListBucketResult"), None] {
            let read = with_root(SdkBody::from(text), root).collect().await;
            let error = read.expect_err("an error").to_string();
            assert!(error.contains("SlowDown: Please reduce"), "{error}");
        }
        for fine in ["", "{}", "<ListBucketResult/>", "<ErrorDocument/>"] {
            assert!(error_inside(fine.as_bytes()).is_none(), "{fine}");
            let read = with_root(SdkBody::from(fine), None).collect().await;
            assert_eq!(read.expect("a body").to_bytes(), fine);
        }
    }

    #[test]
    fn what_is_right_or_no_document_stays_as_it_is() {
        for text in [
            "<VersioningConfiguration xmlns=\"x\"><Status>Enabled</Status></VersioningConfiguration>",
            "",
            "no document",
            "<",
            "<>",
            "<?xml version=\"1.0\"?>",
        ] {
            assert_eq!(mend(text), text);
        }
    }
}
