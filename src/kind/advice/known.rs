//! Advice for single answers, where it says more than the answer's class does.

use crate::kind::{Class, CloudError};

/// A wire code, a part of its message ("" for any), and what to do.
type Row = (&'static str, &'static str, &'static [&'static str]);

const AGAIN: &str = "then run the same command again";

/// Sources: the services' error lists and user guides; the texts as AWS writes them.
const ROWS: &[Row] = &[
    (
        "OptInRequired",
        "",
        &[
            "this account is not signed up for the service, or the region is not enabled for it: `aws account list-regions` shows the regions, `aws account enable-region --region-name REGION` enables one",
            AGAIN,
        ],
    ),
    (
        "PendingVerification",
        "",
        &[
            "AWS is still verifying this account for the region: that takes minutes, at most some hours, and AWS sends an e-mail when it is done",
            AGAIN,
        ],
    ),
    (
        "Blocked",
        "",
        &["AWS has blocked this account: ask AWS Support (\"Account and billing\") why"],
    ),
    (
        "OperationNotPermitted",
        "does not support creating load balancers",
        &[
            "AWS has not enabled load balancers for this account yet, as for some new ones: ask AWS Support (\"Account and billing\") to enable them",
            AGAIN,
        ],
    ),
    (
        "OperationNotPermitted",
        "deletion protection",
        &[
            "somebody switched deletion protection on: apply the stack, which switches it off where the stack says so, or switch it off with",
            "aws elbv2 modify-load-balancer-attributes --load-balancer-arn ARN --attributes Key=deletion_protection.enabled,Value=false",
        ],
    ),
    (
        "FreeTierRestrictionError",
        "",
        &[
            "the account is on AWS's free plan, which allows the smallest instance class and one day of backups: set `instance_class: db.t4g.micro` and `backup_retention: 1`, or upgrade the account's plan",
            AGAIN,
        ],
    ),
    (
        "InvalidParameterCombination",
        "being optimized",
        &[
            "RDS allows one change of the storage in six hours: run the same command again when the last one is six hours old",
        ],
    ),
    (
        "InvalidSubnet",
        "no internet gateway",
        &[
            "an internet-facing load balancer needs public subnets, in a VPC with an internet gateway: name such subnets, or set `scheme: internal`",
        ],
    ),
    (
        "CertificateNotFound",
        "",
        &[
            "the certificate has to be issued, and to be in the load balancer's region and account: `aws acm list-certificates` shows those",
        ],
    ),
    (
        "TargetGroupAssociationLimit",
        "",
        &[
            "a target group belongs to one load balancer at a time: delete the listeners and rules of the other load balancer that forward to it",
            AGAIN,
        ],
    ),
];

/// What to do about `error`, where its code and text tell.
pub(super) fn advice(error: &CloudError) -> Option<Vec<String>> {
    let message = error.message.to_ascii_lowercase();
    let has = |text: &str| message.contains(&text.to_ascii_lowercase());
    if has("service linked role") || has("service-linked role") || has("ServiceLinkedRole") {
        return service_linked_role(error);
    }
    if tags_are_abac(error) {
        return Some(abac());
    }
    ROWS.iter()
        .find(|(code, text, _)| error.code == *code && has(text))
        .map(|(_, _, lines)| lines.iter().map(|line| (*line).to_owned()).collect())
}

/// The first resource of a service in an account makes the service's role, with the caller's rights.
fn service_linked_role(error: &CloudError) -> Option<Vec<String>> {
    let service = match error.action.split(':').next()? {
        service @ ("ecs" | "elasticloadbalancing" | "rds") => format!("{service}.amazonaws.com"),
        _ => return None,
    };
    // A denial names the action itself, with a statement that grants it.
    (error.class != Class::Denied).then(|| {
        vec![
            format!("the service-linked role of {service} is missing, and the caller may not have made it: grant iam:CreateServiceLinkedRole, or let an administrator run once"),
            format!("aws iam create-service-linked-role --aws-service-name {service}"),
            AGAIN.to_owned(),
        ]
    })
}

/// With attribute-based access control on, a bucket refuses the tagging calls of S3 (API reference, PutBucketAbac).
fn tags_are_abac(error: &CloudError) -> bool {
    matches!(
        error.action.as_str(),
        "s3:PutBucketTagging" | "s3:DeleteBucketTagging"
    ) && [
        "ABAC",
        "Abac",
        "attribute-based",
        "Attribute-based",
        "TagResource",
        "s3control",
    ]
    .iter()
    .any(|word| error.code.contains(word) || error.message.contains(word))
}

