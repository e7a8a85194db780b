//! `rds.db_instance`, PostgreSQL.
//!
//! The password comes out of a secret that is stored before the instance is made, goes into `CreateDBInstance`, and is neither kept nor
//! compared. Changes are sent with `ApplyImmediately`, all in one call: a major upgrade needs its parameter group beside it.
//!
//! Left out: replicas, clusters and restoring from a snapshot, because one instance is what a stack here keeps; other engines' time zones,
//! character sets and domains, because it is PostgreSQL; enhanced monitoring and log exports, because no stack here uses them; port, option
//! group and zone, because AWS's own do; a password that RDS manages, because the secret is stored first and read by others; what AWS fills
//! in and the stack does not name (windows, IOPS, the certificate authority, insights), because AWS changes it too.

use aws_sdk_rds::types::Filter;

use super::instance_change::{final_snapshot, modify, stopped};
use super::instance_state;
use super::storage_change::check_iops;
use super::tags;
use crate::aws::rds::text_rules;
use crate::aws::scan::needs_scan;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags};

pub use super::instance_spec::Spec;
pub use super::instance_state::Live;

pub struct DbInstance;

const fn text(name: &'static str, doc: &'static str) -> Field {
    Field::new(name, Type::Text, doc)
}

const fn switch(name: &'static str, default: bool, doc: &'static str) -> Field {
    Field::new(name, Type::Bool, doc).default(Literal::Bool(default))
}

