//! What holds data: databases and what they stand on, buckets, secrets.

use serde_json::{Value as Json, json};

use super::{Sample, contract};

contract!(
    db_subnet_group, "db-subnet-group";
    db_parameter_group, "db-parameter-group";
    db_instance, "db-instance";
    bucket, "bucket";
    secret, "secret";
);

pub fn samples() -> Vec<Sample> {
    [databases(), vec![bucket_sample(), secret_sample()]].concat()
}

fn databases() -> Vec<Sample> {
    vec![
        Sample::new(
            "db-subnet-group",
            "rds.db_subnet_group",
            json!({"name": "contract", "description": "the contract", "subnets": ["${subnet.id}", "${subnet-b.id}"]}),
        )
        .change("name", json!("contract-2"))
        .change("description", json!("another"))
        .change("subnets", json!(["${subnet-b.id}", "${subnet-c.id}"])),
        Sample::new(
            "subnet-c",
            "ec2.subnet",
            json!({"vpc_id": "${vpc.id}", "cidr": "10.20.3.0/24", "availability_zone": "eu-central-1c"}),
        )
        .for_others(),
        Sample::new(
            "db-parameter-group",
            "rds.db_parameter_group",
            json!({
                "name": "contract", "family": "postgres15", "description": "the contract",
                "parameters": {"rds.force_ssl": "1", "log_statement": "ddl"},
            }),
        )
        .change("name", json!("contract-2"))
        .change("family", json!("postgres16"))
        .change("description", json!("another"))
        .change("parameters", json!({"rds.force_ssl": "0", "work_mem": "8192"})),
        Sample::new(
            "other-parameters",
            "rds.db_parameter_group",
            json!({"name": "other", "family": "postgres15", "description": "for another instance"}),
        )
        .for_others(),
        db_instance_sample(),
    ]
}

fn db_instance_sample() -> Sample {
    Sample::new(
        "db-instance",
        "rds.db_instance",
        json!({
            "identifier": "contract", "engine_version": "15.7", "instance_class": "db.t4g.small", "storage": 20,
            "db_name": "circles", "username": "circles", "password": value_of("db-master", "PASSWORD"),
            "subnet_group": "${db-subnet-group.id}", "security_groups": ["${security-group.id}"],
            "parameter_group": "${db-parameter-group.id}", "skip_final_snapshot": true,
        }),
    )
    .change("identifier", json!("contract-2"))
    .change("db_name", json!("squares"))
    .change("username", json!("another"))
    .change("subnet_group", json!("another"))
    .change("encrypted", json!(false))
    .change("kms_key", json!("arn:aws:kms:eu-central-1:000000000000:key/another"))
    .change("instance_class", json!("db.m7g.large"))
    .change("storage", json!(500))
    .change("max_storage", json!(1000))
    .change("iops", json!(13_000))
    .change("storage_type", json!("io1"))
    .change("security_groups", json!(["${callers.id}"]))
    .change("multi_az", json!(true))
    .change("publicly_accessible", json!(true))
    .change("backup_retention", json!(14))
    .change("backup_window", json!("03:00-03:30"))
    .change("maintenance_window", json!("sun:04:00-sun:04:30"))
    .change("deletion_protection", json!(true))
    .change("deletion_protection", json!(false))
    .change("auto_minor_version_upgrade", json!(false))
    .change("copy_tags", json!(false))
    .change("ca_certificate", json!("rds-ca-rsa4096-g1"))
    .change("engine_version", json!("15.8"))
    .change("parameter_group", json!("${other-parameters.id}"))
    .unchanged("performance_insights", "the local AWS does not keep it")
}

fn bucket_sample() -> Sample {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::contract-bucket-0/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }],
    });
    Sample::new(
        "bucket",
        "s3.bucket",
        json!({"name": "contract-bucket-0", "force_destroy": true}),
    )
    .change("name", json!("contract-bucket-1"))
    .change("versioning", json!(true))
    .change("public_access_block", json!(false))
    .change("encryption", json!("aws:kms"))
    .change("kms_key", json!("arn:aws:kms:eu-central-1:000000000000:key/contract"))
    .change("ownership", json!("BucketOwnerPreferred"))
    .change("policy", policy)
    .change(
        "lifecycle",
        json!([
            {"id": "uploads", "abort_multipart_days": 2},
            {"id": "logs", "prefix": "logs/", "expiration_days": 30, "noncurrent_days": 7},
        ]),
    )
    .change(
        "cors",
        json!([{"allowed_origins": ["https://app.example.com"], "allowed_methods": ["PUT", "GET"], "max_age": 600}]),
    )
}

fn secret_sample() -> Sample {
    Sample::new(
        "secret",
        "secretsmanager.secret",
        json!({
            "name": "contract/config", "recovery_window": 0,
            "keys": {
                "JWT": {"generate": 48}, "SEARCH": {"operator": "optional"}, "BUCKET": {"value": "contract-bucket-0"},
                "URL": {"value": {"$expr": [{"text": "postgres://"}, {"secret": {"address": "db-master", "key": "PASSWORD"}}]}},
            },
        }),
    )
    .change("name", json!("contract/other"))
    .change("description", json!("the contract"))
    .change("kms_key", json!("arn:aws:kms:eu-central-1:000000000000:key/contract"))
    .change(
        "keys",
        json!({
            "JWT": {"generate": 64}, "SIGNING": {"generate": 20, "alphabet": "abc"}, "SEARCH": {"operator": "optional"},
            "BUCKET": {"value": "another"}, "URL": {"value": value_of("db-master", "URL")},
        }),
    )
}

/// A value that is one key of a secret.
fn value_of(address: &str, key: &str) -> Json {
    json!({"$expr": [{"secret": {"address": address, "key": key}}]})
}