fn abac() -> Vec<String> {
    vec![
        "attribute-based access control (ABAC) is on for the bucket, which ends S3's own tagging calls: write `ignore: [tags]` on the bucket, or switch it off with".into(),
        "aws s3api put-bucket-abac --bucket BUCKET --abac-status Status=Disabled".into(),
    ]
}

/// Codes of credentials that AWS does not know: it says the same in a region that the account has not enabled.
pub(super) fn region_may_be_off(error: &CloudError) -> Option<String> {
    matches!(
        error.code.as_str(),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "AuthFailure"
    )
    .then(|| {
        "where they work in other regions: this region may not be enabled for the account (`aws account list-regions`)".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(action: &str, class: Class, code: &str, message: &str) -> String {
        CloudError::new(action, class, code, message)
            .advice()
            .join("\n")
    }

    #[test]
    fn what_a_new_account_meets_says_what_to_do() {
        for (action, code, message, word) in [
            (
                "ec2:CreateVpc",
                "OptInRequired",
                "You are not subscribed to this service. Please go to http://aws.amazon.com to subscribe.",
                "enable-region",
            ),
            (
                "ec2:CreateNatGateway",
                "PendingVerification",
                "Your request for accessing resources in this region is being validated",
                "verifying this account",
            ),
            (
                "elasticloadbalancing:CreateLoadBalancer",
                "OperationNotPermitted",
                "This AWS account currently does not support creating load balancers. For more information, please contact AWS Support.",
                "AWS Support",
            ),
            (
                "rds:CreateDBInstance",
                "FreeTierRestrictionError",
                "The specified backup retention period exceeds the maximum available to free tier customers.",
                "backup_retention: 1",
            ),
            (
                "rds:CreateDBInstance",
                "FreeTierRestrictionError",
                "This instance size isn't available with free plan accounts.",
                "db.t4g.micro",
            ),
            (
                "rds:CreateDBInstance",
                "InvalidParameterValue",
                "Unable to create the resource. Verify that you have permission to create service linked role. Otherwise wait and try again later",
                "--aws-service-name rds.amazonaws.com",
            ),
            (
                "rds:CreateDBSubnetGroup",
                "InvalidParameterValue",
                "Missing necessary credentials to create ServiceLinkedRoles",
                "--aws-service-name rds.amazonaws.com",
            ),
            (
                "ecs:CreateCluster",
                "InvalidParameterException",
                "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
                "--aws-service-name ecs.amazonaws.com",
            ),
            (
                "s3:PutBucketTagging",
                "InvalidRequest",
                "ABAC is enabled on this bucket. Use TagResource instead.",
                "ignore: [tags]",
            ),
            (
                "rds:ModifyDBInstance",
                "InvalidParameterCombination",
                "You can't currently modify the storage of this DB instance because the previous storage change is being optimized.",
                "six hours",
            ),
            (
                "elasticloadbalancing:CreateListener",
                "CertificateNotFound",
                "",
                "load balancer's region",
            ),
        ] {
            let all = lines(action, Class::Invalid, code, message);
            assert!(all.contains(word), "{code}: {all}");
        }
    }

    #[test]
    fn an_unlike_answer_has_no_such_advice() {
        for (action, code, message) in [
            (
                "rds:ModifyDBInstance",
                "InvalidParameterCombination",
                "No modifications were requested",
            ),
            (
                "s3:PutBucketTagging",
                "InvalidTag",
                "The tag key is not valid",
            ),
            ("ec2:CreateVpc", "InvalidParameterValue", ""),
        ] {
            assert_eq!(lines(action, Class::Invalid, code, message), "", "{code}");
        }
    }

    #[test]
    fn a_denied_service_linked_role_is_a_denial() {
        let message = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: iam:CreateServiceLinkedRole on resource: arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS because no identity-based policy allows the iam:CreateServiceLinkedRole action";
        let all = lines(
            "ecs:CreateCluster",
            Class::Denied,
            "AccessDeniedException",
            message,
        );
        assert!(
            all.contains("lacks the IAM action iam:CreateServiceLinkedRole"),
            "{all}"
        );
    }

    #[test]
    fn wrong_credentials_may_be_a_region_that_is_not_enabled() {
        for code in [
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "AuthFailure",
        ] {
            let all = lines("sts:GetCallerIdentity", Class::Credentials, code, "");
            assert!(
                all.contains("list-regions") && all.contains("log in again"),
                "{all}"
            );
        }
        let expired = lines(
            "sts:GetCallerIdentity",
            Class::Credentials,
            "ExpiredToken",
            "",
        );
        assert!(!expired.contains("list-regions"), "{expired}");
    }
}
