//! A made-up bucket, conditional and consistent as S3 is; answers get lost, and a dead process reaches nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use circles_infra::state::{Objects, PutError, StoreError, Tag, Writing};
use futures::future::BoxFuture;
use tokio::time::sleep;

use crate::cloud::Cloud;
use crate::drive::Defect;
use crate::faults::{Dice, Fault};
use crate::process::Process;

/// What is in it: text and number of each writing.
#[derive(Default)]
pub struct Bucket(Mutex<Shelved>);

#[derive(Clone, Default)]
struct Shelved {
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    writes: u64,
    asked: u64,
}

impl Bucket {
    pub fn clear(&self) {
        self.0.lock().unwrap().objects.clear();
    }

    /// All texts, for looking whether a secret is among them.
    pub fn texts(&self) -> Vec<Vec<u8>> {
        let shelved = self.0.lock().unwrap();
        shelved
            .objects
            .values()
            .map(|(text, _)| text.clone())
            .collect()
    }
}

/// The bucket as one process reaches it.
pub struct Door {
    pub bucket: Arc<Bucket>,
    pub cloud: Arc<Cloud>,
    pub process: Arc<Process>,
    pub defect: Option<Defect>,
}

impl Door {
    /// The time that a request takes. Says whether its answer gets lost, and whether it is carried out then.
    async fn pass(&self) -> Option<bool> {
        self.process.alive().await;
        let asked = {
            let mut shelved = self.bucket.0.lock().unwrap();
            shelved.asked += 1;
            shelved.asked
        };
        let mut dice = Dice::at(self.cloud.seed, &[&"store", &asked]);
        sleep(Duration::from_millis(dice.between(15, 60))).await;
        self.process.alive().await;
        let lost = dice.chance(self.cloud.weather().store);
        lost.then(|| dice.chance(500))
    }

    fn lost() -> StoreError {
        StoreError::Unfit {
            place: "made-up".into(),
            what: "the answer was lost".into(),
        }
    }
}

impl Objects for Door {
    fn place(&self, name: &str) -> String {
        format!("made-up://{name}")
    }

    fn check(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Writing>, StoreError>> {
        Box::pin(async move {
            self.pass().await;
            let shelved = self.bucket.0.lock().unwrap();
            let there = shelved.objects.get(name);
            Ok(there.map(|(text, tag)| (text.clone(), Tag(tag.to_string()))))
        })
    }

    fn put<'a>(
        &'a self,
        name: &'a str,
        text: &'a [u8],
        over: Option<&'a Tag>,
    ) -> BoxFuture<'a, Result<Tag, PutError>> {
        Box::pin(async move {
            let lost = self.pass().await;
            if lost.is_some() {
                self.cloud.tally.strike(Fault::StoreAnswerLost);
            }
            if lost == Some(false) {
                return Err(PutError::Again(Self::lost()));
            }
            let mut shelved = self.bucket.0.lock().unwrap();
            let there = shelved
                .objects
                .get(name)
                .map(|(_, tag)| Tag(tag.to_string()));
            // Planted: whoever writes last wins.
            let unchecked = self.defect == Some(Defect::NoEpochCheck) && name.contains("journal/");
            if there.as_ref() != over && !unchecked {
                return Err(PutError::Lost);
            }
            shelved.writes += 1;
            let tag = shelved.writes;
            shelved
                .objects
                .insert(name.to_owned(), (text.to_vec(), tag));
            match lost {
                Some(_) => Err(PutError::Again(Self::lost())),
                None => Ok(Tag(tag.to_string())),
            }
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            self.pass().await;
            let shelved = self.bucket.0.lock().unwrap();
            let names = shelved.objects.keys().filter(|name| {
                name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after)
            });
            Ok(names.take(50).cloned().collect())
        })
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.pass().await;
            let mut shelved = self.bucket.0.lock().unwrap();
            for name in names {
                shelved.objects.remove(name);
            }
            Ok(())
        })
    }
}
