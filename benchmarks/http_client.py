"""Which HTTP client downloads small pictures fastest, and what does it bring along?

    python benchmarks/http_client.py [--images 2000] [--threads 8] [--rounds 5]

All clients ask one loopback server (a process of its own) for the same pictures over keep-alive connections, in the same
run and in turns, so that only the ratios matter: the server takes its share of the machine too. `cloudvision` is our own
guarded Fetcher with private hosts allowed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import multiprocessing
import re
import socketserver
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection

BODY = b"\xff\xd8\xff" + bytes(20_000)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)

Get = Callable[[str], bytes]


class Handler(socketserver.StreamRequestHandler):
    """Answers every request with the same picture, as cheaply as Python can."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        while line := self.rfile.readline():
            while line not in (b"\r\n", b""):
                line = self.rfile.readline()
            self.wfile.write(ANSWER)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


def serve(pipe: Connection) -> None:
    with Server(("127.0.0.1", 0), Handler) as server:
        pipe.send(server.server_address[1])
        server.serve_forever()


@contextmanager
def urllib3_client(threads: int) -> Iterator[Get]:
    import urllib3

    with urllib3.PoolManager(maxsize=threads, block=True, retries=False) as pool:
        yield lambda url: pool.request("GET", url).data


@contextmanager
def requests_client(threads: int) -> Iterator[Get]:
    import requests

    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=threads))
        yield lambda url: session.get(url, timeout=30).content


@contextmanager
def httpx_client(threads: int) -> Iterator[Get]:
    import httpx

    with httpx.Client(limits=httpx.Limits(max_keepalive_connections=threads)) as client:
        yield lambda url: client.get(url).content


@contextmanager
def httpcore_client(threads: int) -> Iterator[Get]:
    import httpcore

    with httpcore.ConnectionPool(max_connections=threads) as pool:
        yield lambda url: pool.request("GET", url).content


@contextmanager
def cloudvision_client(threads: int) -> Iterator[Get]:  # noqa: ARG001  all clients are opened alike
    from cloudvision.fetch import Fetcher

    with Fetcher(allow_private_hosts=True, env={}) as fetcher:
        yield fetcher.fetch


CLIENTS = {
    "urllib3": urllib3_client,
    "requests": requests_client,
    "httpx": httpx_client,
    "httpcore": httpcore_client,
    "cloudvision": cloudvision_client,
}


def rate(name: str, port: int, *, images: int, threads: int) -> float:
    """Pictures a second."""
    urls = [f"http://127.0.0.1:{port}/{i}.jpg" for i in range(images)]
    with CLIENTS[name](threads) as get, ThreadPoolExecutor(threads) as pool:
        get(urls[0])
        start = time.perf_counter()
        total = sum(map(len, pool.map(get, urls)))
        seconds = time.perf_counter() - start
    assert total == images * len(BODY)
    return images / seconds


def import_milliseconds(module: str) -> float:
    """What importing it adds to a bare interpreter, the best of five."""

    def best(code: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - start)
        return min(times) * 1e3

    return best(f"import {module}") - best("pass")


def dependencies(package: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """The packages that come along, extras not counted."""
    for line in importlib.metadata.requires(package) or ():
        name = re.match(r"[\w.-]+", line)
        if name and ";" not in line and name[0] not in seen:
            seen = dependencies(name[0], seen | {name[0]})
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()

    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    server.start()
    port = here.recv()
    names = [name for name in CLIENTS if importlib.util.find_spec(name)]
    rates: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(args.rounds):
        for name in names:
            rates[name].append(rate(name, port, images=args.images, threads=args.threads))
    server.terminate()
    server.join()

    base = statistics.median(rates["urllib3"])
    print(f"{'client':12} {'images/s':>9} {'ratio':>6} {'spread':>13} {'import ms':>10} {'brings':>7}")
    for name in names:
        middle, low, high = statistics.median(rates[name]), min(rates[name]), max(rates[name])
        own = name == "cloudvision"
        brings = "-" if own else str(len(dependencies(name)))
        milliseconds = import_milliseconds("cloudvision.fetch" if own else name)
        spread = f"{low / base:.2f}..{high / base:.2f}"
        print(f"{name:12} {middle:9.0f} {middle / base:6.2f} {spread:>13} {milliseconds:10.0f} {brings:>7}")


if __name__ == "__main__":
    main()
