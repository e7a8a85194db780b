//! The index that makes a search near a point quick is the one that is used.

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_search_near_a_point_goes_by_the_spatial_index() {
    let world = World::new().await;
    world
        .execute(
            "insert into places (name, latitude, longitude) \
             select 'Place ' || n, -60 + random() * 120, -180 + random() * 360 from generate_series(1, 20000) n",
        )
        .await;
    world.place("Near", 100.0).await;
    world.execute("analyze places").await;
    let index: String = sqlx::query_scalar(
        "select indexrelname::text from pg_stat_user_indexes s join pg_index i on i.indexrelid = s.indexrelid \
         join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam \
         where s.relname = 'places' and a.amname = 'gist'",
    )
    .fetch_one(&world.db)
    .await
    .expect("one spatial index");
    let scans = format!("select idx_scan from pg_stat_user_indexes where indexrelname = '{index}'");
    let before = world.count(&scans).await;
    let found = world
        .nobody()
        .get("/places/search?lat=24.7136&lng=46.6753&radius_m=1000")
        .await
        .expect(200);
    assert_eq!(found["items"][0]["name"], "Near");
    // The server counts what it did a moment after.
    for _ in 0..100 {
        if world.count(&scans).await > before {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{index} was not used");
}
