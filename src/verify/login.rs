//! What people do: two of them sign up, one checks in with a photo and keeps the place, they write to each other.
//!
//! They stay in the service's database, under numbers that are nobody's (North America's 555-0100 to 0199 are kept for fiction); what they made
//! is taken away again.

use serde_json::{Value as Json, json};

use super::live;
use super::report::{Problem, Walk, failed};
use super::service::{Person, Service};

const PART: &str = "login";

/// What comes after signing up, for a service that does not let us.
const AFTER: [&str; 6] = [
    "profile",
    "check-in",
    "photo upload",
    "collection",
    "direct message",
    "socket",
];

/// Area codes in use, for numbers that are not.
const AREAS: [u16; 12] = [202, 212, 213, 305, 312, 404, 415, 503, 617, 702, 808, 907];

type Checked<T> = Result<(T, String), Problem>;

/// A name that nobody has.
pub fn fresh_name() -> String {
    format!("verify_{:08x}", rand::random::<u32>())
}

fn fresh_phone() -> String {
    let area = AREAS[usize::from(rand::random::<u8>()) % AREAS.len()];
    format!("+1{area}55501{:02}", rand::random::<u8>() % 100)
}

pub async fn walk(service: &Service, walk: &mut Walk<'_>) {
    let one = walk.check(PART, "sign-up", sign_up(service)).await;
    let Some(one) = one else {
        for name in AFTER {
            walk.skip(PART, name, "nobody is signed in");
        }
        return;
    };
    let other = walk.check(PART, "second sign-up", sign_up(service)).await;
    walk.check(PART, "profile", profile(service, &one)).await;
    let visit = walk.check(PART, "check-in", check_in(service, &one)).await;
    match &visit {
        Some(visit) => {
            walk.check(PART, "photo upload", photo(service, &one, visit))
                .await;
            walk.check(PART, "collection", collection(service, &one, visit))
                .await;
        }
        None => {
            walk.skip(PART, "photo upload", "there is no check-in");
            walk.skip(PART, "collection", "there is no check-in");
        }
    }
    match &other {
        Some(other) => {
            let thread = walk
                .check(PART, "direct message", message(service, &one, other))
                .await;
            match thread {
                Some(thread) => {
                    walk.check(PART, "socket", live::thread(service, &one, other, thread))
                        .await;
                }
                None => walk.skip(PART, "socket", "there is no thread"),
            }
        }
        None => {
            walk.skip(PART, "direct message", "there is nobody to write to");
            walk.skip(PART, "socket", "there is nobody to write to");
        }
    }
    if let Some(visit) = visit {
        walk.check(PART, "cleaning up", clean_up(service, &one, &visit))
            .await;
    }
}

async fn sign_up(service: &Service) -> Checked<Person> {
    let phone = fresh_phone();
    let asked = json!({"phone": phone});
    let sent = service
        .post("/onboarding/request-otp", None, asked)
        .await?
        .wants(200)?
        .json()?;
    let Some(code) = sent["otp"].as_str() else {
        return Err(Problem::Expected(
            "one-time codes are not shown, as it should be in production".into(),
        ));
    };
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let asked = json!({"phone": phone, "otp_code": wrong});
    service
        .post("/onboarding/verify-otp", None, asked)
        .await?
        .wants(400)?;
    let asked = json!({"phone": phone, "otp_code": code});
    let verified = service
        .post("/onboarding/verify-otp", None, asked)
        .await?
        .wants(200)?
        .json()?;
    let person = person(&verified)?;
    let asked = json!({"first_name": "Verify", "last_name": "Check", "username": fresh_name(), "interests": ["coffee"]});
    let set_up = service
        .post("/onboarding/complete-setup", Some(&person.token), asked)
        .await?
        .wants(200)?
        .json()?;
    if set_up["user"]["is_onboarded"] != true {
        return Err(failed("the new user is not onboarded"));
    }
    Ok((person, "code, verification, set-up".into()))
}

fn person(verified: &Json) -> Result<Person, Problem> {
    let id = verified["user"]["id"].as_i64();
    let token = verified["access_token"].as_str();
    match (id, token) {
        (Some(id), Some(token)) => Ok(Person {
            id,
            token: token.to_owned(),
        }),
        _ => Err(failed("signing up gives no user or no token")),
    }
}

async fn profile(service: &Service, one: &Person) -> Checked<()> {
    let me = service
        .get("/auth/me", Some(&one.token))
        .await?
        .wants(200)?
        .json()?;
    if me["id"].as_i64() != Some(one.id) {
        return Err(failed("GET /auth/me is somebody else"));
    }
    for path in [
        "/settings/privacy",
        "/settings/notifications",
        "/follow/followers",
        "/activity/feed",
        "/places/recommendations",
    ] {
        service.get(path, Some(&one.token)).await?.wants(200)?;
    }
    Ok(((), "me, settings, followers, feed, recommendations".into()))
}

/// A check-in, and the place it is at.
pub struct Visit {
    id: i64,
    place: i64,
}