impl Kind<Aws> for DbInstance {
    const NAME: KindName = KindName::new("rds.db_instance");
    const DOC: &'static str = "A PostgreSQL database server.";
    const FIELDS: &'static [Field] = &[
        text("identifier", "Its name, in lower case; unique per region.").rule(&text_rules::IDENTIFIER).required().replace(),
        Field::new("engine_version", Type::Version, "PostgreSQL's version: `\"15\"` takes any 15.x, `\"15.7\"` that one.").required(),
        text("instance_class", "Size, `db.t4g.small`.").rule(&text_rules::CLASS).required(),
        Field::new("storage", Type::Floor { min: 5, max: 65_536 }, "GiB. Grows in place, never shrinks; a live value above it (storage autoscaling) is left alone.").required(),
        Field::new("storage_type", Type::OneOf(&["gp3", "gp2", "io1", "io2"]), "Kind of disk.").default(Literal::Text("gp3")),
        Field::new("iops", Type::Int { min: 1000, max: 256_000 }, "Provisioned operations per second (`io1`, `io2`, or `gp3` from 400 GiB)."),
        Field::new("max_storage", Type::Int { min: 6, max: 65_536 }, "GiB up to which AWS may grow the storage by itself."),
        text("db_name", "The database made at creation.").rule(&text_rules::DATABASE).replace(),
        text("username", "The master user.").rule(&text_rules::USER).required().replace(),
        Field::new("password", Type::Secret, "The master user's password: a reference into a secret.").required().ignore(),
        text("subnet_group", "Name of the subnet group it stands in.").rule(&text_rules::SUBNET_GROUP_NAME).required().replace(),
        Field::new("security_groups", Type::Set(&Type::Text), "Ids of the security groups around it.").rule(&crate::aws::ec2::text_rules::GROUP_ID).required(),
        text("parameter_group", "Name of its parameter group; without one, the engine's default.").rule(&text_rules::GROUP_NAME),
        switch("multi_az", false, "Whether a standby waits in another zone."),
        switch("publicly_accessible", false, "Whether it has a public address."),
        switch("encrypted", true, "Whether its storage is encrypted.").replace(),
        text("kms_key", "ARN of the key for its storage; without one, AWS's own.").rule(&crate::kind::KMS_KEY).replace(),
        Field::new("backup_retention", Type::Int { min: 0, max: 35 }, "Days that automated backups are kept; 0 turns them off.").default(Literal::Int(7)),
        text("backup_window", "Daily, UTC: `03:00-03:30`.").rule(&text_rules::BACKUP_WINDOW).ignoring_case(),
        text("maintenance_window", "Weekly, UTC: `sun:04:00-sun:04:30`.").rule(&text_rules::MAINTENANCE_WINDOW).ignoring_case(),
        switch("deletion_protection", false, "Whether AWS refuses to delete it."),
        switch("skip_final_snapshot", false, "Whether it may be deleted without a last snapshot.").ignore(),
        switch("auto_minor_version_upgrade", true, "Whether AWS may bring minor versions in the maintenance window."),
        Field::new("performance_insights", Type::Bool, "Whether Performance Insights is on."),
        switch("copy_tags", true, "Whether snapshots get its tags."),
        text("ca_certificate", "Certificate authority of its TLS certificate.").rule(&text_rules::CERTIFICATE_AUTHORITY),
        Field::computed("arn", Type::Text, "`arn:aws:rds:…:db:…`."),
        Field::computed("endpoint_address", Type::Text, "Host name to connect to; absent while it is being created."),
        Field::computed("endpoint_port", Type::Int { min: 1, max: 65_535 }, "Port to connect to."),
        Field::computed("zones", Type::List(&Type::Text), "The availability zones that it stands in."),
        Field::computed("parameter_status", Type::Text, "`in-sync`, or `pending-reboot` while static parameters wait for a reboot.").volatile(),
        Field::computed("id", Type::Text, "The identifier."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["identifier"],
        collision: Collision::DeleteFirst,
    };
    // 80 minutes: a change of class or storage on a large instance.
    const PATIENCE: Patience = Patience::slow(420, 4_800)
        .not_yet(&[
            // The service-linked role of RDS, which the first call of an account makes, is not known everywhere at once.
            ("InvalidParameterValue", "service linked role"),
            ("InvalidParameterValue", "service-linked role"),
            ("InvalidParameterValue", "ServiceLinkedRole"),
            ("InvalidParameterValue", "Missing necessary credentials"),
        ])
        .lag(300);
    const HOLDS_DATA: bool = true;

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &["rds:DescribeDBInstances", "rds:ListTagsForResource"],
            Verb::Create => &[
                "rds:CreateDBInstance",
                "rds:AddTagsToResource",
                "iam:CreateServiceLinkedRole",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
                "kms:CreateGrant",
                "kms:DescribeKey",
            ],
            Verb::Update => &[
                "rds:ModifyDBInstance",
                "rds:AddTagsToResource",
                "rds:RemoveTagsFromResource",
            ],
            Verb::Delete => &[
                "rds:DescribeDBInstances",
                "rds:DeleteDBInstance",
                "rds:CreateDBSnapshot",
            ],
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let mut names = asked.texts("identifier");
        names.extend(asked.ids().map(|id| id.as_str().to_owned()));
        names.sort();
        names.dedup();
        // AWS has no filter by tag, so strays are found in the full list only; it costs no more.
        let everything = asked.extent.is_wide() || needs_scan(asked, "identifier");
        let filter = (!everything).then(|| names.clone());
        if filter.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let mut all = describe(aws, filter).await?;
        all.retain(|live| {
            names.contains(&live.identifier) || asked.wants(&live.identifier, &live.tags)
        });
        Ok(all)
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        check_iops(&spec.volume())?;
        let password = cx.reveal(&spec.password).await?;
        let answer = cx
            .send(
                "rds:CreateDBInstance",
                async {
                    aws.rds
                        .create_db_instance()
                        .db_instance_identifier(&spec.identifier)
                        .engine("postgres")
                        .engine_version(&spec.engine_version)
                        .db_instance_class(&spec.instance_class)
                        .allocated_storage(spec.storage)
                        .storage_type(&spec.storage_type)
                        .set_iops(spec.iops)
                        .set_max_allocated_storage(spec.max_storage)
                        .set_db_name(spec.db_name.clone())
                        .master_username(&spec.username)
                        .master_user_password(password.expose())
                        .db_subnet_group_name(&spec.subnet_group)
                        .set_vpc_security_group_ids(Some(spec.security_groups.clone()))
                        .set_db_parameter_group_name(spec.parameter_group.clone())
                        .multi_az(spec.multi_az)
                        .publicly_accessible(spec.publicly_accessible)
                        .storage_encrypted(spec.encrypted)
                        .set_kms_key_id(spec.kms_key.clone())
                        .backup_retention_period(spec.backup_retention)
                        .set_preferred_backup_window(spec.backup_window.clone())
                        .set_preferred_maintenance_window(spec.maintenance_window.clone())
                        .deletion_protection(spec.deletion_protection)
                        .auto_minor_version_upgrade(spec.auto_minor_version_upgrade)
                        .set_enable_performance_insights(spec.performance_insights)
                        .copy_tags_to_snapshot(spec.copy_tags)
                        .set_ca_certificate_identifier(spec.ca_certificate.clone())
                        .set_tags(Some(tags::list(&cx.tags)))
                        .send()
                        .await
                        .map_err(|e| aws_error("rds:CreateDBInstance", e).scrub([&password]))
                },
                |answer| {
                    answer
                        .db_instance()?
                        .db_instance_identifier()
                        .map(PhysicalId::new)
                },
            )
            .await?;
        let instance = answer.db_instance.ok_or_else(|| {
            CloudError::malformed(&Self::NAME, "CreateDBInstance answered without an instance")
        })?;
        let mut live = Live::new(instance);
        live.tags = cx.tags.clone();
        Ok(live)
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        if wanted.changed.iter().any(|change| change.field != TAGS) {
            live = modify(aws, cx, &live, wanted).await?;
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, live.arn(), &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let seen;
        let live = if cx.round == 0 {
            live
        } else {
            let named = describe(aws, Some(vec![live.identifier.clone()])).await?;
            match named
                .into_iter()
                .find(|db| db.identifier == live.identifier)
            {
                None => return Ok(Step::Done(())),
                Some(now) => {
                    seen = now;
                    &seen
                }
            }
        };
        if live.is_deleting() {
            return Ok(Step::Again("deleting".into()));
        }
        let snapshot = final_snapshot(cx, live)?;
        let answer = cx
            .call("rds:DeleteDBInstance", async {
                aws.rds
                    .delete_db_instance()
                    .db_instance_identifier(&live.identifier)
                    .skip_final_snapshot(snapshot.is_none())
                    .set_final_db_snapshot_identifier(snapshot.clone())
                    .send()
                    .await
                    .map_err(|e| aws_error("rds:DeleteDBInstance", e))
            })
            .await;
        match answer {
            Ok(_) => Ok(Step::Again(match snapshot {
                Some(snapshot) => format!("deleting, after a last snapshot {snapshot}"),
                None => "deleting".into(),
            })),
            Err(error) if error.is(Class::NotFound) => Ok(Step::Done(())),
            Err(error) if error.message.contains("is already being deleted") => {
                Ok(Step::Again("deleting".into()))
            }
            Err(error) if error.code == "InvalidDBInstanceState" && live.is_stopped() => {
                Err(stopped(live, error))
            }
            Err(error) => Err(error),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.identifier)
    }

