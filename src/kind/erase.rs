//! The dyn form of a kind, so that engine and plan hold kinds of every type side by side.

use std::any::Any;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::{
    Asked, CloudError, Cx, Field, FieldChange, Identity, Kind, Patience, Readiness, SecretText,
    Step, Verb, Wanted, World,
};
use crate::model::{Attributes, KindName, PhysicalId, Tags};

/// A live resource as one look saw it.
#[derive(Clone)]
pub struct Observed {
    pub kind: KindName,
    pub id: PhysicalId,
    pub tags: Tags,
    /// In the field table's terms, computed fields and `id` included.
    pub attributes: Attributes,
    pub readiness: Readiness,
    /// See [`Kind::unmanageable`].
    pub unmanageable: Option<String>,
    /// For comparison in memory; never written.
    pub secrets: Vec<(String, SecretText)>,
    live: Arc<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observed")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("readiness", &self.readiness)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Observed {
    /// One that no kind has seen.
    pub fn made_up(
        kind: &'static str,
        id: &PhysicalId,
        attributes: Attributes,
        tags: Tags,
    ) -> Self {
        Self {
            kind: KindName::new(kind),
            id: id.clone(),
            tags,
            attributes,
            readiness: Readiness::Ready,
            unmanageable: None,
            secrets: Vec::new(),
            live: Arc::new(()),
        }
    }
}

/// What a step came to.
#[derive(Clone, Debug)]
pub enum Settle {
    Live(Box<Observed>),
    Gone,
    Again(String),
}

/// A [`Kind`] bound to its world, behind one object-safe face.
pub trait AnyKind: Send + Sync {
    fn name(&self) -> KindName;
    fn doc(&self) -> &'static str;
    fn fields(&self) -> &'static [Field];
    fn identity(&self) -> Identity;
    fn patience(&self) -> Patience;
    fn holds_data(&self) -> bool;
    fn tagged_at_once(&self) -> bool;
    fn update_appends(&self) -> bool;
    fn is_mended_in_place(&self) -> bool;
    fn permissions(&self, verb: Verb) -> &'static [&'static str];
    fn find<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, Result<Vec<Observed>, CloudError>>;
    fn create<'a>(
        &'a self,
        cx: &'a Cx,
        desired: &'a Attributes,
    ) -> BoxFuture<'a, Result<Observed, CloudError>>;
    fn update<'a>(
        &'a self,
        cx: &'a Cx,
        live: &'a Observed,
        desired: &'a Attributes,
        changed: Vec<FieldChange>,
    ) -> BoxFuture<'a, Result<Settle, CloudError>>;
    fn delete<'a>(
        &'a self,
        cx: &'a Cx,
        live: &'a Observed,
    ) -> BoxFuture<'a, Result<Settle, CloudError>>;
}

struct Erased<K, W> {
    world: Arc<W>,
    kind: PhantomData<fn() -> K>,
}

/// Binds kind `K` to a world.
pub fn erase<K, W>(world: &Arc<W>) -> Arc<dyn AnyKind>
where
    W: World,
    K: Kind<W>,
{
    Arc::new(Erased::<K, W> {
        world: world.clone(),
        kind: PhantomData,
    })
}

/// A live resource of a known kind, as one look saw it.
pub fn observe<W: World, K: Kind<W>>(live: K::Live) -> Observed {
    let id = K::id(&live);
    let mut attributes = K::observed(&live);
    attributes.set("id", id.as_str());
    Observed {
        kind: K::NAME,
        id,
        tags: K::tags(&live),
        attributes,
        readiness: K::readiness(&live),
        unmanageable: K::unmanageable(&live),
        secrets: K::secrets(&live),
        live: Arc::new(live),
    }
}

fn downcast<W: World, K: Kind<W>>(observed: &Observed) -> Result<&K::Live, CloudError> {
    observed.live.downcast_ref().ok_or_else(|| {
        CloudError::malformed(
            &K::NAME,
            format!("{} was seen as another kind", observed.id),
        )
    })
}

