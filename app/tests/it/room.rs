//! The room of a place with people in it who block one another: sockets and history tell each of them the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Client, Socket, World};

/// A socket, and whom it has heard so far.
struct Ears {
    socket: Socket,
    heard: BTreeSet<i64>,
}

impl Ears {
    /// Listens until a frame of this kind comes, with this text when it is a message.
    async fn until(&mut self, kind: &str, text: Option<&str>) {
        loop {
            let frame = self.socket.next().await;
            let author = frame["message"]["user_id"].as_i64();
            self.heard.extend(author.or(frame["user_id"].as_i64()));
            if frame["type"] == kind && text.is_none_or(|t| frame["message"]["text"] == t) {
                return;
            }
        }
    }
}

async fn history(caller: &Client, place: i64) -> BTreeSet<i64> {
    let page = caller
        .get(&format!("/places/{place}/chat/messages"))
        .await
        .expect(200);
    let items = page["items"].as_array().expect("a list");
    let said = items.iter().filter(|m| m["text"] != "mark");
    said.filter_map(|m| m["user_id"].as_i64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_with_a_block_between_them_hear_nothing_of_each_other() {
    let world = World::new().await;
    let second = world.second(&[]).await;
    let place = world.place("Cafe", 0.0).await;
    let mut people = Vec::new();
    for name in ["Sara", "Omar", "Lina", "Noor"] {
        let person = world.person(name).await;
        person.check_in(place, "public").await;
        people.push(person);
    }
    let Ok([sara, omar, lina, noor]) = <[Client; 4]>::try_from(people) else {
        panic!("four people");
    };
    sara.block(&omar).await;
    lina.block(&sara).await;
    // Half of them are on another task.
    let (omar, lina) = (omar.at(second.address), lina.at(second.address));
    let path = format!("/ws/places/{place}/chat");
    let everybody = [&sara, &omar, &lina, &noor];
    let mut all = Vec::new();
    for person in everybody {
        let socket = person.socket(&path).await;
        let mut ears = Ears {
            socket,
            heard: BTreeSet::new(),
        };
        ears.until("connection_established", None).await;
        ears.heard.clear();
        all.push(ears);
    }
    for (person, ears) in everybody.iter().zip(&mut all) {
        let typing = json!({ "type": "typing", "typing": true });
        ears.socket.send(typing).await;
        let text = format!("{} here", person.id);
        let say = json!({ "type": "message", "text": text });
        ears.socket.send(say).await;
        ears.until("message", Some(&text)).await;
    }
    // Nobody blocks Noor: all hear her mark.
    let say: Value = json!({ "text": "mark" });
    noor.post(&format!("/places/{place}/chat/messages"), say)
        .await
        .expect(200);
    let apart = [(&sara, &omar), (&sara, &lina)];
    let between = |one: &Client, other: &Client| {
        let is = |(a, b): &(&Client, &Client)| {
            (a.id, b.id) == (one.id, other.id) || (a.id, b.id) == (other.id, one.id)
        };
        apart.iter().any(is)
    };
    for (listener, ears) in everybody.iter().zip(&mut all) {
        ears.until("message", Some("mark")).await;
        let expected: BTreeSet<i64> = everybody
            .iter()
            .filter(|s| !between(listener, s))
            .map(|s| s.id)
            .collect();
        assert_eq!(ears.heard, expected, "what {} hears", listener.id);
        assert_eq!(
            history(listener, place).await,
            expected,
            "the history of {}",
            listener.id
        );
    }
}
