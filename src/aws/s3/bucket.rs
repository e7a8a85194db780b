//! `s3.bucket`.
//!
//! Bucket names are one space for all accounts, and in us-east-1 `CreateBucket` on a bucket of our own succeeds and resets its ACL: so a
//! `HeadBucket` goes first, and nothing that exists is ever adopted by creating it. Crash between `CreateBucket` and its facets: the bucket
//! is found by its name, and the facets show as changes.
//!
//! Left out: object lock, because it is set at creation for good; replication, website, logging, notifications, inventories and request
//! payment, because each costs a call more at every plan and no stack here uses them; ACLs, because `ownership` switches them off; a key
//! that the stack does not name, because AWS chooses it.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership, Tag,
};
use futures::future::try_join_all;

use super::facet_writes::{Writes, lift_policy, tag_set};
use super::facets::Facets;
use super::{bucket_spec, cors, empty, facets, lifecycle, names, permissions};
use crate::aws::{Aws, aws_error, scan, tagged};
use crate::kind::{
    Asked, Class, CloudError, Collision, Cx, Field, Identity, Kind, Literal, Patience, Readiness,
    Step, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags, Value};

pub use super::bucket_spec::Spec;

pub struct Bucket;

#[derive(Clone)]
pub struct Live {
    name: String,
    region: String,
    partition: String,
    facets: Facets,
}

