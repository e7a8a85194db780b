"""Requests at the service, from several sides and without a pause, and what went wrong with them."""

import contextlib
import http.client
import threading
import time

# Each of them asks the database. Not `/readyz`, which gives it two seconds: a machine that is busy otherwise may take longer.
PATHS = ("/places/search?q=a", "/places/search/suggestions?query=a", "/places/lookups/countries")


class Load:
    """A load while a `with` block lasts. `count` and `failures` tell of it."""

    def __init__(self, address, clients=6):
        self.address, self.count, self.failures = address, 0, []
        self._clients, self._over, self._lock = clients, threading.Event(), threading.Lock()

    def __enter__(self):
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(self._clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def burst(self, clients=20):
        """So many at once that a pool needs connections that it does not have yet."""
        threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _run(self, number):
        while not self._over.is_set():
            self._ask(number)
            number += 1
            time.sleep(0.01)

    def _ask(self, number):
        path, began = PATHS[number % len(PATHS)], time.monotonic()
        problem = None
        with contextlib.closing(http.client.HTTPConnection(self.address, timeout=30)) as connection:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    problem = f"{answer.status} {body[:200]!r}"
            except OSError as error:
                problem = repr(error)
            except http.client.HTTPException as error:
                problem = repr(error)
        with self._lock:
            self.count += 1
            if problem:
                self.failures.append(f"{path} after {time.monotonic() - began:.1f} s: {problem}")