/// What is not there has its default: the verbs that change nothing but tags have only what AWS shows to go by.
fn decode<W: World, K: Kind<W>>(desired: &Attributes) -> Result<K::Spec, CloudError> {
    let mut whole = desired.clone();
    for field in K::FIELDS {
        if let Some(default) = field.default
            && whole.get(field.name).is_null()
        {
            whole.set(field.name, default.value());
        }
    }
    whole
        .decode()
        .map_err(|e| CloudError::malformed(&K::NAME, e))
}

impl<K: Kind<W>, W: World> AnyKind for Erased<K, W> {
    fn name(&self) -> KindName {
        K::NAME
    }

    fn doc(&self) -> &'static str {
        K::DOC
    }

    fn fields(&self) -> &'static [Field] {
        K::FIELDS
    }

    fn identity(&self) -> Identity {
        K::IDENTITY
    }

    fn patience(&self) -> Patience {
        K::PATIENCE
    }

    fn holds_data(&self) -> bool {
        K::HOLDS_DATA
    }

    fn tagged_at_once(&self) -> bool {
        K::TAGGED_AT_ONCE
    }

    fn update_appends(&self) -> bool {
        K::UPDATE_APPENDS
    }

    fn is_mended_in_place(&self) -> bool {
        K::MENDED_IN_PLACE
    }

    fn permissions(&self, verb: Verb) -> &'static [&'static str] {
        K::permissions(verb)
    }

    fn find<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, Result<Vec<Observed>, CloudError>> {
        Box::pin(async move {
            let live = K::find(&self.world, asked).await?;
            Ok(live.into_iter().map(observe::<W, K>).collect())
        })
    }

    fn create<'a>(
        &'a self,
        cx: &'a Cx,
        desired: &'a Attributes,
    ) -> BoxFuture<'a, Result<Observed, CloudError>> {
        Box::pin(async move {
            let spec = decode::<W, K>(desired)?;
            K::create(&self.world, cx, &spec).await.map(observe::<W, K>)
        })
    }

    fn update<'a>(
        &'a self,
        cx: &'a Cx,
        live: &'a Observed,
        desired: &'a Attributes,
        changed: Vec<FieldChange>,
    ) -> BoxFuture<'a, Result<Settle, CloudError>> {
        Box::pin(async move {
            let wanted = Wanted {
                changed,
                spec: decode::<W, K>(desired)?,
                desired: desired.clone(),
            };
            let live = downcast::<W, K>(live)?;
            Ok(match K::update(&self.world, cx, live, &wanted).await? {
                Step::Done(live) => Settle::Live(Box::new(observe::<W, K>(live))),
                Step::Again(why) => Settle::Again(why),
            })
        })
    }

    fn delete<'a>(
        &'a self,
        cx: &'a Cx,
        live: &'a Observed,
    ) -> BoxFuture<'a, Result<Settle, CloudError>> {
        Box::pin(async move {
            let live = downcast::<W, K>(live)?;
            Ok(match K::delete(&self.world, cx, live).await? {
                Step::Done(()) => Settle::Gone,
                Step::Again(why) => Settle::Again(why),
            })
        })
    }
}

/// Every kind there is, by name. Planning reads the tables only; the engine also calls.
#[derive(Clone, Default)]
pub struct Kinds(BTreeMap<KindName, Arc<dyn AnyKind>>);

/// The kinds of one world, bound to it.
pub type Cloud = Kinds;

impl Kinds {
    pub fn new(kinds: impl IntoIterator<Item = Arc<dyn AnyKind>>) -> Self {
        Self(kinds.into_iter().map(|kind| (kind.name(), kind)).collect())
    }

    pub fn get(&self, name: &KindName) -> Option<&Arc<dyn AnyKind>> {
        self.0.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn AnyKind>> {
        self.0.values()
    }
}
