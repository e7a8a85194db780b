//! Nobody at the other end.

use super::STACK;
use crate::desk::{Desk, said};

fn at(endpoint: &str) -> (Desk, crate::standing::Said) {
    let desk = Desk::shared(STACK);
    let said = said(desk.command(&["plan"]).env("AWS_ENDPOINT_URL", endpoint));
    (desk, said)
}

#[test]
fn it_refuses() {
    let (desk, said) = at("http://127.0.0.1:9");
    insta::assert_snapshot!("endpoint_refuses", desk.steady(&said));
}

#[test]
fn it_is_no_address() {
    for wrong in ["localhost:4566", "http://", "nowhere"] {
        let (_, said) = at(wrong);
        assert_eq!(said.code, Some(1), "{}", said.all());
        assert!(
            said.err
                .contains(&format!("error: {wrong} is no address of an AWS endpoint")),
            "{}",
            said.err
        );
        assert!(said.err.contains("hint: AWS_ENDPOINT_URL"), "{}", said.err);
    }
}

#[test]
fn no_such_region() {
    let desk = Desk::shared(STACK);
    let mut command = desk.command(&["plan", "--region", "us-esat-1"]);
    let said = said(command.env_remove("AWS_ENDPOINT_URL"));
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(
        said.err
            .contains("error: AWS does not answer in region us-esat-1"),
        "{}",
        said.err
    );
    assert!(said.err.contains("us-east-1 is near"), "{}", said.err);
}
