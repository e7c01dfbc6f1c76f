"""A million list entries: memory and time for each.

    python benchmarks/million.py                 # 1,000,000 distinct pictures, then 1,000,000 lines naming 1,000 files
    python benchmarks/million.py --entries 100000

Provider `fake`, gate off, ledger on disk, results in input order. Each part runs in a process of its own, so that its
peak of resident memory is its own. Beside it, for scale: the same loop without a pipeline (load and nothing else).
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudvision
from cloudvision.providers.fake import Fake
from cloudvision.sources import expand

SIDE = 8


def bitmap(number: int) -> bytes:
    """An 8 x 8 BMP whose first two pixels hold the number: distinct, and cheap to make."""
    row = struct.pack("<Q", number)[:6].ljust(SIDE * 3, b"\x80")
    size = 54 + SIDE * SIDE * 3
    head = struct.pack("<2sIHHI", b"BM", size, 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 24, 0, SIDE * SIDE * 3, 2835, 2835, 0, 0)
    return head + info + row + b"\x80" * (SIDE * 3 * (SIDE - 1))


def distinct(entries: int, _folder: Path) -> Iterator[bytes]:
    return (bitmap(n) for n in range(entries))


def repeated(entries: int, folder: Path) -> Iterator[object]:
    for n in range(1000):
        (folder / f"{n}.bmp").write_bytes(bitmap(n))
    names = folder / "list.txt"
    with names.open("w") as stream:
        stream.writelines(f"{folder}/{n % 1000}.bmp\n" for n in range(entries))
    return expand([f"@{names}"])


def through_pipeline(make: Callable[[int, Path], Iterator[bytes]], entries: int, workers: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name, cloudvision.Ledger(Path(name, "run.db")) as ledger:
        run = ledger.begin_run("million", command="million", provider="fake")
        pipeline = cloudvision.Pipeline(Fake(price=1000), ledger=ledger, run_id=run.id)
        start, outcomes, analysed, rss = time.perf_counter(), 0, 0, {}
        for outcome in cloudvision.run_many(pipeline, make(entries, Path(name)), workers=workers):
            outcomes += 1
            analysed += isinstance(outcome, cloudvision.Analysed)
            if outcomes in (entries // 100, entries // 10, entries):
                rss[outcomes] = peak_mb()
        seconds = time.perf_counter() - start
        assert (outcomes, analysed) == (entries, entries), (outcomes, analysed)
        calls = {state: number for state, number, _ in ledger.attempts()}
        size = Path(name, "run.db").stat().st_size
    return {"us an entry": 1e6 * seconds / entries, "calls": calls.get("settled", 0), "ledger MB": size / 1e6} | {
        f"peak RSS MB at {n:,}": value for n, value in rss.items()
    }


def load_only(make: Callable[[int, Path], Iterator[bytes]], entries: int, _workers: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        for source in make(entries, Path(name)):
            cloudvision.load(source)
        return {"us an entry": 1e6 * (time.perf_counter() - start) / entries}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=4)
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for what, make in (("distinct pictures", distinct), ("lines naming 1,000 files", repeated)):
        for how in (load_only, through_pipeline):
            entries = args.entries if how is through_pipeline else max(1, args.entries // 20)
            with context.Pool(1) as pool:
                figures = pool.apply(how, (make, entries, args.workers))
            print(f"{entries:>9,} {what}, {how.__name__}: " + ", ".join(f"{k} {v:,.1f}" for k, v in figures.items()))


if __name__ == "__main__":
    main()
