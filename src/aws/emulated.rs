//! S3 as emulators speak it. Some (moto) name the outermost element of an answer after the call, as the query protocol does; S3 has a name
//! of its own for each (API reference, "Response Syntax"), and the SDK refuses any other. Behind an endpoint of somebody's own those names
//! are set right before the SDK reads them; AWS itself never comes by here.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

/// Of the calls that are made here.
const ROOTS: [(&str, &str); 9] = [
    ("DeleteObjects", "DeleteResult"),
    ("GetBucketCors", "CORSConfiguration"),
    ("GetBucketLifecycleConfiguration", "LifecycleConfiguration"),
    ("GetBucketTagging", "Tagging"),
    ("GetBucketVersioning", "VersioningConfiguration"),
    ("ListBuckets", "ListAllMyBucketsResult"),
    ("ListMultipartUploads", "ListMultipartUploadsResult"),
    ("ListObjectVersions", "ListVersionsResult"),
    ("ListObjectsV2", "ListBucketResult"),
];

pub fn interceptor() -> SharedInterceptor {
    SharedInterceptor::new(Emulated)
}

#[derive(Debug)]
struct Emulated;

impl Intercept for Emulated {
    fn name(&self) -> &'static str {
        "Emulated"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let call = bag.load::<Metadata>().map(|metadata| metadata.name());
        let Some((call, root)) = ROOTS.iter().find(|(name, _)| Some(*name) == call) else {
            return Ok(());
        };
        let body = context.response_mut().body_mut();
        let sent = std::mem::replace(body, SdkBody::taken());
        let read = async move {
            let text = sent.collect().await?.to_bytes();
            Ok::<_, BoxError>(Frame::data(renamed(text, call, root)))
        };
        *body = SdkBody::from_body_1_x(StreamBody::new(stream::once(read)));
        Ok(())
    }
}

fn renamed(text: Bytes, call: &str, root: &str) -> Bytes {
    let wrong = format!("{call}Response");
    match std::str::from_utf8(&text) {
        Ok(answer) if answer.contains(&format!("<{wrong}")) => answer
            .replacen(&format!("<{wrong}"), &format!("<{root}"), 1)
            .replace(&format!("</{wrong}>"), &format!("</{root}>"))
            .into(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outermost_element_is_named_anew() {
        let of = |text: &str| {
            let text = renamed(
                Bytes::from(text.to_owned()),
                "ListObjectsV2",
                "ListBucketResult",
            );
            String::from_utf8(text.to_vec()).unwrap()
        };
        assert_eq!(
            of(
                "<?xml?>\n<ListObjectsV2Response xmlns=\"x\"><Key>ListObjectsV2Response</Key></ListObjectsV2Response>"
            ),
            "<?xml?>\n<ListBucketResult xmlns=\"x\"><Key>ListObjectsV2Response</Key></ListBucketResult>"
        );
        assert_eq!(
            of("<ListObjectsV2Response xmlns=\"x\"/>"),
            "<ListBucketResult xmlns=\"x\"/>"
        );
        for untouched in [
            "<ListBucketResult/>",
            "<Error><Code>NoSuchBucket</Code></Error>",
            "",
        ] {
            assert_eq!(of(untouched), untouched);
        }
    }
}
