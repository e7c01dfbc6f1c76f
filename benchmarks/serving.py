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
import hashlib
import http.client
import io
import itertools
import json
import os
import queue
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

CLIENTS = (1, 4, 16, 64)
LABELS = ("apple", "banana", "orange")
SIDES = {"small": 192, "conv": 224, "dense": 192}
HERE = str(Path(__file__).resolve())
HEADERS = {"Content-Type": "application/octet-stream"}
MOST_AT_ONCE = 600
LONGEST_ANSWER_S = 120.0


# ---------------------------------------------------------------------------------------------------- models and pictures


def write_model(folder: Path, kind: str) -> Path:
    """A model folder with a network of that kind."""
    side = SIDES[kind]
    graph = {"small": small_graph, "conv": conv_graph, "dense": dense_graph}[kind](side)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(graph)
    config = {
        "format": 1,
        "kind": "classify",
        "name": kind,
        "version": "1",
        "labels": list(LABELS),
        "background": None,
        "input": {"width": side, "height": side, "resize": "stretch"},
        "files": {"model.onnx": hashlib.sha256(graph).hexdigest()},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def small_graph(side: int) -> bytes:
    import torch

    from cloudvision.models import InputSettings
    from cloudvision.training.classify_graph import to_onnx
    from cloudvision.training.classify_network import Classifier, GateBackbone

    torch.manual_seed(0)
    backbone = GateBackbone()
    net = Classifier(backbone, features=backbone.features, labels=len(LABELS)).eval()
    return to_onnx(net, size=InputSettings(side, side), multilabel=False)


def conv_graph(side: int) -> bytes:
    """The convolutions of ResNet-18: 1.8 thousand million multiplications at 224 pixels."""
    made = Made()
    x = made.conv("scaled", 3, 64, kernel=7, stride=2)
    x = made.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    before = 64
    for width, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        short = x if stride == 1 else made.conv(x, before, width, kernel=1, stride=stride, relu=False)
        inner = made.conv(x, before, width, kernel=3, stride=stride)
        inner = made.conv(inner, width, width, kernel=3, stride=1, relu=False)
        x = made.node("Relu", [made.node("Add", [inner, short])])
        before = width
    return made.finish(made.node("Flatten", [made.node("GlobalAveragePool", [x])]), before, side)


def dense_graph(side: int, *, width: int = 4096, pooled: int = 24) -> bytes:
    """Average-pooled pixels through two dense layers: 91 million weights, of each of which a picture takes two operations."""
    made = Made()
    x = made.node("AveragePool", ["scaled"], kernel_shape=[side // pooled] * 2, strides=[side // pooled] * 2)
    x, before = made.node("Flatten", [x]), 3 * pooled * pooled
    for after in (width, width * 5):
        x = made.node("Tanh", [made.node("MatMul", [x, made.weights(before, after)])])
        before = after
    return made.finish(x, before, side)


class Made:
    """A graph that is put together node by node, with random weights."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self._nodes: list[Any] = []
        self._values: list[Any] = []
        self.node("Mul", ["pixels", self._value(np.float32(1 / 255))], name="scaled")

    def node(self, kind: str, inputs: list[str], *, name: str = "", **attributes: Any) -> str:
        """Name of its output."""
        from onnx import helper

        name = name or f"x{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def weights(self, *shape: int) -> str:
        drawn = self._rng.standard_normal(shape, dtype=np.float32)
        return self._value(drawn * np.float32((2 / np.prod(shape[1:] if len(shape) == 4 else shape[:1])) ** 0.5))

    def conv(self, x: str, before: int, after: int, *, kernel: int, stride: int, relu: bool = True) -> str:
        weights = self.weights(after, before, kernel, kernel)
        shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        x = self.node("Conv", [x, weights], **shape)
        return self.node("Relu", [x]) if relu else x

    def finish(self, x: str, features: int, side: int) -> bytes:
        from onnx import TensorProto, helper

        logits = self.node("MatMul", [x, self.weights(features, len(LABELS))])
        self.node("Softmax", [logits], name="probabilities")
        pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, side, side])
        out = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(LABELS)])
        graph = helper.make_graph(self._nodes, "made", [pixels], [out], initializer=self._values)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return bytes(model.SerializeToString())

    def _value(self, array: Any) -> str:
        from onnx import numpy_helper

        name = f"v{len(self._values)}"
        self._values.append(numpy_helper.from_array(np.asarray(array), name))
        return name


def pictures(count: int = 40) -> list[bytes]:
    """Different JPEG files of 640 x 480, some 50 kB each."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(count):
        rough = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(rough).resize((640, 480), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=92)
        found.append(stream.getvalue())
    return found


# ------------------------------------------------------------------------------------------------------------ the servers


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
        max_batch=int(asked.get("max_batch", 16)), queue=int(asked.get("queue", 64)), adapt=asked.get("adapt") != "no"
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
    command = [sys.executable, HERE, f"--{kind}", str(folder), *flags]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            address = process.stdout.readline().strip()
            yield Server(address, process, process.stdout.readline().strip() if kind == "ours" else "")
        finally:
            process.kill()


# ------------------------------------------------------------------------------------------------------------ the clients


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


def measured(kind: str, which: Server, asked: dict[str, Any]) -> Seen:
    """Run the clients in a process of their own."""
    before, started = which.cpu_s(), time.perf_counter()
    command = [sys.executable, HERE, "--clients", kind, which.address, json.dumps(asked)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    seen = Seen(**told)
    seen.server_cpu = (which.cpu_s() - before) / (time.perf_counter() - started)
    return seen


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


# ------------------------------------------------------------------------------------------------------------- the report


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
    )


HEAD = (
    "| {} | server | answers/s (rounds) | p50 ms | p95 ms | refused with 503 | failed | cores, server | cores, clients |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


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
                f"| {count} | ratio, rounds | {', '.join(f'{share:.2f}' for share in shares)} | | | | | | |", flush=True
            )
    return good


def overload(kind: str, folder: Path, *, seconds: float, rounds: int) -> bool:
    """Requests at twice the rate that Flask can answer. True where our answers come sooner and are as many."""
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
        return mine.percentile(95) < theirs.percentile(95) and mine.rate >= theirs.rate and mine.no_wish == 0


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
        case ["--clients", how_they_come, server_address, what]:
            clients(how_they_come, server_address, what)
        case _:
            main()
