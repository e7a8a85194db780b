//! Lists at size: totals that are no longer exact say so, and what is asked of many rows is answered as of few.

use serde_json::{Value, json};

use crate::harness::World;

/// So many more places, a category for each of seven kinds, each a minute older than the one before.
async fn many_places(world: &World, count: i64) {
    let sql = format!(
        "insert into places (name, city, country, neighborhood, categories, rating, created_at) \
         select 'Place ' || n, 'City ' || n % 3, 'Land', 'Area ' || n % 5, 'Kind ' || n % 7 || ', All', n % 6, \
         now() - n * interval '1 minute' from generate_series(1, {count}) n"
    );
    world.execute(&sql).await;
    world.execute("analyze").await;
}

fn ids(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().expect("a list");
    items.iter().filter_map(|p| p["id"].as_i64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_is_exact_up_to_ten_thousand_and_says_when_it_is_not() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    many_places(&world, 10_000).await;
    let exact = sara.get("/places/search?limit=1").await.expect(200);
    assert_eq!(
        (&exact["total"], exact.get("total_is_minimum")),
        (&json!(10_000), None)
    );
    let last = sara.get("/places/search?offset=9999").await.expect(200);
    assert_eq!(ids(&last).len(), 1);
    many_places(&world, 1).await;
    for path in [
        "/places/search?limit=1",
        "/places/search/quick?q=place&limit=1",
        "/places/recommendations?limit=1",
    ] {
        let more = sara.get(path).await.expect(200);
        let told = (&more["total"], &more["total_is_minimum"]);
        assert_eq!(told, (&json!(10_000), &json!(true)), "{path}");
        assert_eq!(ids(&more).len(), 1);
    }
    let some = sara.get("/places/search?q=place%209999").await.expect(200);
    assert_eq!(
        (&some["total"], some.get("total_is_minimum")),
        (&json!(1), None)
    );
    let sorted = json!({ "sort_by": "checkins", "limit": 1 });
    let sorted = sara
        .post("/places/search/advanced", sorted)
        .await
        .expect(200);
    assert_eq!(sorted["total_is_minimum"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_any_length_are_found_in_every_column_they_were_found_in() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    many_places(&world, 50).await;
    let sql = "insert into places (name, city, country, neighborhood, categories, address, description) \
               values ('Qx Name', 'Cqx', 'Lqx', 'Nqx', 'Kqx', 'Aqx', 'Dqx')";
    world.execute(sql).await;
    for path in [
        "/places/search?q=QX",
        "/places/search?q=kqx",
        "/places/search?q=aQ",
        "/places/search?q=cqx",
        "/places/search/quick?q=nq",
        "/places/nearby?lat=0&lng=0&country=lq",
    ] {
        let page = sara.get(path).await.expect(200);
        let expected = i64::from(!path.contains("nearby"));
        assert_eq!(page["total"], expected, "{path}");
    }
    let found = async |query: &str| {
        let body = json!({ "query": query });
        let page = sara.post("/places/search/advanced", body).await.expect(200);
        page["total"].as_i64()
    };
    assert_eq!((found("dq").await, found("nq").await), (Some(1), Some(0)));
    // Not across two columns, and wildcards mean themselves.
    for text in ["namekqx", "q_", "%25", "q%5C"] {
        let page = sara.get(&format!("/places/search?q={text}")).await;
        assert_eq!(page.expect(200)["total"], 0, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_of_a_ranking_keep_its_order() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    many_places(&world, 40).await;
    let visits = "insert into check_ins (user_id, place_id, visibility, created_at, expires_at) \
                  select {sara}, p.id, 'public', now() - interval '1 hour', now() + interval '1 hour' \
                  from places p cross join lateral generate_series(1, (p.id % 40)::int) g";
    world
        .execute(&visits.replace("{sara}", &sara.id.to_string()))
        .await;
    let all = sara
        .get("/places/trending/global?limit=100")
        .await
        .expect(200);
    let named = |filter: fn(&Value) -> bool| {
        let items = all["items"].as_array().expect("a list");
        let kept = items.iter().filter(|p| filter(p));
        kept.filter_map(|p| p["id"].as_i64()).collect::<Vec<i64>>()
    };
    assert_eq!(ids(&all).len(), 39);
    for (query, expected) in [
        ("city=city%201", named(|p| p["city"] == "City 1")),
        (
            "q=place%201",
            named(|p| p["name"].as_str().is_some_and(|n| n.contains("Place 1"))),
        ),
        ("min_rating=4", named(|p| p["rating"].as_f64() >= Some(4.0))),
        (
            "place_type=kind%203",
            named(|p| p["primary_category"] == "Kind 3"),
        ),
        ("country=nowhere", Vec::new()),
    ] {
        let path = format!("/places/trending/global?limit=100&{query}");
        let page = sara.get(&path).await.expect(200);
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(page["total"].as_u64(), u64::try_from(expected.len()).ok());
    }
    for (sort, order) in [
        ("checkins", "desc"),
        ("recent_checkins", "desc"),
        ("checkins", "asc"),
    ] {
        let body = json!({ "sort_by": sort, "sort_order": order, "limit": 5 });
        let page = sara.post("/places/search/advanced", body).await.expect(200);
        let sql = match (sort, order) {
            ("recent_checkins", _) => {
                "select array(select id from places order by (id % 40 > 0) desc, id limit 5)"
            }
            (_, "asc") => "select array(select id from places order by id % 40, id limit 5)",
            _ => "select array(select id from places order by id % 40 desc, id limit 5)",
        };
        let expected: Vec<i64> = sqlx::query_scalar(sql)
            .fetch_one(&world.db)
            .await
            .expect("ids");
        assert_eq!(ids(&page), expected, "{sort} {order}");
    }
    for (has, count) in [(true, 39), (false, 1)] {
        let body = json!({ "has_recent_checkins": has });
        let page = sara.post("/places/search/advanced", body).await.expect(200);
        assert_eq!(page["total"], count);
    }
}

/// What the recommendations are, written down as plainly as can be.
const RECOMMENDED: &str = "select array(select p.id from places p order by \
    (select 5 * count(*) from check_ins c join follows f on f.followee_id = c.user_id and f.follower_id = {me} \
        where c.place_id = p.id and c.created_at > now() - interval '7 days' and c.visibility <> 'private') \
    + (select 3 * count(*) from reviews r join follows f on f.followee_id = r.user_id and f.follower_id = {me} \
        where r.place_id = p.id and r.created_at > now() - interval '30 days') \
    + (select count(*) from user_interests i where i.user_id = {me} and p.categories ilike '%' || i.name || '%') desc, \
    p.created_at desc, p.id limit {limit} offset {offset})";

#[tokio::test(flavor = "multi_thread")]
async fn recommendations_are_those_of_the_rule_on_every_page() {
    let world = World::new().await;
    let (sara, omar, lina) = (
        world.person("Sara").await,
        world.person("Omar").await,
        world.person("Lina").await,
    );
    sara.follow(&omar).await;
    many_places(&world, 120).await;
    world
        .execute("insert into places (name) values ('Bare')")
        .await;
    for interest in ["kind 3", "Kind 5", "all"] {
        let body = json!({ "name": interest });
        sara.post("/users/me/interests", body).await.expect(200);
    }
    for (person, every, level, age) in [
        (&omar, 11, "public", 1),
        (&omar, 13, "friends", 2),
        (&omar, 17, "private", 1),
        (&omar, 19, "public", 8),
        (&lina, 7, "public", 1),
    ] {
        let sql = format!(
            "insert into check_ins (user_id, place_id, visibility, created_at, expires_at) \
             select {}, id, '{level}', now() - interval '{age} days', now() from places where id % {every} = 0",
            person.id
        );
        world.execute(&sql).await;
    }
    let reviews = format!(
        "insert into reviews (user_id, place_id, rating) select {}, id, 4 from places where id % 9 = 0",
        omar.id
    );
    world.execute(&reviews).await;
    for (limit, offset) in [(20, 0), (1, 0), (100, 0), (30, 25), (20, 110), (20, 500)] {
        let path = format!("/places/recommendations?limit={limit}&offset={offset}");
        let page = sara.get(&path).await.expect(200);
        let sql = RECOMMENDED
            .replace("{me}", &sara.id.to_string())
            .replace("{limit}", &limit.to_string())
            .replace("{offset}", &offset.to_string());
        let expected: Vec<i64> = sqlx::query_scalar(&sql)
            .fetch_one(&world.db)
            .await
            .expect("ids");
        assert_eq!(ids(&page), expected, "{path}");
        assert_eq!(page["total"], 121);
    }
}