async fn check_in(service: &Service, one: &Person) -> Checked<Visit> {
    let place = place(service, one).await?;
    let asked = json!({
        "place_id": place["id"], "latitude": place["latitude"], "longitude": place["longitude"],
        "note": "circles-infra verify", "visibility": "public",
    });
    let made = service
        .post("/places/check-ins", Some(&one.token), asked)
        .await?
        .wants(200)?
        .json()?;
    let (Some(id), Some(place)) = (made["id"].as_i64(), place["id"].as_i64()) else {
        return Err(failed("a check-in has no id"));
    };
    let here = service
        .get(
            &format!("/places/{place}/whos-here?limit=100"),
            Some(&one.token),
        )
        .await?
        .wants(200)?
        .json()?;
    let seen = here["items"]
        .as_array()
        .is_some_and(|all| all.iter().any(|who| who["user_id"] == one.id));
    if !seen {
        return Err(failed(
            "whoever checked in is not among those who are there",
        ));
    }
    Ok((Visit { id, place }, "made, and seen by who's here".into()))
}

/// A stored place with a position, or else a new one.
async fn place(service: &Service, one: &Person) -> Result<Json, Problem> {
    let found = service
        .get("/places/search?limit=20", None)
        .await?
        .wants(200)?
        .json()?;
    let placed = |place: &&Json| place["latitude"].is_number() && place["longitude"].is_number();
    let items = found["items"].as_array();
    if let Some(place) = items.and_then(|all| all.iter().find(placed)) {
        return Ok(place.clone());
    }
    let asked = json!({"name": "Verify Café", "city": "Riyadh", "latitude": 24.7136, "longitude": 46.6753, "categories": "cafe"});
    let made = service.post("/places/", Some(&one.token), asked).await?;
    made.wants(200)?.json()
}

async fn photo(service: &Service, one: &Person, visit: &Visit) -> Checked<()> {
    let path = format!("/places/check-ins/{}/photo", visit.id);
    let made = service
        .upload(&path, Some(&one.token), png())
        .await?
        .wants(200)?
        .json()?;
    let Some(url) = made["photo_urls"][0].as_str() else {
        return Err(failed("the check-in has no photo after the upload"));
    };
    let url = if url.starts_with('/') {
        format!("{}{url}", service.base())
    } else {
        url.to_owned()
    };
    if service.fetch(&url).await? != png() {
        return Err(failed(
            "the photo that is served is not the one that was sent",
        ));
    }
    let refused = service
        .upload(&path, Some(&one.token), b"this is no picture".to_vec())
        .await?;
    refused.wants(400)?;
    Ok(((), "stored, served, and other files refused".into()))
}

async fn collection(service: &Service, one: &Person, visit: &Visit) -> Checked<()> {
    let token = Some(one.token.as_str());
    let asked = json!({"name": fresh_name(), "description": "circles-infra verify"});
    let made = service.post("/collections/", token, asked).await?;
    let made = made.wants(200)?.json()?;
    let Some(id) = made["id"].as_i64() else {
        return Err(failed("a collection has no id"));
    };
    let path = format!("/collections/{id}/items/{}", visit.id);
    service.post(&path, token, json!({})).await?.wants(200)?;
    let items = service
        .get(&format!("/collections/{id}/items"), token)
        .await?
        .wants(200)?
        .json()?;
    if items["items"][0]["place_id"] != visit.place {
        return Err(failed("the collection does not hold the place"));
    }
    let all = service.get("/collections/", token).await?.wants(200)?;
    let listed = all.json()?;
    if !listed
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one["id"] == id))
    {
        return Err(failed("the collection is not listed"));
    }
    service
        .delete(&format!("/collections/{id}"), token)
        .await?
        .wants(204)?;
    Ok(((), "made, filled, listed, deleted".into()))
}

async fn message(service: &Service, one: &Person, other: &Person) -> Checked<i64> {
    let asked = json!({"other_user_id": other.id});
    let opened = service
        .post("/dms/open", Some(&one.token), asked)
        .await?
        .wants(200)?
        .json()?;
    let Some(thread) = opened["id"].as_i64() else {
        return Err(failed("a thread has no id"));
    };
    let path = format!("/dms/threads/{thread}/messages");
    let asked = json!({"text": "circles-infra verify"});
    service
        .post(&path, Some(&one.token), asked)
        .await?
        .wants(200)?;
    let read = service
        .get(&path, Some(&other.token))
        .await?
        .wants(200)?
        .json()?;
    if read["items"][0]["text"] != "circles-infra verify" {
        return Err(failed("the message does not arrive"));
    }
    let inbox = service
        .get("/dms/inbox", Some(&other.token))
        .await?
        .wants(200)?
        .json()?;
    if !inbox["items"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one["id"] == thread))
    {
        return Err(failed("the thread is not in the other's inbox"));
    }
    Ok((thread, "sent, and read by the other".into()))
}

async fn clean_up(service: &Service, one: &Person, visit: &Visit) -> Checked<()> {
    service
        .delete(&format!("/places/check-ins/{}", visit.id), Some(&one.token))
        .await?
        .wants(204)?;
    Ok(((), "the check-in is gone; the two users stay".into()))
}

/// The smallest picture: one transparent pixel.
fn png() -> Vec<u8> {
    const PIXEL: [u8; 67] = [
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
        0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f,
        0x15, 0xc4, 0x89, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x00,
        0x01, 0x00, 0x00, 0x05, 0x00, 0x01, 0x0d, 0x0a, 0x2d, 0xb4, 0x00, 0x00, 0x00, 0x00, 0x49,
        0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ];
    PIXEL.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_nobodys() {
        for _ in 0..50 {
            let phone = fresh_phone();
            assert_eq!(phone.len(), 12, "{phone}");
            assert_eq!(&phone[5..10], "55501", "{phone}");
            let name = fresh_name();
            assert!(
                name.len() <= 30 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            );
        }
    }
}
