//! What AWS does to a database by itself, and what it never does again: the plan says so, and asks for nothing impossible.

use crate::desk::Desk;

const STACK: &str = r#"
stack: data
region: us-east-1
default_environment: dev
environments: { dev: { ephemeral: true } }
resources:
  network:
    type: network
    cidr: 10.44.0.0/16
    private_subnets: [10.44.10.0/24, 10.44.11.0/24]
    nat_gateways: none
  db:
    type: postgres
    network: ${network}
    version: "15.7"
    instance_class: db.t4g.micro
    storage: 30
    skip_final_snapshot: true
    maintenance_window: "Sun:04:00-Sun:04:30"
"#;

const READY: &str = "
import time
def ready(good):
    for _ in range(200):
        db = rds.describe_db_instances()['DBInstances'][0]
        if good(db): return
        time.sleep(0.05)
    sys.exit('it does not get there')
";

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_ran_ahead_and_a_window_in_capitals() {
    let desk = Desk::alone(STACK);
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    desk.boto(&format!(
        "{READY}
rds.modify_db_instance(DBInstanceIdentifier='data-db', EngineVersion='15.10', ApplyImmediately=True)
ready(lambda db: db['EngineVersion'] == '15.10' and db['DBInstanceStatus'] == 'available')
"
    ));
    let plan = desk.expect(&["plan", "--detailed-exitcode"], 0).all();
    assert!(plan.contains("15.10, newer than the 15.7"), "{plan}");
    desk.expect(&["apply", "--yes"], 0);
    // A major version still goes up, and a lower one is refused by name.
    desk.edit("\"15.7\"", "\"14.9\"");
    let said = desk.expect(&["apply", "--yes"], 1).all();
    assert!(said.contains("never goes back"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_that_would_shrink() {
    let desk = Desk::alone(STACK);
    desk.expect(&["apply", "--yes"], 0);
    desk.edit("storage: 30", "storage: 20");
    let plan = desk.expect(&["plan", "--detailed-exitcode"], 0).all();
    assert!(plan.contains("storage is 30, more than the 20"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_one() {
    let desk = Desk::alone(STACK);
    desk.expect(&["apply", "--yes"], 0);
    desk.boto(&format!(
        "{READY}
rds.stop_db_instance(DBInstanceIdentifier='data-db')
ready(lambda db: db['DBInstanceStatus'] == 'stopped')
"
    ));
    let plan = desk.expect(&["plan", "--detailed-exitcode"], 0).all();
    assert!(plan.contains("it is stopped: start it"), "{plan}");
    desk.expect(&["apply", "--yes"], 0);
    desk.edit("storage: 30", "storage: 50");
    let said = desk.expect(&["apply", "--yes"], 1).all();
    assert!(
        said.contains("aws rds start-db-instance --db-instance-identifier data-db"),
        "{said}"
    );
}
