"""The run under fire: throttling, kill -9, budgets, quotas. Every figure beside what it has to be.

    python benchmarks/faults.py                       # all of it; 200 kills take a quarter of an hour
    python benchmarks/faults.py storm budget goodput  # some of it
    python benchmarks/faults.py kills --kills 20

The service is `scripted_service.py` on loopback; it keeps a bill that knows nothing of our ledger.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import pairwise
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from million import bitmap
from PIL import Image
from scripted_service import Service, running

import cloudvision
from cloudvision.breaker import CircuitBreaker
from cloudvision.cli import main as command_line
from cloudvision.providers.aws_rekognition import AwsRekognition
from cloudvision.providers.fake import Fake

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIDBENCHMARK",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def picture(number: int) -> Image.Image:
    return Image.new("RGB", (96, 96), (number % 256, number // 256, 77))


def provider(service: Service) -> AwsRekognition:
    return AwsRekognition.from_env(
        cloudvision.Options(), env={**ENVIRONMENT, "AWS_ENDPOINT_URL_REKOGNITION": service.url}
    )


def storm(_: argparse.Namespace) -> None:
    """500 pictures while six of ten requests are throttled: none lost, none billed twice."""
    with running(Service(throttled=0.6, latency_s=0.01)) as service, cloudvision.Ledger() as ledger:
        # The waits are a twentieth of the defaults, so that the storm is over in seconds.
        policy = cloudvision.Policy(retry=cloudvision.RetryPolicy(wait_initial_s=0.025, wait_max_s=0.5))
        limiter = cloudvision.Limiter(
            500
        )  # a known quota, so that a throttled call pauses the others for a tenth of a second
        pipeline = cloudvision.Pipeline(provider(service), ledger=ledger, policy=policy, limiter=limiter)
        outcomes = Counter(
            type(o).__name__ for o in cloudvision.run_many(pipeline, map(picture, range(500)), workers=16)
        )
        settled = {state: number for state, number, _ in ledger.attempts()}.get("settled", 0)
    twice = sum(1 for units in service.bill.values() if units > 1)
    print(
        f"storm: {service.requests} requests, {service.refused} throttled ({service.refused / service.requests:.0%});"
    )
    print(f"  {dict(outcomes)}, lost {500 - outcomes['Analysed']} (must be 0), billed twice {twice} (must be 0),")
    print(f"  billed {sum(service.bill.values())}, settled in the ledger {settled}")


def kills(args: argparse.Namespace) -> None:
    """Killed at random moments, resumed to the end: each source once in the output, each cut call listed and bounded.

    Several at a time, each with a folder, a ledger and a service of its own: a run mostly waits, for the service and for
    the rate that it finds by itself. The processes are forked from one that has imported everything, so that the kills
    fall into the run and not into its imports.
    """
    draw, images, worst, start = random.Random(args.seed), 300, Counter[str](), time.perf_counter()
    moments = [draw.uniform(0.05, 1.0) for _ in range(args.kills)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cloudvision.cli", "boto3"])
    with Lane(images, context) as lane:
        took = lane.undisturbed()
    lanes = [Lane(images, context) for _ in range(args.lanes)]
    with ExitStack() as stack, ThreadPoolExecutor(args.lanes) as pool:
        for lane in lanes:
            stack.enter_context(lane)
        shares = [moments[n :: args.lanes] for n in range(args.lanes)]
        for found in pool.map(lambda pair: pair[0].killed(pair[1], took), zip(lanes, shares, strict=True)):
            worst += found
    print(
        f"kills: {args.kills} at random moments of a run of {took:.1f} s, {images} pictures, 16 workers, each resumed,"
    )
    print(f"  {args.lanes} at a time, {time.perf_counter() - start:.0f} s in all;")
    print(
        f"  outputs wrong {worst['wrong']} (must be 0), billed beyond settled and uncertain {worst['hidden']} (must be 0),"
    )
    print(f"  billed beyond settled {worst['beyond']}, calls in flight at the kills {worst['uncertain']}, all listed;")
    print(
        f"  pictures billed twice {worst['twice']} (all of them uncertain), more than twice {worst['thrice']} (must be 0);"
    )
    print(f"  called more than once again {worst['often']} (must be 0); a kill that cuts more than 16 counts as wrong")


class Lane:
    """One folder with a list, and one service: runs in it are killed and resumed one after the other."""

    def __init__(self, images: int, context: ForkServerContext) -> None:
        self._context = context
        self._entries = [f"{n}.png" for n in range(images)]
        self._stack = ExitStack()

    def __enter__(self) -> Lane:
        self._service = self._stack.enter_context(running(Service(latency_s=0.05)))
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        for n, name in enumerate(self._entries):
            picture(n).save(self._folder / name)
        (self._folder / "list.txt").write_text("\n".join(self._entries))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def undisturbed(self) -> float:
        """Seconds that a run takes."""
        start = time.perf_counter()
        process = self._started()
        process.join()
        found = self._check(process.exitcode)
        assert not found["wrong"], found
        return time.perf_counter() - start

    def killed(self, moments: list[float], took: float) -> Counter[str]:
        """What is wrong after each kill, at these shares of the time that a run takes, and each resumption."""
        worst = Counter[str]()
        for moment in moments:
            for name in ("run.db", "run.db-wal", "run.db-shm", "out.jsonl"):
                (self._folder / name).unlink(missing_ok=True)
            self._service.bill.clear()
            process = self._started()
            process.join(moment * took)
            process.kill()
            process.join()
            resumed = self._started()
            resumed.join()
            worst += self._check(resumed.exitcode)
        return worst

    def _started(self) -> ForkServerProcess:
        process = self._context.Process(target=_run_in, args=(str(self._folder), self._service.url))
        process.start()
        return process

    def _check(self, code: int | None) -> Counter[str]:
        lines = [json.loads(line) for line in (self._folder / "out.jsonl").read_text().splitlines()]
        good = code == 0 and [line["source"] for line in lines] == self._entries
        with closing(sqlite3.connect(self._folder / "run.db")) as db:
            states = dict(db.execute("SELECT state, count(*) FROM attempts GROUP BY state"))
            cut_off = db.execute("SELECT key FROM attempts WHERE state = 'uncertain'")
            uncertain = {key.rpartition("/")[2] for (key,) in cut_off}
            often = db.execute("SELECT count(*) FROM (SELECT 1 FROM attempts GROUP BY key HAVING count(*) > 2)")
            again = int(often.fetchone()[0])
        bill = self._service.bill
        twice = {digest for digest, units in bill.items() if units > 1}
        settled, cut = states.get("settled", 0), states.get("uncertain", 0)
        beyond = max(0, sum(bill.values()) - settled)
        found = Counter(wrong=int(not good), beyond=beyond, uncertain=cut, twice=len(twice), often=again)
        found["hidden"] = max(0, beyond - cut) + len(twice - uncertain)
        found["thrice"] = sum(units > 2 for units in bill.values())
        return found if cut <= 16 else found + Counter(wrong=1)


def _run_in(folder: str, url: str) -> None:
    """The command, as a user gives it, in a process of its own."""
    os.chdir(folder)
    os.environ |= {**ENVIRONMENT, "AWS_ENDPOINT_URL_REKOGNITION": url}
    sys.argv = ["cloudvision", "run", "@list.txt", "--provider", "aws-rekognition", "--no-gate"]
    sys.argv += ["--workers", "16", "-o", "out.jsonl", "--ledger", "run.db"]
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  until the process ends
    command_line()


def budget(_: argparse.Namespace) -> None:
    """4 processes x 64 threads on one ledger: the spend never exceeds the budget."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "run.db")
        cloudvision.Ledger(path).close()
        context = multiprocessing.get_context("spawn")
        children = [context.Process(target=_spend, args=(str(path), n)) for n in range(4)]
        start = time.perf_counter()
        for child in children:
            child.start()
        for child in children:
            child.join()
        with cloudvision.Ledger(path) as ledger:
            spent = sum(micros for _, _, micros in ledger.attempts())
    seconds = time.perf_counter() - start
    print(f"budget: 1.0000 USD, 4 processes x 64 threads, 4,000 pictures wanted, {seconds:.1f} s;")
    print(f"  spent {spent / 1e6:.4f} USD, overspend {max(0, spent - 1_000_000) / 1e6:.4f} USD (must be 0)")


