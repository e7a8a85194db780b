"""Every list and search of the OpenAPI document at 50 requests a second over all of them: a table, the slowest first.

    lists.py BASE_URL DATABASE_URL [SECONDS]
"""

import asyncio
import json
import random
import re
import subprocess
import sys
import time

from http_client import Connection, percentile, sign_up

RATE = 50
# What p95 and the slowest answer may take, in milliseconds.
P95, SLOWEST = 30, 100
WORDS = ["cafe", "Silver Spoon", "riyadh", "gym 77", "zz", "Garden Hotel", "9", "qahwa"]
POINTS = [(24.7136, 46.6753), (21.4858, 39.1925), (25.2048, 55.2708), (30.0444, 31.2357)]
BODIES = {
    "/places/search/advanced": [
        {}, {"query": "cafe"}, {"sort_by": "checkins"}, {"sort_by": "recent_checkins"}, {"sort_by": "rating"}, {"sort_by": "name"},
        {"has_recent_checkins": True}, {"has_reviews": True, "city": "Riyadh"}, {"has_photos": False}, {"rating_min": 4},
        {"latitude": 24.7136, "longitude": 46.6753, "radius_km": 5},
    ],
    "/activity/feed/filtered": [{}, {"activity_types": ["checkin", "like"]}],
    "/users/search": [{}, {"q": "sara"}],
}
BODIES["/places/search/advanced/flexible"] = BODIES["/places/search/advanced"]
# They ask third parties.
OUTSIDE = {"/places/external/search"}


def is_list(method, operation, schemas):
    schema = operation.get("responses", {}).get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    if schema.get("type") == "array" or name.startswith("Page_") or name.endswith("Hits"):
        return True
    kinds = [p.get("type") for p in schemas.get(name, {}).get("properties", {}).values()]
    return method == "get" and any(k == "array" or (isinstance(k, list) and "array" in k) for k in kinds)


def psql(url, sql):
    out = subprocess.run(["psql", "-qAt", url, "-c", sql], capture_output=True, text=True, check=True)
    return out.stdout.strip()


def prepare(url, caller):
    """A caller who follows a thousand people, a hundred thousand entries, and ids to fill paths with."""
    psql(url, f"insert into follows (follower_id, followee_id) select {caller}, id from users where id <> {caller} order by id limit 1000 "
              "on conflict do nothing")
    psql(url, "insert into check_in_likes (check_in_id, user_id) select id, 1 + (id * 11) % 1000 from check_ins where id % 40 = 1 "
              "on conflict do nothing")
    psql(url, "insert into activities (user_id, activity_type, activity_data, check_in_id, cause_id, owner_id, audience, created_at) "
              "select user_id, 'checkin', jsonb_build_object('checkin_id', id), id, id, user_id, visibility, created_at from check_ins "
              "where id % 14 = 0 limit 75000")
    psql(url, "insert into activities (user_id, activity_type, activity_data, check_in_id, cause_id, owner_id, audience, created_at) "
              "select l.user_id, 'like', jsonb_build_object('checkin_id', c.id), c.id, l.id, c.user_id, c.visibility, l.created_at "
              "from check_in_likes l join check_ins c on c.id = l.check_in_id limit 25000")
    psql(url, f"insert into user_interests (user_id, name) values ({caller}, 'Coffee'), ({caller}, 'Gym') on conflict do nothing")
    psql(url, f"insert into user_collections (user_id, name) values ({caller}, 'Bench') on conflict do nothing")
    psql(url, "insert into user_collection_places (collection_id, place_id) select k.id, p.id from user_collections k, places p "
              "where k.name = 'Bench' and p.id % 1000 = 7 on conflict do nothing")
    psql(url, f"insert into saved_places (user_id, place_id, collection_id, list_name) select {caller}, m.place_id, k.id, k.name "
              "from user_collections k join user_collection_places m on m.collection_id = k.id on conflict do nothing")
    psql(url, "vacuum analyze")
    one = lambda sql: psql(url, sql)
    return {
        "place_id": one("select place_id from check_ins group by 1 order by count(*) desc limit 50").split(),
        "user_id": one("select id from users order by id limit 200").split(),
        "check_in_id": one("select check_in_id from check_in_likes limit 200").split(),
        "own_check_in": one(f"select id from check_ins where user_id = {caller}").split(),
        "collection_id": one("select id from user_collections where name = 'Bench'").split(),
        "collection_name": ["Bench"],
        "thread_id": one(f"select thread_id from dm_participant_states where user_id = {caller}").split(),
    }


