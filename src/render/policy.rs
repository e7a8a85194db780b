//! An IAM policy out of the actions that are needed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

/// One statement per service, actions sorted, so that two policies can be compared line by line. On every resource: ids are not known
/// before they are made; what may be touched is narrowed by the tags that every resource of the stack carries.
pub fn policy(actions: &BTreeSet<String>) -> Json {
    let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for action in actions {
        let service = action.split(':').next().unwrap_or_default();
        services.entry(service).or_default().push(action);
    }
    let statements: Vec<Json> = services
        .into_iter()
        .map(|(service, actions)| {
            json!({
                "Sid": sid(service),
                "Effect": "Allow",
                "Action": actions,
                "Resource": "*",
            })
        })
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// A statement's id takes letters and digits only.
fn sid(service: &str) -> String {
    let mut letters = service.chars().filter(char::is_ascii_alphanumeric);
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_grouped_by_service() {
        let actions = ["s3:GetObject", "ec2:CreateVpc", "ec2:DescribeVpcs"];
        let policy = policy(&actions.map(str::to_owned).into());
        insta::assert_snapshot!(serde_json::to_string_pretty(&policy).unwrap(), @r#"
        {
          "Statement": [
            {
              "Action": [
                "ec2:CreateVpc",
                "ec2:DescribeVpcs"
              ],
              "Effect": "Allow",
              "Resource": "*",
              "Sid": "Ec2"
            },
            {
              "Action": [
                "s3:GetObject"
              ],
              "Effect": "Allow",
              "Resource": "*",
              "Sid": "S3"
            }
          ],
          "Version": "2012-10-17"
        }
        "#);
    }
}