    fn unmanageable(live: &Live) -> Option<String> {
        live.unmanageable()
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        live.observed()
    }

    fn readiness(live: &Live) -> Readiness {
        live.readiness()
    }
}

/// Every instance, or those of these identifiers; 100 a page, tags included.
async fn describe(aws: &Aws, names: Option<Vec<String>>) -> Result<Vec<Live>, CloudError> {
    let filter = names.map(|names| {
        vec![
            Filter::builder()
                .name("db-instance-id")
                .set_values(Some(names))
                .build(),
        ]
    });
    let pages = pages(
        aws,
        "rds:DescribeDBInstances",
        |marker| {
            let request = aws
                .rds
                .describe_db_instances()
                .max_records(100)
                .set_filters(filter.clone())
                .set_marker(marker);
            async move {
                request
                    .send()
                    .await
                    .map_err(|e| aws_error("rds:DescribeDBInstances", e))
            }
        },
        |page| page.marker(),
    )
    .await;
    let pages = match pages {
        // RDS answers so when a filter names nothing that exists.
        Err(error) if error.is(Class::NotFound) && filter.is_some() => Vec::new(),
        pages => pages?,
    };
    let instances = pages
        .into_iter()
        .flat_map(|page| page.db_instances.unwrap_or_default());
    Ok(instances.map(instance_state::Live::new).collect())
}
