//! `certificate`: one in ACM that exists already, looked up by its domain. Issuing one takes a proof in the domain's DNS, which is
//! seldom in the same hands.

use super::{Build, Component};
use crate::kind::{Field, Type};

pub const CERTIFICATE: Component = Component {
    name: "certificate",
    doc: "A TLS certificate in ACM, in the stack's region. It is only ever looked up (`existing: { domain: app.example.com }`), never made: refer to it as `${tls.arn}`.",
    fields: &[],
    exports: &[
        Field::computed("id", Type::Text, "Its ARN."),
        Field::computed(
            "arn",
            Type::Text,
            "Its ARN, for a load balancer's `certificate_arn`.",
        ),
        Field::computed("domain", Type::Text, "The domain it is for."),
    ],
    existing: &[
        Field::new(
            "domain",
            Type::Text,
            "The domain it was issued for, as ACM shows it (`*.example.com` for a wildcard).",
        ),
        Field::new(
            "arn",
            Type::Text,
            "Its ARN, to tell two for one domain apart.",
        ),
    ],
    expand,
};

fn expand(build: &mut Build<'_>) {
    build.only_looked_up("a certificate", "existing: { domain: app.example.com }");
}
