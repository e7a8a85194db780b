"""Steady load on the service, with the standard library alone: paced requests, idle sockets, messages across two tasks."""

import asyncio
import base64
import json
import os
import random
import struct
import sys
import time
from urllib.parse import urlsplit

from http_client import Connection, percentile, sign_up

A, B, PID = sys.argv[1], sys.argv[2], sys.argv[3]
POINTS = [(24.7136, 46.6753), (21.4858, 39.1925), (25.2048, 55.2708), (30.0444, 31.2357)]


def row(what, figure, budget):
    print(f"| {what} | {figure} | {budget} | {os.getloadavg()[0]:.1f} |", flush=True)


async def paced(name, rate, seconds, make, limit):
    """Sends at a fixed rate whatever the answers take, so waiting shows up in the figures."""
    free, times, bad = [Connection(A) for _ in range(64)], [], 0

    async def one(due):
        nonlocal bad
        connection = free.pop() if free else Connection(A)
        status, _ = await connection.request(*make())
        times.append(time.perf_counter() - due)
        bad += status != 200
        free.append(connection)

    start, tasks = time.perf_counter(), []
    for n in range(rate * seconds):
        due = start + n / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    told = f"p95 {percentile(times, .95):.1f} ms (p50 {percentile(times, .5):.1f} ms)" + (f", {bad} not 200" if bad else "")
    row(f"`{name}`, {rate} req/s", told, f"p95 < {limit} ms")


async def socket(base, path, token):
    url = urlsplit(base)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write((f"GET {path}?token={token} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in head, head
    return reader, writer


async def frame(reader):
    head = await reader.readexactly(2)
    size = head[1] & 127
    if size == 126:
        size = struct.unpack(">H", await reader.readexactly(2))[0]
    elif size == 127:
        size = struct.unpack(">Q", await reader.readexactly(8))[0]
    return json.loads(await reader.readexactly(size))


def resident():
    with open(f"/proc/{PID}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


async def idle_sockets(count, token, user):
    before, opened = resident(), []
    for start in range(0, count, 50):
        opened += await asyncio.gather(*[socket(A, f"/ws/user/{user}", token) for _ in range(start, min(start + 50, count))])
    for reader, _ in opened:
        await frame(reader)
    await asyncio.sleep(2)
    row(f"{count} idle WebSockets", f"{resident():.1f} MB resident, {resident() - before:.1f} MB of it for them", "< 100 MB")
    for _, writer in opened:
        writer.close()


async def messages_across(sara, omar, seconds):
    c = Connection(A)
    _, thread = await c.request("POST", "/dms/open", sara[0], {"other_user_id": omar[1]})
    path = f"/dms/threads/{thread['id']}"
    reader, writer = await socket(B, f"/ws/dms/{thread['id']}", omar[0])
    while (await frame(reader))["type"] != "thread_info":
        pass
    times = []
    for _ in range(seconds * 20):
        start = time.perf_counter()
        status, _ = await c.request("POST", f"{path}/messages", sara[0], {"text": "across"})
        assert status == 200, status
        while (await frame(reader))["type"] != "message":
            pass
        times.append(time.perf_counter() - start)
        await asyncio.sleep(0.05)
    writer.close()
    row("a DM from task A to a socket on task B", f"p95 {percentile(times, .95):.1f} ms (p50 {percentile(times, .5):.1f} ms)", "p95 < 50 ms")


async def main():
    people = [await sign_up(A, f"+96654{n:07}") for n in range(40)]

    def search():
        lat, lng = random.choice(POINTS)
        return "GET", f"/places/search?lat={lat + random.uniform(-.1, .1):.5f}&lng={lng + random.uniform(-.1, .1):.5f}&radius_m=2000"

    def trending():
        lat, lng = random.choice(POINTS)
        return "GET", f"/places/trending?lat={lat:.4f}&lng={lng:.4f}"

    places = random.sample(range(1, 90000), 20000)

    def check_in():
        body = {"place_id": places.pop(), "latitude": 24.7, "longitude": 46.7, "visibility": "public"}
        return "POST", "/places/check-ins", random.choice(people)[0], body

    await paced("GET /places/search", 200, 15, search, 20)
    await paced("GET /places/trending", 200, 15, trending, 20)
    await paced("GET /places/trending/global", 200, 15, lambda: ("GET", "/places/trending/global"), 20)
    await paced("POST /places/check-ins", 100, 15, check_in, 30)
    await messages_across(people[0], people[1], 10)
    await idle_sockets(2000, *people[2])


asyncio.run(main())
