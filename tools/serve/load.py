"""Many clients at once against a running server: pictures, chats, jobs, hang-ups, oversized and broken bodies.

    lantern serve --port 7861 --store none &
    python tools/serve/load.py --url http://127.0.0.1:7861 --pid $! --clients 8 --minutes 3

Needs Python alone. Prints counts, median and 99th percentile of each kind of call, the server's memory over time, and
each answer that should not have come; exits with 1 where there was one, or where the server stopped answering.
"""

import argparse
import collections
import http.client
import json
import random
import sys
import threading
import time
import urllib.parse

WORDS = "a red fox, a key, the sea at night, two houses, an old lantern, snow".split(", ")


class Server:
    """Calls of one server."""

    def __init__(self, url, token):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.token = parts.hostname, parts.port or 80, token

    def open(self, method, path, body=None, headers=None, timeout=300):
        """Sends a call; the connection, for its answer."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body=body, headers=headers)
        return connection

    def call(self, method, path, body=None, headers=None):
        """Status and bytes of an answer."""
        connection = self.open(method, path, body, headers)
        try:
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class Load:
    """What the clients did, and what the server did."""

    def __init__(self, server, writer, steps, seed):
        self.server, self.writer, self.steps = server, writer, steps
        self.lock = threading.Lock()
        self.times = collections.defaultdict(list)
        self.statuses = collections.Counter()
        self.failures = []
        self.stop = threading.Event()
        self.seed = seed
        kinds = [("picture", 4), ("streamed picture", 2), ("job", 2), ("cancelled job", 2), ("hang-up", 2),
                 ("oversized", 1), ("broken", 4), ("look-up", 4)]
        self.kinds = kinds + ([("chat", 4), ("streamed chat", 4), ("chat hang-up", 2)] if writer else [])

    def client(self, number):
        """One client: calls of random kinds until the time is over."""
        chance = random.Random(self.seed * 1000 + number)
        names, weights = zip(*self.kinds)
        while not self.stop.is_set():
            name = chance.choices(names, weights)[0]
            begin = time.monotonic()
            try:
                status, wanted = getattr(self, name.replace(" ", "_").replace("-", "_"))(chance)
            except Exception as error:  # what the client saw is the finding
                status, wanted = f"{type(error).__name__}: {error}", ()
            with self.lock:
                self.times[name].append(time.monotonic() - begin)
                self.statuses[(name, str(status)[:60])] += 1
                if status not in wanted:
                    self.failures.append((name, status))

    def picture_body(self, chance, **more):
        return dict(prompt=chance.choice(WORDS), steps=self.steps, seed=chance.randrange(1 << 31), **more)

    def picture(self, chance):
        status, data = self.server.call("POST", "/v1/images/generations", self.picture_body(chance))
        if status == 200 and not json.loads(data)["data"][0]["b64_json"]:
            return "no picture", ()
        return status, (200, 429)

    def streamed_picture(self, chance):
        status, data = self.server.call("POST", "/v1/images/generations", self.picture_body(chance, stream=True, partial_images=1))
        if status == 200 and b"completed" not in data:
            return f"unfinished stream: {data[-80:]!r}", ()
        return status, (200, 429)

    def start_job(self, chance, steps):
        settings = dict(prompt=chance.choice(WORDS), steps=steps)
        return self.server.call("POST", "/jobs", dict(settings=settings, previews=chance.random() < 0.5))

    def job(self, chance):
        status, data = self.start_job(chance, self.steps)
        if status != 202:
            return status, (429,)
        status, events = self.server.call("GET", f"/jobs/{json.loads(data)['id']}/events")
        return (status, (200,)) if b"event: done" in events else (f"events end with {events[-80:]!r}", ())

    def cancelled_job(self, chance):
        status, data = self.start_job(chance, 500)
        if status != 202:
            return status, (429,)
        time.sleep(chance.random())
        path = f"/jobs/{json.loads(data)['id']}"
        method, ending = chance.choice([("POST", "/cancel"), ("DELETE", "")])
        status, _ = self.server.call(method, path + ending)
        return status, (200,)

    def hang_up(self, chance):
        connection = self.server.open("POST", "/v1/images/generations", self.picture_body(chance) | dict(steps=500))
        time.sleep(chance.random())
        connection.close()
        return 0, (0,)

    def chat_body(self, chance, **more):
        messages = [dict(role="user", content=chance.choice(WORDS))]
        return dict(model=self.writer, messages=messages, max_tokens=chance.randrange(1, 24), seed=chance.randrange(1 << 31), **more)

    def chat(self, chance):
        status, data = self.server.call("POST", "/v1/chat/completions", self.chat_body(chance))
        if status == 200 and json.loads(data)["choices"][0]["finish_reason"] not in ("stop", "length"):
            return data[:80], ()
        return status, (200,)

    def streamed_chat(self, chance):
        status, data = self.server.call("POST", "/v1/chat/completions", self.chat_body(chance, stream=True))
        if status == 200 and not data.rstrip().endswith(b"data: [DONE]"):
            return f"unfinished stream: {data[-80:]!r}", ()
        return status, (200,)

    def chat_hang_up(self, chance):
        connection = self.server.open("POST", "/v1/chat/completions", self.chat_body(chance, stream=True) | dict(max_tokens=500))
        time.sleep(chance.random() / 2)
        connection.close()
        return 0, (0,)

    def oversized(self, chance):
        """A body that says that it is larger than any may be; the server may answer before it has come."""
        connection = self.server.open("POST", "/v1/images/generations", b"{", {"Content-Length": str(1 << 33)})
        try:
            return connection.getresponse().status, (413,)
        finally:
            connection.close()

    def broken(self, chance):
        path = chance.choice(["/v1/images/generations", "/jobs", "/sdapi/v1/txt2img", "/v1/chat/completions", "/api/chat", "/v1/responses"])
        body = chance.choice([b"", b"{", b"null", b"[" * 4000, bytes(chance.randrange(256) for _ in range(200)), b'{"prompt": 3, "messages": 3, "input": 3, "settings": 3}',
                              b'{"prompt": "a", "steps": -1, "settings": {"prompt": "a", "steps": 1e99}, "messages": [{}], "input": [{}]}'])
        status, data = self.server.call("POST", path, body, {"Content-Type": "application/json"})
        return (status, (400, 404)) if b"error" in data else (f"{status} without an error", ())

    def look_up(self, chance):
        path = chance.choice(["/health", "/metrics", "/v1/models", "/jobs?limit=5", "/api/tags", "/sdapi/v1/progress", "/", "/openapi.json"])
        status, _ = self.server.call("GET", path)
        return status, (200,)


def resident(pid):
    """MiB that a process has in memory."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def share(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:7860")
    parser.add_argument("--token")
    parser.add_argument("--pid", type=int, help="the server's process, whose memory is followed")
    parser.add_argument("--writer", help="a language model that is served, for chats")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--steps", type=int, default=2, help="of a picture")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    load = Load(Server(options.url, options.token), options.writer, options.steps, options.seed)
    clients = [threading.Thread(target=load.client, args=(number,), daemon=True) for number in range(options.clients)]
    begin = time.monotonic()
    for client in clients:
        client.start()
    memory = []
    while time.monotonic() - begin < options.minutes * 60:
        time.sleep(5)
        if options.pid:
            try:
                memory.append((time.monotonic() - begin, resident(options.pid)))
            except (FileNotFoundError, StopIteration):
                load.failures.append(("server", "it ended"))
                break
    load.stop.set()
    for client in clients:
        client.join(timeout=120)
    alive = sum(client.is_alive() for client in clients)
    if alive:
        load.failures.append(("client", f"{alive} still wait for an answer"))
    try:
        if load.server.call("GET", "/health")[0] != 200:
            load.failures.append(("server", "it is not well"))
    except OSError as error:
        load.failures.append(("server", f"it does not answer: {error}"))

    calls = sum(map(len, load.times.values()))
    print(f"{calls} calls of {options.clients} clients in {time.monotonic() - begin:.0f} s")
    print(f"{'kind':18} {'calls':>6} {'p50 s':>8} {'p99 s':>8}  answers")
    for name, times in sorted(load.times.items()):
        answers = ", ".join(f"{status}: {count}" for (kind, status), count in sorted(load.statuses.items()) if kind == name)
        print(f"{name:18} {len(times):6} {share(times, 0.5):8.3f} {share(times, 0.99):8.3f}  {answers}")
    for seconds, mebibytes in memory[:: max(1, len(memory) // 12)] + memory[-1:]:
        print(f"memory after {seconds:5.0f} s: {mebibytes:7.1f} MiB")
    for (name, status), count in collections.Counter((n, str(s)) for n, s in load.failures).most_common():
        print(f"unexpected: {name}: {status} ({count} times)")
    sys.exit(1 if load.failures else 0)


if __name__ == "__main__":
    main()
