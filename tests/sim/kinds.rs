//! The made-up kinds over the same trait as AWS's: re-entrant verbs, one call at a time, each through the gate.

use std::marker::PhantomData;

use circles_infra::kind::{
    Asked, Class, CloudError, Cx, Field, Identity, Kind, Kinds, Patience, Readiness, SecretText,
    Step, TAGS, Verb, Wanted, erase,
};
use circles_infra::model::{Attributes, Expr, KindName, Part, PhysicalId, SecretRef, Tags, Value};
use std::sync::Arc;
use tokio::time::Instant;

use crate::cloud::{Call, Sim, Thing};
use crate::drive::Defect;
use crate::nature::{self, Ids, Nature, has};
use crate::rules::family;

/// Where a secret value can be told by: it must show nowhere but in the cloud.
pub const HUSH: &str = "hush-";

struct Made<N>(PhantomData<fn() -> N>);

/// All ten, bound to one process's view of the cloud.
pub fn kinds(sim: &Arc<Sim>) -> Kinds {
    Kinds::new([
        erase::<Made<nature::Net>, Sim>(sim),
        erase::<Made<nature::Role>, Sim>(sim),
        erase::<Made<nature::Gate>, Sim>(sim),
        erase::<Made<nature::Bucket>, Sim>(sim),
        erase::<Made<nature::Rule>, Sim>(sim),
        erase::<Made<nature::Pool>, Sim>(sim),
        erase::<Made<nature::Base>, Sim>(sim),
        erase::<Made<nature::Service>, Sim>(sim),
        erase::<Made<nature::Secret>, Sim>(sim),
        erase::<Made<nature::Revision>, Sim>(sim),
    ])
}

/// What was seen of a thing, and by which process: one that is not ready says how.
#[derive(Clone)]
pub struct Live {
    pub thing: Thing,
    pub seen: Instant,
    pub leaks: bool,
}

impl<N: Nature> Made<N> {
    async fn call(
        sim: &Sim,
        cx: &Cx,
        action: &'static str,
        call: Call,
    ) -> Result<Thing, CloudError> {
        let address = cx.address.as_str();
        let mut tries = 0;
        loop {
            let sent = sim.call(address, action, call.clone());
            let answer = cx
                .send(action, sent, |thing: &Thing| {
                    // Planted: the id of a new thing is not told.
                    (sim.defect != Some(Defect::NoGivenId)).then(|| PhysicalId::new(&thing.id))
                })
                .await;
            tries += 1;
            // Planted: a client that repeats by itself what may have been carried out.
            match answer {
                Err(error)
                    if sim.defect == Some(Defect::BlindRepeat)
                        && error.is(Class::Unknown)
                        && tries < 3 => {}
                answer => return answer,
            }
        }
    }

    const SIZED_AT_ONCE: bool = N::TAGGED_AT_ONCE && !N::SIZED_AFTER;

    fn live(sim: &Sim, thing: Thing) -> Live {
        Live {
            thing,
            seen: Instant::now(),
            leaks: sim.defect == Some(Defect::SecretInState),
        }
    }

    /// The fields that the cloud keeps. Where a name comes first, the rest is for `update`.
    fn fields(spec: &Attributes) -> Attributes {
        let kept = spec.0.iter().filter(|(name, _)| {
            has(N::NAME, name) && *name != "password" && (Self::SIZED_AT_ONCE || *name != "size")
        });
        Attributes::new(kept.map(|(name, value)| (name.clone(), value.clone())))
    }

    async fn tag(sim: &Sim, cx: &Cx, id: &str) -> Result<Thing, CloudError> {
        let call = Call::Tag {
            kind: N::NAME,
            id: id.to_owned(),
            tags: cx.tags.clone(),
        };
        Self::call(sim, cx, N::TAG, call).await
    }
}

impl<N: Nature> Kind<Sim> for Made<N> {
    const NAME: KindName = KindName::new(N::NAME);
    const DOC: &'static str = ".";
    const FIELDS: &'static [Field] = N::FIELDS;
    const IDENTITY: Identity = N::IDENTITY;
    const PATIENCE: Patience = N::PATIENCE;
    const HOLDS_DATA: bool = N::HOLDS_DATA;
    const TAGGED_AT_ONCE: bool = N::TAGGED_AT_ONCE;
    const UPDATE_APPENDS: bool = N::UPDATE_APPENDS;

    type Spec = Attributes;
    type Live = Live;

