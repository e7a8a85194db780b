//! A certificate in ACM, by the domain that it is for.

use aws_sdk_acm::types::{CertificateStatus, CertificateSummary, Filters, KeyAlgorithm};

use super::{Lookup, exactly_one};
use crate::aws::{Aws, aws_error, pages};
use crate::kind::CloudError;
use crate::model::{Attributes, Value};

impl Aws {
    pub(super) async fn existing_certificate(
        &self,
        lookup: &Lookup,
    ) -> Result<Attributes, CloudError> {
        const ACTION: &str = "acm:ListCertificates";
        // Without this filter ACM lists RSA 2048 alone (API reference, ListCertificates).
        let every_key = Filters::builder()
            .set_key_types(Some(
                KeyAlgorithm::values()
                    .iter()
                    .map(|name| (*name).into())
                    .collect(),
            ))
            .build();
        let found: Vec<CertificateSummary> = pages(
            self,
            ACTION,
            |token| {
                let call = self
                    .acm
                    .list_certificates()
                    .certificate_statuses(CertificateStatus::Issued)
                    .includes(every_key.clone())
                    .max_items(1000)
                    .set_next_token(token);
                async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
            },
            |page| page.next_token(),
        )
        .await?
        .into_iter()
        .flat_map(|page| page.certificate_summary_list.unwrap_or_default())
        .filter(|certificate| fits(certificate, lookup))
        .collect();
        let certificate = exactly_one(lookup, ACTION, found)?;
        let arn = certificate.certificate_arn().unwrap_or_default();
        Ok(Attributes::new([
            ("id", Value::text(arn)),
            ("arn", Value::text(arn)),
            (
                "domain",
                Value::from(certificate.domain_name().map(str::to_owned)),
            ),
        ]))
    }
}

fn fits(certificate: &CertificateSummary, lookup: &Lookup) -> bool {
    let asked = |name: &str| lookup.criteria.get(name).and_then(Value::as_text);
    let is = |asked: Option<&str>, has: Option<&str>| asked.is_none_or(|asked| has == Some(asked));
    is(asked("domain"), certificate.domain_name())
        && is(asked("arn"), certificate.certificate_arn())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Address;

    #[test]
    fn all_that_is_asked_has_to_fit() {
        let certificate = CertificateSummary::builder()
            .certificate_arn("arn:aws:acm:us-east-1:000000000000:certificate/1")
            .domain_name("app.example.com")
            .build();
        let lookup = |criteria: &[(&str, &str)]| Lookup {
            address: Address::from("tls"),
            kind: "certificate".into(),
            criteria: criteria
                .iter()
                .map(|(name, text)| ((*name).to_owned(), Value::text(*text)))
                .collect(),
        };
        assert!(fits(
            &certificate,
            &lookup(&[("domain", "app.example.com")])
        ));
        assert!(!fits(&certificate, &lookup(&[("domain", "example.com")])));
        assert!(!fits(
            &certificate,
            &lookup(&[("domain", "app.example.com"), ("arn", "arn:aws:acm:other")])
        ));
    }
}