def _spend(path: str, process: int) -> None:
    with cloudvision.Ledger(path) as ledger:
        policy = cloudvision.Policy(budget=cloudvision.Budget(ledger=1_000_000))
        pipeline = cloudvision.Pipeline(Fake(price=1000), ledger=ledger, policy=policy)
        try:
            for _ in cloudvision.run_many(pipeline, (bitmap(process * 10_000 + n) for n in range(1000)), workers=64):
                pass
        except cloudvision.BudgetExceededError:
            pass


def goodput(args: argparse.Namespace) -> None:
    """A known quota of 20 requests a second at 300 ms: how much of it is used, how much is throttled."""
    seconds = args.seconds
    wanted = 20 * seconds
    for name, work in (("cloudvision", _ours), ("thread pool with sleep(2**n)", _plain)):
        with running(Service(latency_s=0.3, quota=20)) as service:
            start = time.perf_counter()
            work(service, wanted)
            took = time.perf_counter() - start
        used = wanted / (20 * took)
        print(f"goodput: {name}: {wanted} answers in {took:.1f} s, {used:.1%} of the quota used (ours: at least 97 %),")
        print(
            f"  {service.refused} of {service.requests} requests throttled ({service.refused / service.requests:.2%})"
        )


def _ours(service: Service, wanted: int) -> None:
    pipeline = cloudvision.Pipeline(provider(service), limiter=cloudvision.Limiter(20))
    outcomes = Counter(type(o) for o in cloudvision.run_many(pipeline, map(picture, range(wanted)), workers=16))
    assert outcomes[cloudvision.Analysed] == wanted, outcomes


