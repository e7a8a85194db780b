//! The entries a viewer may see, with what they show read from their causes.

use chrono::{DateTime, Utc};

use super::Entry;
use crate::app::App;
use crate::error::Result;
use crate::page::COUNTED;
use crate::visible;

#[derive(Default)]
pub(super) struct Filter {
    pub types: Option<Vec<String>>,
    pub users: Option<Vec<i64>>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

/// Up to so many entries are sorted; more are read in their order until the page is full.
const SORTED: i64 = 2000;

/// SQL: whether the cause of entry `a` is still there, of those that are not told by the check-in.
fn has_cause() -> String {
    format!(
        "case a.activity_type \
         when 'like' then a.cause_id is null or exists (select 1 from check_in_likes l where l.id = a.cause_id) \
         when 'comment' then a.cause_id is null or exists (select 1 from check_in_comments m where m.id = a.cause_id) \
         when 'follow' then exists (select 1 from follows w where w.id = a.cause_id and {named}) \
         when 'review' then exists (select 1 from reviews r where r.id = a.cause_id) \
         when 'collection' then exists (select 1 from user_collections k where k.id = a.cause_id and {collection}) \
         else true end",
        // Who is followed stands in the entry by name.
        named = visible::unblocked("w.followee_id", "$1::bigint"),
        collection = visible::can_view("k.user_id", "$1::bigint", "k.visibility"),
    )
}

/// SQL: the entries `a` of `{people}`, by the caller's filters, with the causes of entries of the version before looked up.
const ENTRIES: &str = "(select e.id, e.user_id, e.activity_type, e.activity_data, e.check_in_id, e.created_at, e.owner_id, e.audience, \
     case when e.cause_id is not null then e.cause_id \
        when e.activity_type = 'comment' then (e.activity_data ->> 'comment_id')::bigint \
        when e.activity_type = 'review' then (e.activity_data ->> 'review_id')::bigint \
        when e.activity_type = 'collection' then (e.activity_data ->> 'collection_id')::bigint \
        when e.activity_type = 'follow' then (select w.id from follows w where w.follower_id = e.user_id \
            and w.followee_id = (e.activity_data ->> 'followee_id')::bigint) end as cause_id \
     from activities e where e.user_id {people} \
     and ($2::text[] is null or e.activity_type = any($2)) and ($3::bigint[] is null or e.user_id = any($3)) \
     and ($4::timestamptz is null or e.created_at >= $4) and ($5::timestamptz is null or e.created_at <= $5)) a";

/// SQL: what an entry shows, with everything as it is now.
const DATA: &str = "case when a.activity_type = 'checkin' and c.id is not null \
        then jsonb_build_object('checkin_id', c.id, 'place_name', p.name, 'note', c.note) \
     when a.activity_type = 'like' and c.id is not null \
        then jsonb_build_object('checkin_id', c.id, 'checkin_user_id', c.user_id, 'checkin_note', c.note) \
     when m.id is not null then jsonb_build_object('comment_id', m.id, 'checkin_id', m.check_in_id, 'checkin_user_id', c.user_id, \
        'comment_content', m.content) \
     when w.id is not null then jsonb_build_object('followee_id', w.followee_id, 'followee_name', t.name) \
     when r.id is not null then jsonb_build_object('review_id', r.id, 'place_name', p.name, 'rating', r.rating, 'review_text', r.text) \
     when k.id is not null then jsonb_build_object('collection_id', k.id, 'collection_name', k.name) \
     else a.activity_data end";

/// SQL: the page's entries `a` with their causes.
const CAUSES: &str = "join users u on u.id = a.user_id left join check_ins c on c.id = a.check_in_id \
     left join check_in_comments m on a.activity_type = 'comment' and m.id = a.cause_id \
     left join follows w on a.activity_type = 'follow' and w.id = a.cause_id left join users t on t.id = w.followee_id \
     left join reviews r on a.activity_type = 'review' and r.id = a.cause_id \
     left join user_collections k on a.activity_type = 'collection' and k.id = a.cause_id \
     left join places p on p.id = coalesce(c.place_id, r.place_id)";

/// The people the viewer follows, without those on either side of a block; and how many entries they have, up to one more than is
/// counted. Counted by what the entries themselves tell of their check-in: that keeps up with it, and saves a look at each.
async fn count(app: &App, viewer: i64, filter: &Filter) -> Result<(Vec<i64>, i64)> {
    let sql = format!(
        "with f as materialized (select w.followee_id as id from follows w where w.follower_id = $1 and {unblocked}), \
         b as materialized (select s.user_id as id from dm_participant_states s where s.blocked and s.peer_id = $1) \
         select array(select id from f), (select count(*) from (select 1 from {entries} where \
         case when a.check_in_id is null then true \
            when a.audience is null or a.owner_id is null then exists (select 1 from check_ins c where c.id = a.check_in_id and {seen}) \
            when a.owner_id = $1 then true when a.owner_id in (select id from b) then false \
            when a.audience = 'public' then true \
            when a.audience = 'friends' then a.owner_id in (select id from f) else false end \
         and {has_cause} limit $6) counted)",
        unblocked = visible::unblocked("w.followee_id", "$1::bigint"),
        entries = ENTRIES.replace("{people}", "in (select id from f)"),
        seen = visible::check_in("c", "$1::bigint"),
        has_cause = has_cause(),
    );
    let counted = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(&filter.types)
        .bind(&filter.users)
        .bind(filter.since)
        .bind(filter.until)
        .bind(COUNTED + 1)
        .persistent(false);
    Ok(counted.fetch_one(&app.db).await?)
}

pub(super) async fn entries(
    app: &App,
    viewer: i64,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Entry>, i64)> {
    let (followed, total) = count(app, viewer, filter).await?;
    // An order that no index has makes the database gather all entries first; else it walks them from the newest on.
    let order = if total <= SORTED {
        "a.created_at + interval '0' desc, a.id desc"
    } else {
        "a.created_at desc, a.id desc"
    };
    let sql = format!(
        "select a.id, a.user_id, coalesce(u.name, 'User ' || u.id) as user_name, u.avatar_url as user_avatar_url, a.activity_type, \
         {DATA} as activity_data, a.created_at from (select a.* from {entries} where \
         (a.check_in_id is null or exists (select 1 from check_ins c where c.id = a.check_in_id and {seen})) and {has_cause} \
         order by {order} limit $6 offset $7) a {CAUSES} order by a.created_at desc, a.id desc",
        entries = ENTRIES.replace("{people}", "= any($8)"),
        seen = visible::check_in("c", "$1::bigint"),
        has_cause = has_cause(),
    );
    let mut rows: Vec<Entry> = sqlx::query_as(&sql)
        .bind(viewer)
        .bind(&filter.types)
        .bind(&filter.users)
        .bind(filter.since)
        .bind(filter.until)
        .bind(limit)
        .bind(offset)
        .bind(&followed)
        .persistent(false)
        .fetch_all(&app.db)
        .await?;
    for entry in &mut rows {
        entry.user_avatar_url = app
            .objects
            .address_opt(entry.user_avatar_url.as_deref())
            .await;
    }
    Ok((rows, total))
}
