use aws_sdk_rds::types::Endpoint;

use super::*;

fn live(status: &str, pending: Option<PendingModifiedValues>) -> Live {
    Live::new(
        DbInstance::builder()
            .db_instance_identifier("circles-db")
            .db_instance_status(status)
            .db_instance_class("db.t4g.small")
            .allocated_storage(20)
            .endpoint(Endpoint::builder().address("db.example").port(5432).build())
            .set_pending_modified_values(pending)
            .build(),
    )
}

#[test]
fn ready_only_when_nothing_is_on_its_way() {
    let change = PendingModifiedValues::builder()
        .db_instance_class("db.m7g.large")
        .build();
    let none = PendingModifiedValues::builder().build();
    assert_eq!(live("available", None).readiness(), Readiness::Ready);
    assert_eq!(live("available", Some(none)).readiness(), Readiness::Ready);
    assert_eq!(
        live("storage-optimization", None).readiness(),
        Readiness::Ready
    );
    assert_eq!(
        live("available", Some(change)).readiness(),
        Readiness::Deferred("available, still to change: instance class".into())
    );
    assert_eq!(
        live("creating", None).readiness(),
        Readiness::NotYet("creating".into())
    );
    assert_eq!(
        live("deleting", None).readiness(),
        Readiness::Going("deleting".into())
    );
    for broken in [
        "failed",
        "restore-error",
        "incompatible-network",
        "incompatible-restore",
        "incompatible-create",
        "inaccessible-encryption-credentials",
    ] {
        assert!(
            matches!(live(broken, None).readiness(), Readiness::Broken(_)),
            "{broken}"
        );
    }
    for (blocked, way_out) in [
        ("storage-full", "raise `storage`"),
        ("incompatible-parameters", "parameter group"),
        ("incompatible-option-group", "option group"),
        ("inaccessible-encryption-credentials-recoverable", "key"),
        ("stopped", "start-db-instance"),
    ] {
        let readiness = live(blocked, None).readiness();
        assert!(
            matches!(&readiness, Readiness::Blocked(why) if why.contains(way_out)),
            "{blocked}: {readiness:?}"
        );
    }
    for passing in [
        "stopping",
        "starting",
        "modifying",
        "backing-up",
        "storage-config-upgrade",
    ] {
        assert!(
            matches!(live(passing, None).readiness(), Readiness::NotYet(_)),
            "{passing}"
        );
    }
    let room = PendingModifiedValues::builder()
        .allocated_storage(40)
        .build();
    assert!(matches!(
        live("storage-full", Some(room)).readiness(),
        Readiness::NotYet(_)
    ));
}

#[test]
fn a_deferred_ca_certificate_holds_nobody_up() {
    let ca = PendingModifiedValues::builder()
        .ca_certificate_identifier("rds-ca-rsa4096-g1")
        .build();
    let live = live("available", Some(ca));
    assert_eq!(live.readiness(), Readiness::Ready);
    assert_eq!(
        live.observed().text("ca_certificate"),
        Some("rds-ca-rsa4096-g1")
    );
}

#[test]
fn what_is_to_come_is_what_is_observed() {
    let pending = PendingModifiedValues::builder()
        .allocated_storage(40)
        .db_instance_class("db.m7g.large")
        .build();
    let observed = live("modifying", Some(pending)).observed();
    assert_eq!(observed.get("storage"), &Value::Int(40));
    assert_eq!(observed.text("instance_class"), Some("db.m7g.large"));
    assert_eq!(observed.get("endpoint_port"), &Value::Int(5432));
}

#[test]
fn a_password_that_is_echoed_is_not_kept() {
    let pending = PendingModifiedValues::builder()
        .master_user_password("hunter2hunter2")
        .build();
    let live = live("available", Some(pending));
    let echoed = live.pending().and_then(|p| p.master_user_password());
    assert_eq!(echoed, Some("(secret)"));
    assert!(!format!("{:?}", live.observed()).contains("hunter2"));
}

#[test]
fn only_an_instance_of_postgresql_of_its_own_is_this_kind() {
    let of =
        |db: aws_sdk_rds::types::builders::DbInstanceBuilder| Live::new(db.build()).unmanageable();
    let postgres = || DbInstance::builder().engine("postgres");
    assert_eq!(of(postgres()), None);
    for (other, word) in [
        (DbInstance::builder().engine("mysql"), "mysql"),
        (
            DbInstance::builder().engine("aurora-postgresql"),
            "aurora-postgresql",
        ),
        (postgres().db_cluster_identifier("web"), "cluster web"),
        (
            postgres().read_replica_source_db_instance_identifier("web"),
            "replica of web",
        ),
    ] {
        let why = of(other);
        assert!(
            why.as_ref().is_some_and(|why| why.contains(word)),
            "{word}: {why:?}"
        );
    }
}
