"""`cloudvision serve` beside a threaded Flask route that runs the same model one by one.

    python benchmarks/serving.py                  # all of it, some ten minutes
    python benchmarks/serving.py --only dense --seconds 2 --rounds 2

Three networks with random weights (speed does not depend on them): `small`, the classifier that `cloudvision train` makes;
`conv`, the convolutions of ResNet-18, above 20 ms a picture on one core; `dense`, about 20 ms too, most of it reading the
weights of two dense layers, where a batch helps a processor.

Each server is a process of its own; the clients are threads of a third one, each with one connection that is kept open and
its next request behind the last answer. All three share the machine's cores as the system divides them; the table says how
much of a core the clients took. Both servers get the same JPEG files in the same order, decode them with the library, and
answer with the same labels. They are measured in turn, and the order is turned round from round to round. Flask speaks
HTTP/1.1 (its default, HTTP/1.0, opens a connection and a thread for each request, and is slower).

In the last part requests arrive at twice the rate that Flask can answer, whether or not earlier ones are answered.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving_clients import Seen, together
from serving_models import SIDES, write_model

CLIENTS = (1, 4, 16, 64)
HERE = Path(__file__).resolve()


def serve_flask(folder: str) -> None:
    """The rival: a thread a connection, a picture at a time."""
    from flask import Flask, jsonify, request
    from werkzeug.serving import WSGIRequestHandler, make_server

    from cloudvision import images
    from cloudvision.models import Model

    model = Model.open(folder)
    app = Flask("rival")

    @app.post("/predict")
    def predict() -> Any:
        image = images.load(request.get_data())
        labels = model.predict(image).labels or ()
        return jsonify(
            width=image.width,
            height=image.height,
            labels=[{"name": label.name, "confidence": label.confidence} for label in labels],
        )

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: Any, **__: Any) -> None:
            pass

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    print(f"127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def serve_ours(folder: str, flags: Sequence[str]) -> None:
    from cloudvision.serve import Settings, running

    asked = dict(flag.split("=") for flag in flags)
    settings = Settings(
        max_batch=int(asked.get("max_batch", 16)),
        queue=int(asked.get("queue", 64)),
        threads=int(asked.get("threads", 0)),
        adapt=asked.get("adapt") != "no",
    )
    with running([folder], settings=settings) as serving:
        print(serving.url.removeprefix("http://"), flush=True)
        print(serving.models[0], flush=True)
        sys.stdin.read()


@dataclass
class Server:
    address: str
    process: subprocess.Popen[str]
    told: str = ""

    def cpu_s(self) -> float:
        """Seconds of processor that the process has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(kind: str, folder: Path, *flags: str) -> Iterator[Server]:
    command = [sys.executable, str(HERE), f"--{kind}", str(folder), *flags]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            address = process.stdout.readline().strip()
            yield Server(address, process, process.stdout.readline().strip() if kind == "ours" else "")
        finally:
            process.kill()


