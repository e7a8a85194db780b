"""S3: the outermost element of its answers. moto names it after the call, as the query protocol does; S3 has a name of its own for each,
and SDKs that read strictly refuse any other. API pages: the response syntax of each call."""

from __future__ import annotations

from moto.core.serialize import S3Serializer

from .patch import replaces

ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}


def install() -> None:
    @replaces(S3Serializer, "_serialize_body")
    def serialize_body(original, self, body):
        name = self.operation_model.name
        wrong = f"{name}Response"
        if name in ROOTS and wrong in body:
            body = {ROOTS[name]: body[wrong]}
        return original(self, body)
