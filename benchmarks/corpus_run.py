"""The main job over real pictures: `cloudvision run`, half files and half URLs; run again; killed and run again.

    python benchmarks/corpus_run.py ../shared/corpus --images 300 --kills 3

A web server on loopback serves the URLs. Printed: outcomes, provider calls of each run (from the ledger), time, and
that every list entry has exactly one line after every interruption.
"""

from __future__ import annotations

import argparse
import collections
import csv
import functools
import http.server
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass


def pick(corpus: Path, images: int) -> list[Path]:
    with (corpus / "manifest.csv").open() as stream:
        files = [corpus / row["file"] for row in csv.DictReader(stream)]
    return random.Random(7).sample(files, images)


def command(name: str) -> list[str]:
    arguments = f"@list.txt --provider local-ocr --gate --allow-private-hosts -o {name}.jsonl --ledger {name}.db"
    return [sys.executable, "-c", "from cloudvision.cli import main; main()", "run", *arguments.split()]


def calls(ledger: Path) -> dict[str, int]:
    with sqlite3.connect(ledger) as db:
        return dict(db.execute("SELECT state, count(*) FROM attempts GROUP BY state"))


def outcomes(folder: Path, name: str, expected: list[str]) -> collections.Counter[str]:
    lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    assert [line["source"] for line in lines] == expected, "a source is lost, doubled or out of order"
    return collections.Counter(line["outcome"] for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--kills", type=int, default=3)
    args = parser.parse_args()
    corpus = args.corpus.resolve()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(corpus)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    files = pick(corpus, args.images)
    entries = [str(f) if n % 2 else f"{root}/{f.relative_to(corpus)}" for n, f in enumerate(files)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "list.txt").write_text("\n".join(entries) + "\n")
        took: list[float] = []
        for what in ("first run", "run again"):
            start = time.perf_counter()
            done = subprocess.run(command("whole"), check=False, cwd=folder, stderr=subprocess.PIPE, text=True)
            took.append(time.perf_counter() - start)
            print(f"{what}: exit {done.returncode}, {took[-1]:.1f} s, {dict(outcomes(folder, 'whole', entries))},")
            print(f"  calls so far {calls(folder / 'whole.db')}; {' '.join(done.stderr.split())[:200]}")
        draw = random.Random(3)
        for kill in range(args.kills):
            process = subprocess.Popen(command("killed"), cwd=folder, stderr=subprocess.DEVNULL)
            time.sleep(took[0] * draw.uniform(0.1, 0.6))
            process.send_signal(signal.SIGKILL)
            process.wait()
            text = (folder / "killed.jsonl").read_text() if (folder / "killed.jsonl").exists() else ""
            print(f"kill -9 number {kill + 1}: {len(text.splitlines())} lines by then, {calls(folder / 'killed.db')}")
        done = subprocess.run(command("killed"), check=False, cwd=folder, stderr=subprocess.PIPE, text=True)
        print(f"resumed to the end: exit {done.returncode}, {dict(outcomes(folder, 'killed', entries))},")
        print(f"  calls {calls(folder / 'killed.db')}; every source exactly once in the output")


if __name__ == "__main__":
    main()
