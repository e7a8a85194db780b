use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::*;
use crate::aws::credentials::CredentialsOutage;

/// What the SDK makes of a call that did not get out.
fn unsent(source: impl std::error::Error + Send + Sync + 'static) -> CloudError {
    let failure = ConnectorError::other(Box::new(source), None);
    let error: SdkError<GetCallerIdentityError, Response> = SdkError::dispatch_failure(failure);
    aws_error("sts:GetCallerIdentity", error)
}

#[test]
fn an_endpoint_that_is_away_is_no_missing_login() {
    let refused = || std::io::Error::other("tcp connect error: Connection refused (os error 111)");
    for (error, class, code) in [
        (unsent(refused()), Class::Unreachable, "NoAnswer"),
        // A host may have any name.
        (
            unsent(std::io::Error::other(
                "dns error: no address for credentials.example.com",
            )),
            Class::Unreachable,
            "NoAnswer",
        ),
        (
            unsent(CredentialsError::provider_error(CredentialsOutage(
                "STS answered with 503".into(),
            ))),
            Class::Unreachable,
            "CredentialsUnavailable",
        ),
        // The session is over, whatever the network did before.
        (
            unsent(CredentialsError::provider_error(refused())),
            Class::Credentials,
            "NoAnswer",
        ),
        (
            unsent(CredentialsError::not_loaded("no providers in chain")),
            Class::Credentials,
            "NoAnswer",
        ),
        (
            unsent(std::io::Error::other("connection reset by peer")),
            Class::Unknown,
            "NoAnswer",
        ),
    ] {
        assert_eq!((error.class, error.code.as_str()), (class, code), "{error}");
    }
}

/// Long: a table, one row an answer.
#[test]
fn codes_are_classified_by_what_happens_next() {
    for (action, code, message, status, class) in [
        (
            "ec2:CreateVpc",
            "RequestLimitExceeded",
            "",
            503,
            Class::Throttled,
        ),
        ("ec2:CreateVpc", "VpcLimitExceeded", "", 400, Class::Quota),
        (
            "ec2:DescribeVpcs",
            "InvalidVpcID.NotFound",
            "",
            400,
            Class::NotFound,
        ),
        (
            "ec2:DeleteVpc",
            "DependencyViolation",
            "",
            400,
            Class::InUse,
        ),
        (
            "ec2:ReleaseAddress",
            "InvalidIPAddress.InUse",
            "",
            400,
            Class::InUse,
        ),
        (
            "ec2:CreateSecurityGroup",
            "InvalidGroup.Duplicate",
            "",
            400,
            Class::Exists,
        ),
        (
            "ec2:ReleaseAddress",
            "AuthFailure",
            "the address is not yours",
            403,
            Class::Denied,
        ),
        (
            "ec2:DescribeVpcs",
            "AuthFailure",
            "not able to validate",
            401,
            Class::Credentials,
        ),
        (
            "logs:CreateLogGroup",
            "LimitExceededException",
            "",
            400,
            Class::Quota,
        ),
        (
            "rds:DescribeDBInstances",
            "DBInstanceNotFound",
            "",
            404,
            Class::NotFound,
        ),
        (
            "rds:CreateDBInstance",
            "DBInstanceAlreadyExists",
            "",
            400,
            Class::Exists,
        ),
        (
            "ecs:CreateService",
            "InvalidParameterException",
            "it is still Draining.",
            400,
            Class::NotYet,
        ),
        (
            "ecs:CreateService",
            "InvalidParameterException",
            "bad cpu",
            400,
            Class::Invalid,
        ),
        ("ec2:CreateVpc", "InternalError", "", 500, Class::Unknown),
        ("ec2:CreateVpc", NAMELESS, "", 501, Class::Unsupported),
        (
            "s3:PutBucketCors",
            "NotImplemented",
            "",
            501,
            Class::Unsupported,
        ),
        (
            "ec2:DescribeVpcs",
            "InternalFailure",
            "",
            501,
            Class::Unsupported,
        ),
        (
            "elasticloadbalancing:DescribeRules",
            "InvalidAction",
            "",
            400,
            Class::Unsupported,
        ),
        (
            "secretsmanager:BatchGetSecretValue",
            "UnknownOperationException",
            "",
            404,
            Class::Unsupported,
        ),
        (
            "ec2:CreateVpc",
            "InvalidParameterValue",
            "",
            400,
            Class::Invalid,
        ),
    ] {
        assert_eq!(
            classify(action, code, message, status),
            class,
            "{action} {code}"
        );
    }
}

#[test]
fn an_auth_failure_is_about_credentials_only_where_ec2_says_so() {
    let class =
        |message: &str, status| classify("ec2:ReleaseAddress", "AuthFailure", message, status);
    let keys = "AWS was not able to validate the provided access credentials";
    assert_eq!(class(keys, 401), Class::Credentials);
    for other in [
        "You do not have permission to access the specified resource.",
        "The address '203.0.113.7' does not belong to you.",
        "Not authorized for images: [ami-1]",
        "",
    ] {
        for status in [400, 401, 403] {
            assert_eq!(class(other, status), Class::Denied, "{other}");
        }
    }
}

/// Codes of the services' error lists, as far as a stack can meet them.
#[test]
fn quotas_are_told_from_throttles() {
    for code in [
        "TooManyLoadBalancers",
        "TooManyTargetGroups",
        "TooManyUniqueTargetGroupsPerLoadBalancer",
        "TooManyCertificates",
        "TooManyActions",
        "TooManyTargets",
        "TooManyTags",
        "TooManyRules",
        "TooManyRegistrationsForTargetId",
        "TargetGroupAssociationLimit",
        "TooManyBuckets",
        "AddressLimitExceeded",
        "RulesPerSecurityGroupLimitExceeded",
        "NatGatewayLimitExceeded",
        "LimitExceeded",
        "LimitExceededException",
        "InstanceQuotaExceeded",
        "StorageQuotaExceeded",
        "DBSubnetQuotaExceededFault",
        "DBSubnetGroupQuotaExceeded",
        "SnapshotQuotaExceeded",
        "ServiceQuotaExceededException",
        "AttributeLimitExceededException",
    ] {
        assert_eq!(classify("x:Y", code, "", 400), Class::Quota, "{code}");
    }
    for code in [
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
    ] {
        assert_eq!(classify("x:Y", code, "", 429), Class::Throttled, "{code}");
    }
}
