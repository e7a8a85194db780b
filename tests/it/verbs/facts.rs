//! Every fact that `stacks/circles.yaml` promises, compared by boto3 (`facts.py`): as it is, with a certificate, with other gateways.

use std::path::Path;

use crate::desk::{Desk, python};

pub fn hold(desk: &Desk, choice: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/verbs/facts.py");
    python(&[&script.display().to_string(), &desk.aws.endpoint(), choice]);
}

#[test]
fn each_holds_with_https_and_back_and_with_every_kind_of_gateway() {
    let desk = Desk::circles();
    desk.expect(&["apply", "--yes"], 0);
    hold(&desk, "single");
    let arn = desk.boto(
        "print(client('acm').request_certificate(DomainName='circles.example')['CertificateArn'])",
    );
    let certificate = format!("certificate_arn={arn}");
    desk.expect(&["apply", "--yes", "--var", &certificate], 0);
    hold(&desk, "https");
    desk.settled(&["--var", &certificate]);
    for gateways in ["per_az", "none", "single"] {
        let choice = format!("nat_gateways={gateways}");
        desk.expect(&["apply", "--yes", "--var", &choice], 0);
        hold(&desk, gateways);
        desk.settled(&["--var", &choice]);
    }
}
