"""A web server of pictures on loopback, light enough not to be what is measured: everything in memory, connections kept.

    python benchmarks/picture_server.py ../shared/corpus

Prints its port, and ends when its standard input is closed.
"""

from __future__ import annotations

import asyncio
import csv
import sys
from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Pictures(asyncio.Protocol):
    """Answers GET alone, one request after the other."""

    def __init__(self, bodies: dict[bytes, bytes]) -> None:
        self._bodies = bodies
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while b"\r\n\r\n" in self._unread:
            head, _, self._unread = self._unread.partition(b"\r\n\r\n")
            body = self._bodies.get(head.split(b" ", 2)[1])
            last = body is None or b"connection: close" in head.lower()
            self._transport.write(MISSING if body is None else HEAD % (len(body), b"close" if last else b"keep-alive"))
            self._transport.write(body or b"")
            if last:
                self._transport.close()


async def serve(bodies: dict[bytes, bytes]) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Pictures(bodies), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    corpus = Path(sys.argv[1])
    with (corpus / "manifest.csv").open() as stream:
        files = [row["file"] for row in csv.DictReader(stream)]
    asyncio.run(serve({f"/{file}".encode(): (corpus / file).read_bytes() for file in files}))


if __name__ == "__main__":
    main()
