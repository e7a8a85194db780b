//! `outputs` in all its forms: for people, for `$(…)`, for programs.

use serde_json::json;

use crate::desk::Desk;

const STACK: &str = "
stack: telling
resources:
  logs: { type: logs.log_group, name: /telling/app }
  net: { type: ec2.vpc, cidr: 10.87.0.0/16 }
outputs: { group: \"${logs.name}\", count: 3, net: \"${net.id}\", both: [\"${logs.name}\", b] }
";

#[test]
fn the_bare_value_alone_goes_to_standard_output() {
    let desk = Desk::shared(STACK);
    // Before the first apply: what the file knows is known.
    assert_eq!(desk.expect(&["outputs", "group"], 0).out, "/telling/app\n");
    let pending = desk.expect(&["outputs", "net"], 1);
    assert_eq!(pending.out, "");
    assert!(
        pending.err.contains("error: output net is not known yet"),
        "{}",
        pending.err
    );
    assert!(
        pending
            .err
            .contains("it is known after circles-infra apply")
    );
    desk.expect(&["apply", "--yes"], 0);
    let net = desk.expect(&["outputs", "net"], 0).out;
    assert!(net.starts_with("vpc-") && net.ends_with('\n'), "{net}");
    for form in [
        &["output", "-raw", "net"][..],
        &["outputs", "--raw", "net"],
        &["-q", "outputs", "net"],
    ] {
        assert_eq!(desk.expect(form, 0).out, net);
    }
    let all = desk.expect(&["output", "-json"], 0).out;
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!(
        all,
        json!({"group": "/telling/app", "count": 3, "net": net.trim_end(), "both": ["/telling/app", "b"]})
    );
    assert_eq!(
        desk.expect(&["outputs", "--json", "group"], 0).out,
        "\"/telling/app\"\n"
    );
    let text = desk.expect(&["outputs"], 0).out;
    assert!(text.contains("group = \"/telling/app\""), "{text}");
    let unknown = desk.expect(&["outputs", "grup"], 64);
    assert_eq!(unknown.out, "");
    assert!(
        unknown.err.contains("hint: is group meant?"),
        "{}",
        unknown.err
    );
    desk.expect(&["destroy", "--yes"], 0);
}