def measured(kind: str, which: Server, asked: dict[str, Any]) -> Seen:
    """Run the clients in a process of their own."""
    before = which.cpu_s()
    command = [sys.executable, str(HERE.with_name("serving_clients.py")), kind, which.address, json.dumps(asked)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    seen = Seen(**told)
    seen.server_cpu = (which.cpu_s() - before) / seen.seconds
    return seen


def compare(servers: dict[str, Server], kind: str, asked: dict[str, Any], *, rounds: int) -> dict[str, list[Seen]]:
    """Each server in turn; who comes first changes from round to round."""
    found: dict[str, list[Seen]] = {name: [] for name in servers}
    for turn in range(rounds):
        names = list(servers)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            found[name].append(measured(kind, servers[name], asked))
    return found


def row(name: str, label: str, parts: Sequence[Seen]) -> str:
    seen = together(parts)
    rates = " to ".join(f"{rate:.1f}" for rate in (min(p.rate for p in parts), max(p.rate for p in parts)))
    return (
        f"| {label} | {name} | {seen.rate:.1f} ({rates}) | {seen.percentile(50):.0f} | {seen.percentile(95):.0f} |"
        f" {seen.refused} | {seen.failed} | {seen.server_cpu:.2f} | {seen.client_cpu:.2f} |"
        f" {seen.server_cpu / seen.rate * 1000:.1f} |"
    )


COLUMNS = (
    "server",
    "answers/s (rounds)",
    "p50 ms",
    "p95 ms",
    "refused with 503",
    "failed",
    "cores, server",
    "cores, clients",
    "CPU ms an answer",
)
HEAD = "| {} | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS)


def against_flask(folder: Path, *, seconds: float, rounds: int) -> bool:
    """True where ours is never below Flask."""
    good = True
    with server("ours", folder) as ours, server("flask", folder) as flask:
        print(f"\n### {ours.told}, load average {os.getloadavg()[0]:.1f}\n\n{HEAD.format('clients')}", flush=True)
        servers = {"cloudvision serve": ours, "Flask, threaded": flask}
        for count in CLIENTS:
            found = compare(servers, "closed", {"clients": count, "seconds": seconds}, rounds=rounds)
            for name, parts in found.items():
                print(row(name, str(count), parts), flush=True)
            mine, theirs = (together(found[name]) for name in servers)
            good &= mine.rate >= theirs.rate and not mine.failed
            shares = [
                a.rate / b.rate for a, b in zip(found["cloudvision serve"], found["Flask, threaded"], strict=True)
            ]
            print(
                f"| {count} | ratio, rounds | {', '.join(f'{share:.2f}' for share in shares)} | | | | | | | |",
                flush=True,
            )
    return good


def overload(kind: str, folder: Path, *, seconds: float, rounds: int) -> bool:
    """Requests at twice the rate that Flask can answer. True where ours come sooner, and refusals say when to come again."""
    with server("ours", folder, "queue=16") as ours, server("flask", folder) as flask:
        most = measured("closed", flask, {"clients": 4, "seconds": seconds}).rate
        print(
            f"\n### {kind}: {2 * most:.0f} requests a second arrive, a line of 16, load average {os.getloadavg()[0]:.1f}\n"
        )
        print(HEAD.format("arrivals/s"), flush=True)
        servers = {"cloudvision serve": ours, "Flask, threaded": flask}
        found = compare(servers, "open", {"rate": 2 * most, "seconds": seconds}, rounds=rounds)
        for name, parts in found.items():
            print(row(name, f"{2 * most:.0f}", parts), flush=True)
        mine, theirs = (together(found[name]) for name in servers)
        print(f"\nrefused without Retry-After: {mine.no_wish}", flush=True)
        return mine.percentile(95) < theirs.percentile(95) and mine.no_wish == 0


def batching(kind: str, folder: Path, *, seconds: float, rounds: int) -> None:
    """What batches bring: the same server with and without."""
    from cloudvision.models import Model
    from cloudvision.serve.cost import measure
    from cloudvision.serve.served import LocalModel

    costs = measure(LocalModel(Model.open(folder)), most=16)
    print(
        f"\n### {kind}: one thread, ms a picture in a batch of "
        + ", ".join(f"{cost.count}: {cost.each * 1000:.1f}" for cost in costs)
        + "\n",
        flush=True,
    )
    print(HEAD.format("clients"), flush=True)
    with (
        server("ours", folder) as adapted,
        server("ours", folder, "max_batch=1") as alone,
        server("ours", folder, "max_batch=8", "adapt=no") as always,
    ):
        servers = {
            f"adapted ({adapted.told.rpartition(', ')[2]})": adapted,
            "one by one": alone,
            "up to 8 always": always,
        }
        for count in (1, 16, 64):
            found = compare(servers, "closed", {"clients": count, "seconds": seconds}, rounds=rounds)
            for name, parts in found.items():
                print(row(name, str(count), parts), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=sorted(SIDES), action="append")
    parser.add_argument("--part", choices=("flask", "overload", "batching"), action="append")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    how = {"seconds": asked.seconds, "rounds": asked.rounds}
    parts = asked.part or ["flask", "overload", "batching"]
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for kind in asked.only or list(SIDES):
            model = write_model(Path(folder) / kind, kind)
            if "flask" in parts:
                good &= against_flask(model, **how)
            if "overload" in parts:
                good &= overload(kind, model, **how)
            if "batching" in parts and kind != "small":
                batching(kind, model, **how)
    print("\nnever below Flask, and sooner under overload" if good else "\nBELOW FLASK SOMEWHERE: see above")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--flask", model_folder]:
            serve_flask(model_folder)
        case ["--ours", model_folder, *given]:
            serve_ours(model_folder, given)
        case _:
            main()
