//! A hosted zone in Route 53, by the domain that it is for.

use aws_sdk_route53::types::HostedZone;

use super::{Lookup, exactly_one};
use crate::aws::{Aws, aws_error, pages};
use crate::kind::CloudError;
use crate::model::{Attributes, Value};

impl Aws {
    pub(super) async fn existing_zone(&self, lookup: &Lookup) -> Result<Attributes, CloudError> {
        const ACTION: &str = "route53:ListHostedZones";
        let found: Vec<Zone> = pages(
            self,
            ACTION,
            |marker| {
                let call = self.route53.list_hosted_zones().set_marker(marker);
                async move { call.send().await.map_err(|e| aws_error(ACTION, e)) }
            },
            |page| page.next_marker(),
        )
        .await?
        .into_iter()
        .flat_map(|page| page.hosted_zones)
        .map(|zone| Zone::of(&zone))
        .filter(|zone| zone.fits(lookup))
        .collect();
        let zone = exactly_one(lookup, ACTION, found)?;
        Ok(Attributes::new([
            ("id", Value::text(zone.id)),
            ("domain", Value::text(zone.domain)),
            ("private", Value::Bool(zone.private)),
        ]))
    }
}

#[derive(Debug, PartialEq)]
struct Zone {
    id: String,
    domain: String,
    private: bool,
}

impl Zone {
    /// Route 53 writes `/hostedzone/Z1` and `example.com.` where people write `Z1` and `example.com` (API reference, HostedZone).
    fn of(zone: &HostedZone) -> Self {
        Self {
            id: bare(zone.id()).to_owned(),
            domain: zone.name().trim_end_matches('.').to_owned(),
            private: zone.config().is_some_and(|config| config.private_zone()),
        }
    }

    fn fits(&self, lookup: &Lookup) -> bool {
        let asked = |name: &str| lookup.criteria.get(name);
        let domain = asked("domain").and_then(Value::as_text);
        let id = asked("id").and_then(Value::as_text);
        let private = asked("private").and_then(Value::as_bool);
        domain.is_none_or(|domain| {
            domain
                .trim_end_matches('.')
                .eq_ignore_ascii_case(&self.domain)
        }) && id.is_none_or(|id| bare(id) == self.id)
            && private.is_none_or(|private| private == self.private)
    }
}

fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Address;

    #[test]
    fn a_zone_is_known_as_people_write_it() {
        let zone = Zone::of(
            &HostedZone::builder()
                .id("/hostedzone/Z1")
                .name("example.com.")
                .caller_reference("x")
                .build()
                .unwrap(),
        );
        let fits = |criteria: &[(&str, Value)]| {
            let criteria = criteria.iter();
            zone.fits(&Lookup {
                address: Address::from("dns"),
                kind: "zone".into(),
                criteria: criteria
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect(),
            })
        };
        assert!(fits(&[("domain", Value::text("Example.com"))]));
        assert!(fits(&[
            ("domain", Value::text("example.com.")),
            ("private", Value::Bool(false))
        ]));
        assert!(fits(&[("id", Value::text("Z1"))]));
        assert!(fits(&[("id", Value::text("/hostedzone/Z1"))]));
        assert!(!fits(&[("domain", Value::text("www.example.com"))]));
        assert!(!fits(&[
            ("domain", Value::text("example.com")),
            ("private", Value::Bool(true))
        ]));
        assert!(!fits(&[("id", Value::text("Z2"))]));
    }
}
