//! What `CertificateNotFound` means: a certificate that was issued a moment ago is found some minutes later, one of another region or account
//! never.

use crate::kind::{Class, CloudError};

/// Where a load balancer looks for certificates.
pub struct Caller<'a> {
    pub partition: &'a str,
    pub region: &'a str,
    pub account: &'a str,
}

/// Makes `error` one that passes by itself where the certificate may still show, and else one that does not, with the reason.
pub fn judge(mut error: CloudError, arn: Option<&str>, caller: &Caller<'_>) -> CloudError {
    if error.code != "CertificateNotFound" {
        return error;
    }
    match arn.map_or_else(
        || Some("no certificate is given".into()),
        |arn| mismatch(arn, caller),
    ) {
        None => error.class = Class::NotYet,
        Some(reason) => {
            error.class = Class::Invalid;
            error.message = format!("{} ({reason})", error.message.trim_end_matches('.'));
        }
    }
    error
}

/// Why a load balancer of `caller` can never use the certificate, if so. It takes certificates of ACM in its own region and account, and
/// IAM's server certificates of its account (ELB user guide, "SSL certificates for your Application Load Balancer").
fn mismatch(arn: &str, caller: &Caller<'_>) -> Option<String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, service, region, account, resource] = parts.as_slice() else {
        return Some(format!("{arn} is not an ARN"));
    };
    let expected_region = match (service, resource.split_once('/')) {
        ("acm", Some(("certificate", id))) if !id.is_empty() => caller.region,
        ("iam", Some(("server-certificate", name))) if !name.is_empty() => "",
        _ => return Some(format!("{arn} is not the ARN of a certificate")),
    };
    [
        ("partition", partition, caller.partition),
        ("region", region, expected_region),
        ("account", account, caller.account),
    ]
    .into_iter()
    .find(|(_, found, expected)| found != expected)
    .map(|(what, found, expected)| {
        format!("the certificate is of the {what} {found:?}, the load balancer of {expected:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: Caller<'_> = Caller {
        partition: "aws",
        region: "us-east-1",
        account: "111122223333",
    };

    fn judged(code: &str, arn: Option<&str>) -> CloudError {
        let error = CloudError::new(
            "elasticloadbalancing:CreateListener",
            Class::NotFound,
            code,
            "Certificate ARN is not valid.",
        );
        judge(error, arn, &CALLER)
    }

    #[test]
    fn a_certificate_of_this_region_and_account_may_still_show() {
        for arn in [
            "arn:aws:acm:us-east-1:111122223333:certificate/0aa6a1c4-0000-4000-8000-000000000000",
            "arn:aws:iam::111122223333:server-certificate/web",
            "arn:aws:iam::111122223333:server-certificate/cloudfront/web",
        ] {
            assert_eq!(
                judged("CertificateNotFound", Some(arn)).class,
                Class::NotYet,
                "{arn}"
            );
        }
    }

    #[test]
    fn any_other_is_not_waited_for() {
        for (arn, word) in [
            (
                "arn:aws:acm:eu-west-1:111122223333:certificate/1",
                "region \"eu-west-1\"",
            ),
            (
                "arn:aws:acm:us-east-1:999999999999:certificate/1",
                "account \"999999999999\"",
            ),
            (
                "arn:aws-cn:acm:us-east-1:111122223333:certificate/1",
                "partition \"aws-cn\"",
            ),
            ("arn:aws:acm::111122223333:certificate/1", "region \"\""),
            (
                "arn:aws:iam::999999999999:server-certificate/web",
                "account \"999999999999\"",
            ),
            (
                "arn:aws:acm:us-east-1:111122223333:certificate/",
                "not the ARN of a certificate",
            ),
            (
                "arn:aws:acm:us-east-1:111122223333:certificate",
                "not the ARN of a certificate",
            ),
            (
                "arn:aws:s3:::bucket/certificate",
                "not the ARN of a certificate",
            ),
            ("0aa6a1c4-0000-4000-8000-000000000000", "not an ARN"),
            ("", "not an ARN"),
        ] {
            let error = judged("CertificateNotFound", Some(arn));
            assert_eq!(error.class, Class::Invalid, "{arn}");
            assert!(error.message.contains(word), "{arn}: {}", error.message);
        }
        assert_eq!(judged("CertificateNotFound", None).class, Class::Invalid);
    }

    #[test]
    fn other_errors_stay_as_they_are() {
        assert_eq!(judged("ListenerNotFound", None).class, Class::NotFound);
    }
}