def _plain(service: Service, wanted: int) -> None:
    asked = provider(service)

    def one(number: int) -> None:
        image = cloudvision.load(picture(number))
        for attempt in range(100):
            try:
                asked.call(image)
                return
            except cloudvision.ThrottledError:
                time.sleep(2**attempt * 0.1)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(wanted)))


class ScriptedTime(cloudvision.StopSignal):
    """A clock that only sleeping moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Outage(Fake):
    """A service that takes a tenth of a second a call and is down from second 30 to second 90."""

    def __init__(self, clock: ScriptedTime) -> None:
        super().__init__(price=1000)
        self.clock = clock
        self.in_vain: list[float] = []

    def call(self, image: cloudvision.Image | cloudvision.Remote, /) -> cloudvision.Raw:
        self.clock.sleep(0.1)
        if 30 <= self.clock.now < 90:
            self.in_vain.append(self.clock.now)
            raise cloudvision.UnavailableError("no connection", provider="fake", billed=False)
        return super().call(image)


def outage(_: argparse.Namespace) -> None:
    """Total outage of 60 s (scripted clock, one thread) in a run of 1,000: at most one request a cool-down."""
    clock = ScriptedTime()
    service = Outage(clock)
    with cloudvision.Ledger() as ledger:
        pipeline = cloudvision.Pipeline(service, ledger=ledger, breaker=CircuitBreaker(clock=clock), stop=clock)
        outcomes = Counter(type(pipeline.run(picture(n))).__name__ for n in range(1000))
    gaps = [round(later - earlier, 1) for earlier, later in pairwise(service.in_vain)]
    print(
        f"outage: {dict(outcomes)} of 1,000, {len(service.in_vain)} requests while it was down, seconds between them {gaps}"
    )


def engine(_: argparse.Namespace) -> None:
    """An instant service, ledger on disk, gate off: time for each source."""
    for workers in (1, 2, 4):
        with tempfile.TemporaryDirectory() as name, cloudvision.Ledger(Path(name, "run.db")) as ledger:
            run = ledger.begin_run("engine", command="engine", provider="fake")
            pipeline = cloudvision.Pipeline(Fake(price=1000), ledger=ledger, run_id=run.id)
            start = time.perf_counter()
            done = sum(1 for _ in cloudvision.run_many(pipeline, map(bitmap, range(20_000)), workers=workers))
            seconds = time.perf_counter() - start
        print(f"engine: {workers} workers: {1e6 * seconds / done:.0f} us a source, {done / seconds:.0f} sources/s")


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "storm": storm,
    "budget": budget,
    "goodput": goodput,
    "outage": outage,
    "engine": engine,
    "kills": kills,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which of them; all by default")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--lanes", type=int, default=4, help="runs that are killed at a time")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    threading.stack_size(512 * 1024)
    for name in args.parts or PARTS:
        PARTS[name](args)


if __name__ == "__main__":
    main()
