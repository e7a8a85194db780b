//! People, whom they follow, and what they do.

use serde_json::json;

use super::{LISTED, Omits, PERSON, Shows, Sight, Status, see};

pub(super) fn rows() -> Vec<Sight> {
    // A third person's list: only somebody who blocks the caller is left out.
    let among = [Shows, Shows, Shows, Omits, Shows];
    let kinds = ["checkin", "comment", "collection"];
    let numbers = [Shows, Omits, Omits, Status(404), Shows];
    vec![
        see("POST /users/search", LISTED).with(json!({ "q": "quetzal" })),
        see("GET /users/search", LISTED).at("/users/search?q=quetzal"),
        see("GET /users/{user_id}", PERSON),
        see("GET /users/{user_id}/check-ins", PERSON),
        see("GET /users/{user_id}/media", PERSON),
        see("GET /users/{user_id}/collections", PERSON),
        see("GET /users/{user_id}/random-place-photos", PERSON),
        see("GET /users/{user_id}/profile-stats", numbers).by("\"checkins_count\":1"),
        see(
            "POST /follow/{user_id}",
            [Shows, Shows, Shows, Status(403), Status(403)],
        )
        .by("true"),
        see("GET /follow/followers", [Shows, Shows, Shows, Omits, Omits]),
        see("GET /follow/following", [Shows, Shows, Omits, Omits, Omits]),
        see("GET /follow/{user_id}/followers", PERSON).by("third"),
        see("GET /follow/{user_id}/following", PERSON).by("third"),
        see("GET /follow/{user_id}/followers", among).at("/follow/3/followers"),
        see("GET /follow/{user_id}/following", among).at("/follow/3/following"),
        see("GET /activity/feed", LISTED)
            .at("/activity/feed?activity_types=checkin,comment,collection"),
        see("POST /activity/feed/filtered", LISTED).with(json!({ "activity_types": kinds })),
    ]
}
