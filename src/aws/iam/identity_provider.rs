//! OpenID Connect providers of an account: whose tokens roles may trust. They belong to the
//! account, not to a stack.

use std::collections::BTreeSet;

use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError};

const GET: &str = "iam:GetOpenIDConnectProvider";
const CREATE: &str = "iam:CreateOpenIDConnectProvider";
const ADD: &str = "iam:AddClientIDToOpenIDConnectProvider";

/// The audiences that the provider accepts; `None`: the account does not have it.
pub async fn audiences(aws: &Aws, arn: &str) -> Result<Option<BTreeSet<String>>, CloudError> {
    let answer = aws
        .read(GET, || async {
            aws.iam
                .get_open_id_connect_provider()
                .open_id_connect_provider_arn(arn)
                .send()
                .await
                .map_err(|e| aws_error(GET, e))
        })
        .await;
    match answer {
        Ok(provider) => Ok(Some(provider.client_id_list().iter().cloned().collect())),
        Err(error) if error.is(Class::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Without a thumbprint: IAM trusts the certificate authorities of well-known issuers (API
/// reference).
pub async fn create(aws: &Aws, issuer: &str, audience: &str) -> Result<(), CloudError> {
    let answer = aws
        .iam
        .create_open_id_connect_provider()
        .url(format!("https://{issuer}"))
        .client_id_list(audience)
        .send()
        .await
        .map_err(|e| aws_error(CREATE, e));
    match answer {
        Err(error) if !error.is(Class::Exists) => Err(error),
        _ => Ok(()),
    }
}

pub async fn add_audience(aws: &Aws, arn: &str, audience: &str) -> Result<(), CloudError> {
    aws.iam
        .add_client_id_to_open_id_connect_provider()
        .open_id_connect_provider_arn(arn)
        .client_id(audience)
        .send()
        .await
        .map(drop)
        .map_err(|e| aws_error(ADD, e))
}
