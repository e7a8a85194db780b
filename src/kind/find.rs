//! What the engine asks a kind to look for.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use super::CloudError;
use crate::model::{Address, Attributes, Ownership, PhysicalId, Scope, Tags};

/// How far a look goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The items, and whatever else carries this stack's tags, at whatever number of calls: for `drift`, `destroy` and a lost state.
    Thorough,
    /// The items, and whatever else carries this stack's tags and shows in the lists that are read for them anyway.
    Everything,
    /// Just the items: the engine waits for them, so the cheapest read that tells is best.
    Items,
}

impl Extent {
    /// Whether more than the items is sought.
    pub fn is_wide(self) -> bool {
        self != Self::Items
    }
}

/// One resource to look for.
#[derive(Clone, Debug)]
pub struct AskedItem {
    pub address: Address,
    /// What the state or the journal knows it by.
    pub id: Option<PhysicalId>,
    /// What the stack says, references filled in as far as they are known. Its natural key may be pending.
    pub desired: Option<Attributes>,
    /// What was last seen, from the state; for kinds whose content cannot change under one id.
    pub last: Option<Attributes>,
    /// The tags it should carry. A listing that lags and says otherwise is not believed.
    pub tags: Option<Tags>,
}

/// All that one look at one kind has to answer.
#[derive(Clone)]
pub struct Asked {
    pub scope: Scope,
    pub extent: Extent,
    pub items: Vec<AskedItem>,
    /// Describes that several kinds share are read once per look.
    pub memo: Arc<Memo>,
}

impl Asked {
    pub fn ids(&self) -> impl Iterator<Item = &PhysicalId> {
        self.items.iter().filter_map(|item| item.id.as_ref())
    }

    /// Known values of one text field among the items: wished for, or last seen. No duplicates.
    pub fn texts(&self, field: &str) -> Vec<String> {
        let mut all: Vec<String> = self
            .items
            .iter()
            .flat_map(|item| [&item.desired, &item.last])
            .flatten()
            .filter_map(|attributes| attributes.text(field))
            .map(str::to_owned)
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Whether a resource with that id or these tags is among what this look is after.
    pub fn wants(&self, id: &str, tags: &Tags) -> bool {
        // The tags first: with thousands of resources, most are known by them, and ids are looked through one by one.
        self.is_ours(tags) || self.has_id(id)
    }

    pub fn has_id(&self, id: &str) -> bool {
        self.ids().any(|known| known.as_str() == id)
    }

    /// Whether the tags are this stack's: any address in a wide look, an asked one otherwise.
    pub fn is_ours(&self, tags: &Tags) -> bool {
        Ownership::read(tags).is_some_and(|owner| {
            owner.is_of(&self.scope)
                && (self.extent.is_wide()
                    || self.items.iter().any(|item| item.address == owner.address))
        })
    }
}

type Cell = Arc<dyn Any + Send + Sync>;

/// Answers shared between kinds during one look, by type and key.
#[derive(Default)]
pub struct Memo {
    cells: Mutex<HashMap<(TypeId, String), Cell>>,
}

impl Memo {
    /// The answer under `key`, read by `read` the first time. An error is not kept.
    pub async fn get<T, F>(
        &self,
        key: &str,
        read: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>, CloudError>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, CloudError>> + Send,
    {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(|e| e.into_inner());
            cells
                .entry((TypeId::of::<T>(), key.to_owned()))
                .or_insert_with(|| Arc::new(OnceCell::<Arc<T>>::new()))
                .clone()
        };
        // The key holds the type, so the cell is of this type.
        let Ok(cell) = cell.downcast::<OnceCell<Arc<T>>>() else {
            return read().await.map(Arc::new);
        };
        cell.get_or_try_init(|| async { read().await.map(Arc::new) })
            .await
            .cloned()
    }
}
