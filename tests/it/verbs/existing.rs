//! What somebody else made is looked up, never changed, and must be one.

use crate::desk::Desk;

const ZONES: &str = "
stack: zones
region: us-east-1
resources:
  dns: { type: zone, existing: { domain: example.com, private: false } }
  logs: { type: logs.log_group, name: '/zones/${dns.id}' }
outputs:
  id: ${dns.id}
  domain: ${dns.domain}
";

const MAKE: &str = "
zones = client('route53')
names = ['example.com', 'other.example.com']
made = [zones.create_hosted_zone(Name=name, CallerReference=name)['HostedZone']['Id'] for name in names]
inner = ec2.create_vpc(CidrBlock='10.77.0.0/16')['Vpc']['VpcId']
zones.create_hosted_zone(Name='example.com', CallerReference='inner', HostedZoneConfig={'PrivateZone': True},
    VPC={'VPCRegion': 'us-east-1', 'VPCId': inner})
print(made[0].split('/')[-1])
";

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_is_found_by_its_domain() {
    let desk = Desk::alone(ZONES);
    let missing = desk.expect(&["plan"], 1);
    assert!(
        missing
            .err
            .contains("no zone fits what `dns` asks for; exactly one must"),
        "{}",
        missing.err
    );
    let id = desk.boto(MAKE);
    desk.expect(&["apply", "--yes"], 0);
    assert_eq!(desk.expect(&["outputs", "id"], 0).out.trim(), id);
    assert_eq!(
        desk.expect(&["outputs", "domain"], 0).out.trim(),
        "example.com"
    );
    desk.settled(&[]);
    desk.edit("domain: example.com, private: false", "domain: example.com");
    let two = desk.expect(&["plan"], 1);
    assert!(two.err.contains("2 of kind zone fit"), "{}", two.err);
    desk.edit("existing: { domain: example.com }", "cidr: 10.0.0.0/16");
    let made = desk.expect(&["validate"], 1);
    assert!(
        made.err.contains("existing: { domain: example.com }"),
        "{}",
        made.err
    );
}
