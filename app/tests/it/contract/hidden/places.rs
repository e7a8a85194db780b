//! Places with the people at them, check-ins, rooms and collections.

use serde_json::{Value, json};

use super::{Columns, LISTED, NEVER, Omits, Shows, Sight, Status, THING, see};

/// Numbers without names are the same for everybody: they leave private check-ins out.
const COUNTED: Columns = [Shows, Omits, Shows, Shows, Shows];
/// Two people are at the place, the caller among them.
const BOTH: &str = "\"recent_checkins_count\":2";
/// Pictures show to those who may see the check-in.
const PICTURED: Columns = [Shows, Omits, Omits, Omits, Shows];

pub(super) fn rows() -> Vec<Sight> {
    vec![
        see("GET /places/search", COUNTED)
            .at("/places/search?q=cafe")
            .by(BOTH),
        see("GET /places/search/quick", COUNTED)
            .at("/places/search/quick?q=cafe")
            .by(BOTH),
        see("POST /places/search/advanced", COUNTED)
            .with(json!({}))
            .by(BOTH),
        see("POST /places/search/advanced/flexible", COUNTED)
            .with(json!({}))
            .by(BOTH),
        see("GET /places/nearby", COUNTED)
            .at("/places/nearby?lat=24.7136&lng=46.6753")
            .by(BOTH),
        see("GET /places/recommendations", COUNTED).by(BOTH),
        see("GET /places/saved/me", COUNTED).by(BOTH),
        see("GET /places/{place_id}/stats", COUNTED).by("\"active_checkins\":2"),
        see("GET /places/{place_id}/stats/enhanced", COUNTED).by("\"total_checkins\":2"),
        see("GET /places/{place_id}", PICTURED).by("\"photos_count\":2"),
        see("GET /places/{place_id}/photos", PICTURED),
        see("GET /places/{place_id}/whos-here", LISTED),
        see("GET /places/{place_id}/whos-here-count", LISTED).by("\"count\":2"),
        see("GET /places/{place_id}/whos-here/count", LISTED).by("\"count\":2"),
        see("POST /places/reviews/{review_id}/photos", NEVER).file(),
        see(
            "DELETE /places/reviews/{review_id}/photos/{photo_id}",
            NEVER,
        )
        .at("/places/reviews/{review_id}/photos/{review_photo_id}"),
        // Pictures that stand for the caller's own places.
        see("GET /places/saved/collections/{collection_name}", LISTED),
        see(
            "GET /places/saved/collections/{collection_name}/items",
            LISTED,
        ),
        see("GET /users/collections/{collection_name}/items", LISTED),
        see("GET /collections/", LISTED),
        see("GET /collections/paginated", LISTED),
        see("GET /collections/summary", LISTED),
        see("GET /places/{place_id}/chat/room", ROOM),
        see("GET /places/{place_id}/chat/room", PICTURED).by("\"active_users_count\":2"),
        see("POST /places/{place_id}/chat/join", ROOM),
        see("GET /places/{place_id}/chat/messages", ROOM),
        see("POST /places/{place_id}/chat/private-reply", WRITTEN)
            .with(json!({ "target_user_id": 2, "text": "psst" }))
            .by("psst"),
    ]
}

/// What is said in a room is for all in it, but for those with a block between them.
const ROOM: Columns = [Shows, Shows, Shows, Omits, Omits];
/// Writing to somebody goes by their setting for messages.
pub(super) const WRITTEN: Columns = [Shows, Status(403), Status(403), Status(403), Status(403)];

const LIKED: &str = "insert into check_in_likes (check_in_id, user_id) values ({check_in_id}, 1)";

pub(super) fn check_ins() -> Vec<Sight> {
    let renamed = json!({ "name": "Theirs", "is_public": true });
    let mut all = vec![
        see("GET /check-ins/{check_in_id}", THING),
        see("GET /check-ins/{check_in_id}/stats", THING).by("likes_count"),
        see("GET /check-ins/{check_in_id}/comments", THING),
        see("POST /check-ins/{check_in_id}/comments", THING)
            .with(json!({ "content": "nice" }))
            .by("nice"),
        see("POST /check-ins/{check_in_id}/like", THING).by("liked"),
        see("GET /check-ins/{check_in_id}/likes", THING)
            .after(LIKED)
            .by("walker"),
        see("DELETE /check-ins/{check_in_id}/like", THING)
            .after(LIKED)
            .by("removed"),
        see(
            "DELETE /check-ins/{check_in_id}/comments/{comment_id}",
            NEVER,
        ),
        see("PUT /places/check-ins/{check_in_id}", NEVER).with(json!({ "note": "theirs" })),
        see("POST /places/check-ins/{check_in_id}/photo", NEVER).file(),
        see("GET /places/check-ins/{check_in_id}/photos", NEVER),
        see(
            "DELETE /places/check-ins/{check_in_id}/photos/{photo_id}",
            NEVER,
        ),
        see("DELETE /places/check-ins/{check_in_id}/photo", NEVER),
        see("DELETE /places/check-ins/{check_in_id}", NEVER),
        see("GET /collections/{collection_id}", THING),
        // Whose pictures stand for the places in it, `privacy` tells.
        see("GET /collections/{collection_id}/items", THING).by("cafe"),
        see("GET /collections/{collection_id}/places", THING).by("cafe"),
        see("GET /collections/{collection_id}/items/list", THING).by("cafe"),
        see("PUT /collections/{collection_id}", NEVER).with(renamed),
        see("PATCH /collections/{collection_id}", NEVER).with(json!({ "name": "Theirs" })),
        see("DELETE /collections/{collection_id}", NEVER),
        see("POST /collections/{collection_id}/places/{place_id}", NEVER),
        see(
            "DELETE /collections/{collection_id}/places/{place_id}",
            NEVER,
        ),
        see("DELETE /collections/{collection_id}/items/{item_id}", NEVER),
    ];
    // Into the other's collection, and the other's check-in into one's own.
    for path in [
        "/collections/{collection_id}/items/{check_in_id}",
        "/collections/{own_collection_id}/items/{check_in_id}",
    ] {
        let row = "POST /collections/{collection_id}/items/{check_in_id}";
        all.push(see(row, NEVER).at(path).with(Value::Null));
    }
    all
}