def fill(path, item, ids):
    """A request of the operation, or None when nothing fits its path."""
    own = path.startswith("/places/check-ins/")
    for name in re.findall(r"{(\w+)}", path):
        values = ids.get("own_check_in" if own and name == "check_in_id" else name)
        if not values:
            return None
        path = path.replace("{%s}" % name, random.choice(values))
    query = []
    near = random.random() < 0.5
    lat, lng = random.choice(POINTS)
    for parameter in item.get("parameters", []):
        name, needed = parameter["name"], parameter.get("required")
        if parameter["in"] != "query":
            continue
        if name in ("lat", "lng", "lon"):
            if needed or near:
                query.append(f"{name}={lat if name == 'lat' else lng}")
        elif name in ("q", "query") and (needed or random.random() < 0.4):
            query.append(f"{name}={random.choice(WORDS).replace(' ', '%20')}")
        elif name == "city" and (needed or random.random() < 0.3):
            query.append("city=Riyadh")
        elif name == "min_rating" and random.random() < 0.2:
            query.append("min_rating=3")
        elif name == "place_type" and random.random() < 0.2:
            query.append("place_type=cafe")
        elif name == "limit" and random.random() < 0.3:
            query.append("limit=%d" % min(parameter.get("schema", {}).get("maximum", 50), 50))
    return path + ("?" + "&".join(query) if query else "")


async def main():
    base, database = sys.argv[1], sys.argv[2]
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 120
    token, caller = await sign_up(base, "+966559999999")
    _, other = await sign_up(base, "+966559999998")
    first = Connection(base)
    _, thread = await first.request("POST", "/dms/open", token, {"other_user_id": other})
    for n in range(20):
        await first.request("POST", f"/dms/threads/{thread['id']}/messages", token, {"text": f"message {n}"})
    ids = prepare(database, caller)
    place = int(ids["place_id"][0])
    await first.request("POST", "/places/check-ins", token, {"place_id": place, "latitude": 24.7, "longitude": 46.7})
    ids["own_check_in"] = psql(database, f"select id from check_ins where user_id = {caller}").split()
    _, document = await first.request("GET", "/openapi.json")
    schemas = document["components"]["schemas"]
    operations = [
        (method, path, item[method])
        for path, item in document["paths"].items() for method in ("get", "post")
        if method in item and path not in OUTSIDE and is_list(method, item[method], schemas)
    ]
    left_out = [path for _, path, item in operations if fill(path, item, ids) is None]
    operations = [o for o in operations if o[1] not in left_out]
    times, bad, free = {}, {}, [Connection(base) for _ in range(16)]

    async def one(due, method, template, item):
        connection = free.pop() if free else Connection(base)
        body = random.choice(BODIES.get(template, [{}])) if method == "post" else None
        path = fill(template, item, ids)
        status, _ = await connection.request(method.upper(), path, token, body)
        key = f"{method.upper()} {template}"
        times.setdefault(key, []).append((time.perf_counter() - due, path, body))
        if status not in (200, 403):
            bad[key] = (status, path, body)
        free.append(connection)

    start, tasks = time.perf_counter(), []
    for n in range(RATE * seconds):
        due = start + n / RATE
        await asyncio.sleep(max(0, due - time.perf_counter()))
        method, path, item = operations[n % len(operations)]
        tasks.append(asyncio.create_task(one(due, method, path, item)))
    await asyncio.gather(*tasks)
    print(f"| list ({len(operations)} of them, {RATE} requests a second over all) | p95 ms | p50 ms | slowest ms | its request |")
    print("|---|---|---|---|---|")
    rows = []
    for key, all_of in times.items():
        alone = [t for t, _, _ in all_of]
        worst = max(all_of, key=lambda t: t[0])
        request = worst[1] + (" " + json.dumps(worst[2]) if worst[2] else "")
        rows.append((percentile(alone, .95), percentile(alone, .5), worst[0] * 1000, key, request))
    for p95, p50, most, key, request in sorted(rows, reverse=True):
        mark = " **over**" if p95 > P95 or most > SLOWEST else ""
        print(f"| `{key}` | {p95:.1f}{mark} | {p50:.1f} | {most:.1f} | `{request}` |")
    for key, told in bad.items():
        print(f"\n`{key}` answered {told}")
    if left_out:
        print("\nNot measured, for want of something to show: " + ", ".join(sorted(set(left_out))))


asyncio.run(main())
