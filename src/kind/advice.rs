//! What to do about an error of AWS's, in lines for the reader.

mod known;

use super::{Class, CloudError};

impl CloudError {
    /// Lines to print below the error; empty where the error says it all.
    ///
    /// AWS's denials read `User: ARN is not authorized to perform: ACTION on resource: ARN because …`; the action named there wins over
    /// the one that was called, since one call may need another right (`ecs:CreateService` needs `iam:PassRole`).
    pub fn advice(&self) -> Vec<String> {
        if let Some(lines) = known::advice(self) {
            return lines;
        }
        match self.class {
            Class::Denied => self.denied(),
            Class::Credentials if self.skewed() => vec![
                "this machine's clock is off: AWS takes requests that were signed within some minutes of its own time. Set the clock (`timedatectl` shows it), then run the same command again".into(),
                "nothing is lost: the next run goes on where this one stopped".into(),
            ],
            Class::Credentials => {
                let mut lines = vec![
                    "the credentials are wrong or have run out: log in again (`aws sso login`), or check AWS_PROFILE and AWS_ACCESS_KEY_ID".into(),
                ];
                lines.extend(known::region_may_be_off(self));
                lines.push("nothing is lost: the next run goes on where this one stopped".into());
                lines
            }
            Class::Quota => vec![
                format!("a limit of this account and region is reached: ask for more in Service Quotas ({}), or remove what is not needed", self.service()),
                "then run the same command again".into(),
            ],
            Class::Throttled => vec![
                "AWS asked to be called less often, and went on asking: try again in some minutes, or with a lower --parallelism".into(),
            ],
            Class::Unreachable => vec![
                "nothing was carried out: check the network, a proxy, and AWS_ENDPOINT_URL".into(),
            ],
            Class::Unknown if self.only_reads() => vec![
                "it only reads, so nothing was changed by it: try again".into(),
            ],
            Class::Unknown => vec![
                "nobody can say whether it was carried out: the next run looks first, and goes on from what it finds".into(),
            ],
            Class::Exists => vec![
                "something that is not of this stack has that name: choose another, or take it over with `circles-infra state import ADDRESS ID`".into(),
            ],
            Class::InUse => vec!["something still uses it. Outside this stack: remove that. A resource of this stack: a note of the plan says what to do. Then run the same command again".into()],
            Class::Stopped => vec!["the run was stopped before this call was sent".into()],
            Class::Unsupported => vec![format!(
                "the server does not have {}: it is a work-alike of AWS that is not finished, or too old; another one, or --sandbox, has it",
                self.action
            )],
            Class::NotFound | Class::NotYet | Class::Invalid | Class::Other => Vec::new(),
        }
    }

    /// The IAM action that the caller lacks, and the resource it was refused on, as far as AWS says.
    pub fn missing_right(&self) -> Option<(String, String)> {
        if self.class != Class::Denied {
            return None;
        }
        let action = after(&self.message, "not authorized to perform: ")
            .filter(|action| action.contains(':'))
            .unwrap_or_else(|| self.action.clone());
        let resource = after(&self.message, "on resource: ").unwrap_or_else(|| "*".into());
        Some((action, resource))
    }

    /// Signed at a time that is too far from AWS's (signing guide, "Troubleshooting request signing": by more than 5 minutes, in S3 15).
    fn skewed(&self) -> bool {
        // EC2 says `RequestExpired` of credentials that have run out as well.
        self.code == "RequestTimeTooSkewed"
            || ["Signature expired", "Signature not yet current"]
                .iter()
                .any(|sign| self.message.contains(sign))
    }

    fn denied(&self) -> Vec<String> {
        let Some((action, resource)) = self.missing_right() else {
            return Vec::new();
        };
        let statement = serde_json::json!({
            "Effect": "Allow", "Action": action, "Resource": resource,
        });
        let mut lines = vec![
            format!("the caller lacks the IAM action {action}"),
            format!("a policy statement that grants it: {statement}"),
            "the whole policy this stack needs: circles-infra permissions".into(),
        ];
        if self.message.contains("explicit deny") {
            lines.insert(
                1,
                "an explicit deny (of a policy, a permissions boundary or the organisation) stands against it, which no grant overrides".into(),
            );
        }
        lines
    }

    fn only_reads(&self) -> bool {
        let verb = self.action.split(':').nth(1).unwrap_or_default();
        ["Describe", "List", "Get", "Head", "BatchGet"]
            .iter()
            .any(|reading| verb.starts_with(reading))
    }

    fn service(&self) -> &str {
        self.action.split(':').next().unwrap_or("AWS")
    }
}

/// The word that follows `mark`, without quotes and final punctuation.
fn after(message: &str, mark: &str) -> Option<String> {
    let (_, rest) = message.split_once(mark)?;
    let word = rest.split_whitespace().next()?;
    let word = word
        .trim_matches(['"', '\'', ',', ';'])
        .trim_end_matches('.');
    (!word.is_empty()).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_action_that_aws_names() {
        let error = CloudError::new(
            "ecs:CreateService",
            Class::Denied,
            "AccessDeniedException",
            "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/circles-task because no identity-based policy allows the iam:PassRole action",
        );
        assert_eq!(
            error.advice(),
            [
                "the caller lacks the IAM action iam:PassRole",
                r#"a policy statement that grants it: {"Action":"iam:PassRole","Effect":"Allow","Resource":"arn:aws:iam::111122223333:role/circles-task"}"#,
                "the whole policy this stack needs: circles-infra permissions",
            ]
        );
    }

    #[test]
    fn a_clock_that_is_off_is_not_taken_for_wrong_credentials() {
        let advice = |code: &str, message: &str| {
            let error = CloudError::new("sts:GetCallerIdentity", Class::Credentials, code, message);
            error.advice().join("\n")
        };
        for (code, message) in [
            (
                "SignatureDoesNotMatch",
                "Signature expired: 20260101T000000Z is now earlier than 20260101T005500Z (20260101T010000Z - 5 min.)",
            ),
            (
                "InvalidSignatureException",
                "Signature not yet current: 20260101T010000Z is still later than 20260101T000500Z",
            ),
            (
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
        ] {
            let advice = advice(code, message);
            assert!(advice.contains("clock is off"), "{code}: {advice}");
            assert!(!advice.contains("log in again"), "{code}: {advice}");
        }
        let other = advice(
            "SignatureDoesNotMatch",
            "The request signature we calculated",
        );
        assert!(other.contains("log in again"), "{other}");
    }

    #[test]
    fn a_denial_that_names_nothing_is_of_the_call() {
        let error = CloudError::new(
            "ec2:CreateVpc",
            Class::Denied,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
        );
        assert_eq!(
            error.missing_right(),
            Some(("ec2:CreateVpc".into(), "*".into()))
        );
    }

    #[test]
    fn each_class_that_a_user_can_do_something_about_has_advice() {
        for class in [
            Class::Denied,
            Class::Credentials,
            Class::Quota,
            Class::Throttled,
            Class::Unreachable,
            Class::Unknown,
            Class::Exists,
            Class::InUse,
        ] {
            let error = CloudError::new("ec2:CreateVpc", class, "X", "");
            assert!(!error.advice().is_empty(), "{class:?}");
        }
    }
}