impl Kind<Aws> for Bucket {
    const NAME: KindName = bucket_spec::NAME;
    const DOC: &'static str = "A bucket for objects.";
    const FIELDS: &'static [Field] = &[
        Field::new(
            "name",
            Type::Text,
            "Its name; unique among all accounts of the partition.",
        )
        .required()
        .replace(),
        Field::new(
            "versioning",
            Type::Bool,
            "Whether replaced and deleted objects are kept as versions.",
        )
        .default(Literal::Bool(false)),
        Field::new(
            "public_access_block",
            Type::Bool,
            "Whether all four switches against public access are on.",
        )
        .default(Literal::Bool(true)),
        Field::new(
            "encryption",
            Type::OneOf(&["AES256", "aws:kms"]),
            "What new objects are encrypted with.",
        )
        .default(Literal::Text("AES256")),
        Field::new(
            "kms_key",
            Type::Text,
            "ARN of the key for `aws:kms`; without one, AWS's own.",
        ),
        Field::new(
            "ownership",
            Type::OneOf(&[
                "BucketOwnerEnforced",
                "BucketOwnerPreferred",
                "ObjectWriter",
            ]),
            "Who owns objects; `BucketOwnerEnforced` switches ACLs off.",
        )
        .default(Literal::Text("BucketOwnerEnforced")),
        Field::new("policy", Type::Policy, "The bucket policy.").default(Literal::Unset),
        Field::new(
            "lifecycle",
            Type::Set(&Type::Object(lifecycle::RULE)),
            "Rules that delete objects as they age.",
        )
        .default(Literal::Unset),
        Field::new(
            "cors",
            Type::List(&Type::Object(cors::RULE)),
            "Browsers' access from other origins; the first rule that fits counts.",
        )
        .default(Literal::Unset),
        Field::new(
            "force_destroy",
            Type::Bool,
            "Whether it may be deleted with objects in it.",
        )
        .default(Literal::Bool(false))
        .ignore(),
        Field::computed("arn", Type::Text, "`arn:aws:s3:::…`."),
        Field::computed("domain_name", Type::Text, "`….s3.us-east-1.amazonaws.com`."),
        Field::computed("region", Type::Text, "The region it stands in."),
        Field::computed("id", Type::Text, "The name."),
    ];
    const IDENTITY: Identity = Identity {
        natural_key: &["name"],
        collision: Collision::DeleteFirst,
    };
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        // A new bucket is not known everywhere for a minute or two; a name that was just given up, for longer.
        ("NoSuchBucket", ""),
        ("OperationAborted", ""),
        ("MalformedPolicy", "Invalid principal"),
    ]);
    // Tags in CreateBucketConfiguration are young: not every endpoint heeds them.
    const TAGGED_AT_ONCE: bool = false;
    const HOLDS_DATA: bool = true;

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => permissions::READ,
            Verb::Create => permissions::CREATE,
            Verb::Update => permissions::WRITE,
            Verb::Delete => permissions::DELETE,
        }
    }

    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let mut names: BTreeSet<String> = asked.texts("name").into_iter().collect();
        names.extend(asked.ids().map(|id| id.as_str().to_owned()));
        let named = try_join_all(names.iter().map(|name| look(aws, name)));
        let strays = async {
            if !scan::needs_scan(asked, "name") {
                return Ok(Vec::new());
            }
            let others: BTreeSet<String> = match tagged::arns(aws, asked, "s3").await? {
                Some(arns) => {
                    let names = arns.iter().filter_map(|arn| arn.rsplit(':').next());
                    names.map(str::to_owned).collect()
                }
                None => names::listed(aws, "").await?,
            };
            let strays = others.difference(&names);
            try_join_all(strays.map(|name| look(aws, name))).await
        };
        let (named, strays) = tokio::try_join!(named, strays)?;
        let strays = strays
            .into_iter()
            .flatten()
            // The tagging API lags: the bucket itself says whose it is.
            .filter(|live| asked.is_ours(&live.facets.tags));
        Ok(named.into_iter().flatten().chain(strays).collect())
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        names::refuse_taken(aws, &spec.name).await?;
        let tags = tag_set(&cx.tags)?;
        match create_bucket(aws, cx, spec, Some(tags)).await {
            // A work-alike from before buckets took tags with their creation, or a partition where
            // they do not yet (hashicorp/terraform-provider-aws#45566): `finish` sets them.
            Err(error) if matches!(error.code.as_str(), "MalformedXML" | "UnsupportedArgument") => {
                create_bucket(aws, cx, spec, None).await?;
            }
            other => other?,
        }
        let mut live = live(aws, &spec.name, Facets::default());
        match finish(aws, cx, &mut live, spec).await {
            // Not known everywhere yet: the rest is left to `update`.
            Err(error) if error.is(Class::NotFound) || error.is(Class::NotYet) => Ok(live),
            Err(error) => Err(error),
            Ok(()) => Ok(live),
        }
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        let mut live = live.clone();
        Writes {
            aws,
            cx,
            bucket: &live.name,
            live: &mut live.facets,
        }
        .make(&wanted.spec, |field| wanted.changes(field))
        .await?;
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        let force = cx.last.get("force_destroy").as_bool() == Some(true);
        if force {
            match empty::empty(aws, cx, &live.name).await {
                Err(error) if error.is(Class::NotFound) => return Ok(Step::Done(())),
                Err(error) if error.is(Class::Denied) => {
                    return lift_policy(aws, cx, &live.name, &live.facets, error).await;
                }
                other => other?,
            }
        }
        let answer = cx
            .call("s3:DeleteBucket", async {
                aws.s3
                    .delete_bucket()
                    .bucket(&live.name)
                    .expected_bucket_owner(&aws.account)
                    .send()
                    .await
                    .map_err(|e| aws_error("s3:DeleteBucket", e))
            })
            .await;
        match answer {
            Ok(_) => Ok(Step::Done(())),
            Err(error) if error.is(Class::NotFound) => Ok(Step::Done(())),
            Err(error) if error.code == "BucketNotEmpty" && force => {
                Ok(Step::Again("something still writes to it".into()))
            }
            Err(mut error) if error.code == "BucketNotEmpty" => {
                // Waiting would not help.
                error.class = Class::Invalid;
                error.message = format!(
                    "the bucket {} has objects in it: empty it, or set `force_destroy: true` and apply that first",
                    live.name
                );
                Err(error)
            }
            Err(error) if error.is(Class::Denied) && force => {
                lift_policy(aws, cx, &live.name, &live.facets, error).await
            }
            Err(error) => Err(error),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.name)
    }

    fn tags(live: &Live) -> Tags {
        live.facets.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let facets = &live.facets;
        let suffix = match live.partition.as_str() {
            "aws-cn" => "amazonaws.com.cn",
            _ => "amazonaws.com",
        };
        let mut observed = Attributes::new([
            ("name", Value::text(&live.name)),
            ("versioning", facets.versioning.into()),
            ("public_access_block", facets.public_access_block.into()),
            ("encryption", facets.encryption.algorithm.clone().into()),
            ("kms_key", facets.encryption.key.clone().into()),
            ("ownership", facets.ownership.clone().into()),
            ("policy", facets.policy.clone().unwrap_or_default()),
            (
                "arn",
                format!("arn:{}:s3:::{}", live.partition, live.name).into(),
            ),
            (
                "domain_name",
                format!("{}.s3.{}.{suffix}", live.name, live.region).into(),
            ),
            ("region", Value::text(&live.region)),
        ]);
        if !facets.lifecycle.is_empty() {
            observed.set("lifecycle", lifecycle::observed(&facets.lifecycle));
        }
        if !facets.cors.is_empty() {
            observed.set("cors", cors::observed(&facets.cors));
        }
        observed
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

fn live(aws: &Aws, name: &str, facets: Facets) -> Live {
    Live {
        name: name.to_owned(),
        region: aws.region.clone(),
        partition: aws.partition.clone(),
        facets,
    }
}

/// The bucket of that name, if it is this account's.
async fn look(aws: &Aws, name: &str) -> Result<Option<Live>, CloudError> {
    match facets::read(aws, name).await {
        Ok(facets) => Ok(Some(live(aws, name, facets))),
        Err(error) if error.is(Class::NotFound) => Ok(None),
        // Refused either as somebody else's bucket or for want of a permission: only the list of our own tells.
        Err(error)
            if error.is(Class::Denied) && !names::listed(aws, name).await?.contains(name) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn create_bucket(
    aws: &Aws,
    cx: &Cx,
    spec: &Spec,
    tags: Option<Vec<Tag>>,
) -> Result<(), CloudError> {
    const ACTION: &str = "s3:CreateBucket";
    // S3 refuses its oldest region by name, and an empty configuration (API reference, CreateBucket).
    let elsewhere = aws.region != "us-east-1";
    let configuration = (elsewhere || tags.is_some()).then(|| {
        CreateBucketConfiguration::builder()
            .set_tags(tags)
            .set_location_constraint(
                elsewhere.then(|| BucketLocationConstraint::from(aws.region.as_str())),
            )
            .build()
    });
    let made = async {
        aws.s3
            .create_bucket()
            .bucket(&spec.name)
            .set_create_bucket_configuration(configuration)
            .object_ownership(ObjectOwnership::from(spec.ownership.as_str()))
            .send()
            .await
            .map_err(|e| aws_error(ACTION, e))
    };
    cx.send(ACTION, made, |_| Some(PhysicalId::new(&spec.name)))
        .await?;
    Ok(())
}

/// What the new bucket lacks. S3 gives it much by itself; a work-alike may not, and may have passed over the tags.
async fn finish(aws: &Aws, cx: &Cx, live: &mut Live, spec: &Spec) -> Result<(), CloudError> {
    live.facets = facets::read_given(aws, &spec.name).await?;
    Writes {
        aws,
        cx,
        bucket: &spec.name,
        live: &mut live.facets,
    }
    .make(spec, |_| true)
    .await
}
