//! `zone`: a hosted zone in Route 53 that exists already, looked up by its domain. Its records are seldom in the hands of one stack.

use super::{Build, Component};
use crate::kind::{Field, Type};

pub const ZONE: Component = Component {
    name: "zone",
    doc: "A hosted zone in Route 53. It is only ever looked up (`existing: { domain: example.com }`), never made: refer to it as `${dns.id}`.",
    fields: &[],
    exports: &[
        Field::computed("id", Type::Text, "Its id, as in `Z0123456789ABC`."),
        Field::computed(
            "domain",
            Type::Text,
            "The domain it is for, without a dot at its end.",
        ),
        Field::computed(
            "private",
            Type::Bool,
            "Whether it answers in some VPCs alone.",
        ),
    ],
    existing: &[
        Field::new("domain", Type::Text, "The domain it is for: `example.com`."),
        Field::new(
            "id",
            Type::Text,
            "Its id, to tell two for one domain apart.",
        ),
        Field::new(
            "private",
            Type::Bool,
            "Whether it answers in some VPCs alone, to tell it from the public one of that domain.",
        ),
    ],
    expand,
};

fn expand(build: &mut Build<'_>) {
    build.only_looked_up("a zone", "existing: { domain: example.com }");
}
