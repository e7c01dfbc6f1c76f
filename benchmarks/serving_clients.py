"""The clients of `serving.py`, a process: `python serving_clients.py closed|open ADDRESS JSON` prints what they saw."""

from __future__ import annotations

import http.client
import itertools
import json
import queue
import random
import resource
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from serving_models import pictures

HEADERS = {"Content-Type": "application/octet-stream"}
MOST_AT_ONCE = 600
LONGEST_ANSWER_S = 120.0


@dataclass
class Seen:
    """What the clients saw."""

    seconds: float = 0.0
    took: list[float] = field(default_factory=list)
    refused: int = 0
    failed: int = 0
    no_wish: int = 0
    client_cpu: float = 0.0
    server_cpu: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.took) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        return float(np.percentile(self.took, share)) * 1000 if self.took else float("nan")


class Connection:
    """One connection that is kept open."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._wire = http.client.HTTPConnection(address, timeout=LONGEST_ANSWER_S)

    def ask(self, data: bytes) -> tuple[int, float | None]:
        """Status, and the seconds of Retry-After."""
        try:
            self._wire.request("POST", "/predict", data, HEADERS)
            answer = self._wire.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._wire.close()
            return 0, None
        wish = answer.headers.get("Retry-After")
        return answer.status, None if wish is None else float(wish)

    def close(self) -> None:
        self._wire.close()


def one_after_the_other(address: str, files: Sequence[bytes], *, clients: int, seconds: float) -> Seen:
    """Each client asks again as soon as it is answered; one that is refused waits as long as it was told."""
    seen, lock, turns = Seen(), threading.Lock(), itertools.cycle(files)
    until = time.perf_counter() + seconds

    def client(number: int) -> None:
        draw, connection = random.Random(number), Connection(address)
        while (started := time.perf_counter()) < until:
            status, wish = connection.ask(next(turns))
            took = time.perf_counter() - started
            with lock:
                note(seen, status, wish, took)
            if wish is not None:
                time.sleep(min(wish * draw.uniform(1.0, 1.25), max(0.0, until - time.perf_counter())))
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen.seconds = time.perf_counter() - started
    return seen


def as_they_arrive(address: str, files: Sequence[bytes], *, rate: float, seconds: float) -> Seen:
    """Requests at random moments, `rate` a second, whether or not earlier ones are answered; times count from the arrival."""
    seen, lock, draw = Seen(), threading.Lock(), random.Random(5)
    arrivals: queue.Queue[tuple[float, bytes] | None] = queue.Queue()

    def client() -> None:
        connection = Connection(address)
        while (arrival := arrivals.get()) is not None:
            status, wish = connection.ask(arrival[1])
            with lock:
                note(seen, status, wish, time.perf_counter() - arrival[0])
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(MOST_AT_ONCE)]
    for thread in threads:
        thread.start()
    started = at = time.perf_counter()
    for data in itertools.cycle(files):
        at += draw.expovariate(rate)
        if at > started + seconds:
            break
        time.sleep(max(0.0, at - time.perf_counter()))
        arrivals.put((at, data))
    for _ in threads:
        arrivals.put(None)
    for thread in threads:
        thread.join()
    seen.seconds = time.perf_counter() - started
    return seen


def note(seen: Seen, status: int, wish: float | None, took: float) -> None:
    if status == 200:
        seen.took.append(took)
    elif status == 503:
        seen.refused += 1
        seen.no_wish += wish is None
    else:
        seen.failed += 1


def clients(kind: str, address: str, asked: str) -> None:
    """The process of the clients."""
    files = pictures()
    Connection(address).ask(files[0])
    before = resource.getrusage(resource.RUSAGE_SELF)
    run = one_after_the_other if kind == "closed" else as_they_arrive
    seen = run(address, files, **json.loads(asked))
    after = resource.getrusage(resource.RUSAGE_SELF)
    seen.client_cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / seen.seconds
    print(
        json.dumps(
            {name: getattr(seen, name) for name in ("seconds", "took", "refused", "failed", "no_wish", "client_cpu")}
        )
    )


def together(parts: Sequence[Seen]) -> Seen:
    """Rounds as one."""
    return Seen(
        seconds=sum(each.seconds for each in parts),
        took=[took for each in parts for took in each.took],
        refused=sum(each.refused for each in parts),
        failed=sum(each.failed for each in parts),
        no_wish=sum(each.no_wish for each in parts),
        client_cpu=median(each.client_cpu for each in parts),
        server_cpu=median(each.server_cpu for each in parts),
    )


if __name__ == "__main__":
    clients(*sys.argv[1:])
