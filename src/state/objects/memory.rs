//! A bucket in memory, for tests: strongly consistent and conditional as S3 is, and it can lose answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;

use super::{Objects, PutError, StoreError, Tag, Writing};

#[derive(Default)]
pub struct Memory {
    objects: Mutex<BTreeMap<String, (Vec<u8>, u64)>>,
    writes: Mutex<u64>,
    /// So many writes are carried out, and their answers lost.
    pub lose: Mutex<u32>,
    /// Nothing gets through.
    pub cut: Mutex<bool>,
}

impl Memory {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub fn names(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    pub fn text(&self, name: &str) -> Option<String> {
        let objects = self.objects.lock().unwrap();
        let (text, _) = objects.get(name)?;
        Some(String::from_utf8(text.clone()).unwrap())
    }

    /// Without any condition, as a person does.
    pub fn set(&self, name: &str, text: impl AsRef<[u8]>) {
        let tag = self.next();
        self.objects
            .lock()
            .unwrap()
            .insert(name.to_owned(), (text.as_ref().to_vec(), tag));
    }

    pub fn remove(&self, name: &str) {
        self.objects.lock().unwrap().remove(name);
    }

    fn next(&self) -> u64 {
        let mut writes = self.writes.lock().unwrap();
        *writes += 1;
        *writes
    }

    fn unreachable(&self) -> Option<StoreError> {
        self.cut.lock().unwrap().then(|| StoreError::Unfit {
            place: "memory".into(),
            what: "no answer".into(),
        })
    }
}

impl Objects for Memory {
    fn place(&self, name: &str) -> String {
        format!("memory://{name}")
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Writing>, StoreError>> {
        Box::pin(async move {
            if let Some(error) = self.unreachable() {
                return Err(error);
            }
            let objects = self.objects.lock().unwrap();
            Ok(objects
                .get(name)
                .map(|(text, tag)| (text.clone(), Tag(tag.to_string()))))
        })
    }

    fn put<'a>(
        &'a self,
        name: &'a str,
        text: &'a [u8],
        over: Option<&'a Tag>,
    ) -> BoxFuture<'a, Result<Tag, PutError>> {
        Box::pin(async move {
            if let Some(error) = self.unreachable() {
                return Err(PutError::Again(error));
            }
            let mut objects = self.objects.lock().unwrap();
            let there = objects.get(name).map(|(_, tag)| Tag(tag.to_string()));
            if there.as_ref() != over {
                return Err(PutError::Lost);
            }
            let tag = self.next();
            objects.insert(name.to_owned(), (text.to_vec(), tag));
            let mut lose = self.lose.lock().unwrap();
            if *lose > 0 {
                *lose -= 1;
                return Err(PutError::Again(StoreError::Unfit {
                    place: "memory".into(),
                    what: "the answer was lost".into(),
                }));
            }
            Ok(Tag(tag.to_string()))
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            // Small pages, so that every test pages.
            let objects = self.objects.lock().unwrap();
            Ok(objects
                .keys()
                .filter(|name| name.starts_with(prefix))
                .filter(|name| after.is_none_or(|after| name.as_str() > after))
                .take(3)
                .cloned()
                .collect())
        })
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            for name in names {
                self.remove(name);
            }
            Ok(())
        })
    }
}

/// Nothing gets through for that long.
pub fn cut_for(memory: &Arc<Memory>, time: std::time::Duration) {
    *memory.cut.lock().unwrap() = true;
    let memory = memory.clone();
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        *memory.cut.lock().unwrap() = false;
    });
}
