//! Texts that are not YAML, with what is underlined, said and advised.

use super::support::{Ask, with};

/// Text, the part that is underlined, a part of the message, a part of the help.
const CASES: &[(&str, &str, &str, &str)] = &[
    (
        "stack: demo\nregion:us-east-1\nresources: {}\n",
        "region:us-east-1",
        "a space is missing",
        "write `region: us-east-1`",
    ),
    (
        "stack: demo\nresources:\n  a:\n    type: s3.bucket\n    name: foo: bar\n",
        "foo: bar",
        "a second colon",
        "`name: \"foo: bar\"`",
    ),
    (
        "stack: %t\nresources: {}\n",
        "%t",
        "cannot start with `%`",
        "stack: \"%t\"",
    ),
    (
        "stack: @t\nresources: {}\n",
        "@t",
        "cannot start with `@`",
        "stack: \"@t\"",
    ),
    (
        "stack: `t`\nresources: {}\n",
        "`t`",
        "cannot start with ```",
        "in quotes",
    ),
    (
        "stack: demo\nresources:\n\ta: {}\n",
        "\t",
        "indented with a tab",
        "with spaces",
    ),
    (
        "stack: demo\nresources:\n  a: { type: s3.bucket, name: x\noutputs: {}\n",
        "{",
        "is never closed",
        "`}`",
    ),
    (
        "stack: demo\nresources:\n  a:\n    type: s3.bucket\n    subnets: [a, b\n",
        "[",
        "is never closed",
        "`]`",
    ),
    (
        "stack: demo\nresources:\n  a: { type: s3.bucket, name: [b }\n",
        "}",
        "is closed by `}`",
        "write `]`",
    ),
    (
        "stack: demo\nresources: { a: {} },\n",
        ",",
        "nothing may follow",
        "take the comma away",
    ),
    (
        "stack: \"demo\" more\nresources: {}\n",
        "more",
        "nothing may follow the closing quote",
        "take `more` away",
    ),
    (
        "stack: demo\nresources:\n    a:\n      type: s3.bucket\n   b:\n      type: s3.bucket\n",
        "b:",
        "indented by 3 spaces",
        "alike",
    ),
    (
        "stack: demo\nresources:\n  a:\n    type: s3.bucket\n     name: x\n",
        "name: x",
        "indented by 5 spaces",
        "alike",
    ),
    (
        "stack: demo\nresources:\n  a: { type: ec2.vpc, cidr: ${var.x} }\n",
        "${var.x}",
        "must be in quotes",
        "write \"${var.x}\"",
    ),
    (
        "stack: \"demo\nresources: {}\n",
        "\"",
        "is never closed",
        "closing `\"`",
    ),
    (
        "stack: 'demo\nresources: {}\n",
        "'",
        "is never closed",
        "closing `'`",
    ),
    (
        "stack: \"a\\qb\"\nresources: {}\n",
        "\\q",
        "means nothing",
        "single quotes",
    ),
    ("stack: demo\nresources: }\n", "}", "closes nothing", "`{`"),
    (
        "stack: demo\nresources\n",
        "resources",
        "no colon",
        "`resources: VALUE`",
    ),
    (
        "stack demo\nresources: {}\n",
        "stack demo",
        "no colon",
        "write `stack: demo`",
    ),
];

#[test]
fn a_syntax_error_is_told_where_it_is_and_how_it_is_mended() {
    for (text, underlined, message, help) in CASES {
        let report = Ask::default().load(text).unwrap_err();
        let [found] = report.as_slice() else {
            panic!("{text}: {report:?}");
        };
        let place = &found.primary.as_ref().unwrap().origin;
        assert_eq!(
            &text[place.start..place.end],
            *underlined,
            "{text}: {found:?}"
        );
        assert!(found.message.contains(message), "{text}: {found:?}");
        let advice = found.help.as_deref().unwrap_or_default();
        assert!(advice.contains(help), "{text}: {found:?}");
    }
}

#[test]
fn yaml_beyond_maps_lists_and_scalars_is_answered_with_what_takes_its_place() {
    for (text, help) in [
        ("stack: demo\n---\nstack: two\n", "a file of its own"),
        ("stack: !Ref a\nresources: {}\n", "${a.id}"),
        ("", "the smallest stack"),
        ("# nothing\n", "the smallest stack"),
    ] {
        let report = with(text, |_| {}).err().unwrap_or_default();
        assert!(report.contains(help), "{text}: {report}");
        assert_eq!(report.matches("error[").count(), 1, "{report}");
    }
}