    fn permissions(_verb: Verb) -> &'static [&'static str] {
        &[]
    }

    async fn find(sim: &Sim, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        let found = sim.find::<N>(asked).await?;
        Ok(found
            .into_iter()
            .map(|thing| Self::live(sim, thing))
            .collect())
    }

    async fn create(sim: &Sim, cx: &Cx, spec: &Attributes) -> Result<Live, CloudError> {
        if !spec.get("password").is_null() {
            let password = cx.reveal(spec.get("password")).await?;
            assert!(password.expose().starts_with(HUSH), "no such password");
        }
        let secret = has(N::NAME, "keys").then(|| format!("{HUSH}{:x}", rand::random::<u64>()));
        let call = Call::Create {
            kind: N::NAME,
            attributes: Self::fields(spec),
            tags: if N::TAGGED_AT_ONCE {
                cx.tags.clone()
            } else {
                Tags::new()
            },
            token: cx.token.clone(),
            secret,
        };
        let mut thing = Self::call(sim, cx, N::CREATE, call).await?;
        if !N::TAGGED_AT_ONCE {
            thing = Self::tag(sim, cx, &thing.id.clone()).await?;
        }
        if N::SIZED_AFTER && !spec.get("size").is_null() {
            let call = Call::Update {
                kind: N::NAME,
                id: thing.id.clone(),
                set: Attributes::new([("size", spec.get("size").clone())]),
            };
            thing = Self::call(sim, cx, N::UPDATE, call).await?;
            thing.attributes.set("size", spec.get("size").clone());
        }
        Ok(Self::live(sim, thing))
    }

    async fn update(
        sim: &Sim,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Attributes>,
    ) -> Result<Step<Live>, CloudError> {
        let mut thing = live.thing.clone();
        let fields = wanted.changed.iter().filter(|change| change.field != TAGS);
        let set = Attributes::new(fields.map(|change| (change.field.clone(), change.to.clone())));
        if wanted.changes(TAGS) {
            let tagged = Self::tag(sim, cx, &thing.id).await?;
            thing.tags = tagged.tags;
        }
        if !set.is_empty() {
            let call = Call::Update {
                kind: N::NAME,
                id: thing.id.clone(),
                set,
            };
            thing = Self::call(sim, cx, N::UPDATE, call).await?;
        }
        Ok(Step::Done(Self::live(sim, thing)))
    }

    async fn delete(sim: &Sim, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        if cx.round > 0 {
            match sim.read(N::NAME, &live.thing.id).await? {
                None => return Ok(Step::Done(())),
                Some(thing) if thing.going.is_some() => {
                    return Ok(Step::Again("it is on its way out".into()));
                }
                Some(_) => {}
            }
        }
        let ids = match N::IDS {
            Ids::Revised => sim.family(family(&live.thing.id), &live.thing.id),
            _ => vec![live.thing.id.clone()],
        };
        for id in ids {
            let call = Call::Delete { kind: N::NAME, id };
            match Self::call(sim, cx, N::DELETE, call).await {
                Err(error) if !error.is(Class::NotFound) => return Err(error),
                _ => {}
            }
        }
        if N::DRAIN.is_zero() {
            Ok(Step::Done(()))
        } else {
            Ok(Step::Again("it is on its way out".into()))
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.thing.id)
    }

    fn tags(live: &Live) -> Tags {
        live.thing.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        let thing = &live.thing;
        let mut all = thing.attributes.clone();
        if N::IDS == Ids::Revised {
            all.set("arn", thing.id.as_str());
        }
        if let Some(secret) = &thing.secret {
            let owner = thing.owner().map(|owner| owner.address);
            let held = SecretRef {
                address: owner.unwrap_or_else(|| "nobody".into()),
                key: "pw".into(),
            };
            let held = Value::Expr(Expr(vec![Part::Secret(held)]));
            let told = if live.leaks {
                Value::text(secret.as_str())
            } else {
                held
            };
            all.set("keys", Value::map([("pw", told)]));
        }
        all
    }

    fn readiness(live: &Live) -> Readiness {
        let thing = &live.thing;
        if thing.going.is_some() {
            Readiness::Going("deleting".into())
        } else if thing.broken && thing.ready_at <= live.seen {
            Readiness::Broken("failed".into())
        } else if thing.ready_at > live.seen {
            Readiness::NotYet("pending".into())
        } else {
            Readiness::Ready
        }
    }

    fn secrets(live: &Live) -> Vec<(String, SecretText)> {
        let secret = live.thing.secret.clone();
        let held = secret.map(|secret| ("pw".to_owned(), SecretText::new(secret)));
        held.into_iter().collect()
    }
}
