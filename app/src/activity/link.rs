//! Entries of the version before are copies without a cause. A job finds their causes, and removes those that have none any more.

use sqlx::PgPool;

use crate::error::Result;

const BATCH: i64 = 2000;

/// SQL: the unlinked entries after `$1` with their causes, `null` where there is none.
const UNLINKED: &str = "select a.id, case a.activity_type when 'checkin' then (select c.id from check_ins c where c.id = a.check_in_id) \
        when 'like' then (select l.id from check_in_likes l where l.check_in_id = a.check_in_id and l.user_id = a.user_id) \
        when 'comment' then (select m.id from check_in_comments m where m.id = (a.activity_data ->> 'comment_id')::bigint) \
        when 'follow' then (select f.id from follows f where f.follower_id = a.user_id \
            and f.followee_id = (a.activity_data ->> 'followee_id')::bigint) \
        when 'review' then (select r.id from reviews r where r.id = (a.activity_data ->> 'review_id')::bigint) \
        when 'collection' then (select k.id from user_collections k where k.id = (a.activity_data ->> 'collection_id')::bigint) end as cause \
     from activities a where a.cause_id is null and a.id > $1 order by a.id limit $2 for update of a skip locked";

/// Links every entry without a cause to it.
///
/// # Errors
/// The database's failure.
pub async fn link_causes(db: &PgPool) -> Result<()> {
    let sql = format!(
        "with u as ({UNLINKED}), gone as (delete from activities a using u where a.id = u.id and u.cause is null), \
         linked as (update activities a set cause_id = u.cause, \
            owner_id = (select c.user_id from check_ins c where c.id = a.check_in_id), \
            audience = (select c.visibility from check_ins c where c.id = a.check_in_id), \
            activity_data = a.activity_data - 'note' - 'checkin_note' - 'comment_content' - 'review_text' \
            from u where a.id = u.id and u.cause is not null) \
         select max(id), count(*) from u"
    );
    let mut after = 0;
    loop {
        let (last, found): (Option<i64>, i64) = sqlx::query_as(&sql)
            .bind(after)
            .bind(BATCH)
            .fetch_one(db)
            .await?;
        match last {
            Some(last) if found == BATCH => after = last,
            _ => break,
        }
    }
    // Of several entries of one cause (a review changed under the version before) the latest stays.
    let sql = "delete from activities a using activities b where a.activity_type = 'review' and b.activity_type = 'review' \
               and a.cause_id = b.cause_id and a.id < b.id";
    sqlx::query(sql).execute(db).await?;
    // A block under the version before takes follows away without their entries.
    let sql = "delete from activities a where a.activity_type = 'follow' \
               and not exists (select 1 from follows f where f.id = a.cause_id)";
    sqlx::query(sql).execute(db).await?;
    Ok(())
}
