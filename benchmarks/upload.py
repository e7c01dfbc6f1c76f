"""Uploading to Custom Vision under fire: 1,000 pictures, one in ten made to fail. Every figure beside what it has to be.

    python benchmarks/upload.py               # all of it, about a minute
    python benchmarks/upload.py storm
    python benchmarks/upload.py kills --kills 10

The service is the emulator on loopback. Which pictures are there in the end is asked of it through the vendor's plain SDK, and
told apart by the SHA-256 of what it gives back.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from cloudvision.annotations import read_annotations
from cloudvision.customvision import Project, TrainingResource, check, create_project, upload
from cloudvision.emulator import Emulator, Fault, running

LABELS = ("apple", "banana", "orange", "pear")
FILES = "CreateImagesFromFiles"


class NoReader:
    """Nothing here reads text."""

    def read(self, pixels: Any, /) -> tuple[()]:  # noqa: ARG002
        return ()


def pictures(place: Path, count: int) -> Path:
    """So many different pictures in four class folders."""
    draw = random.Random(1)
    for number in range(count):
        path = place / LABELS[number % len(LABELS)] / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (96, 96), (number % 256, number // 256, 77))
        for _ in range(6):
            corners = sorted(draw.randrange(96) for _ in range(2)), sorted(draw.randrange(96) for _ in range(2))
            (left, right), (top, bottom) = corners
            fill = (draw.randrange(256), draw.randrange(256), draw.randrange(256))
            ImageDraw.Draw(image).rectangle((left, top, right, bottom), fill=fill)
        image.save(path, quality=90)
    return place


def held(emulator: Emulator, project: Project) -> list[Any]:
    """All images of the project, by the vendor's SDK alone."""
    from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
    from msrest.authentication import ApiKeyCredentials

    env = emulator.environment
    key = ApiKeyCredentials(in_headers={"Training-key": env["CUSTOM_VISION_TRAINING_KEY"]})
    client = CustomVisionTrainingClient(env["CUSTOM_VISION_TRAINING_ENDPOINT"], key)
    found: list[Any] = []
    while page := client.get_images(project.id, take=256, skip=len(found)):
        found += page
    client.close()
    return found


def verdict(emulator: Emulator, project: Project, place: Path) -> str:
    """How the pictures of a folder and the images of the project fit together."""
    there = held(emulator, project)

    def digest(image: Any) -> tuple[str, str]:
        with urllib.request.urlopen(image.original_image_uri, timeout=30) as answer:
            return hashlib.sha256(answer.read()).hexdigest(), image.tags[0].tag_name if len(image.tags) == 1 else "?"

    with ThreadPoolExecutor(8) as pool:
        got = Counter(pool.map(digest, there))
    wanted = Counter(
        (hashlib.sha256(path.read_bytes()).hexdigest(), path.parent.name) for path in sorted(place.glob("*/*.jpg"))
    )
    return (
        f"  of {sum(wanted.values())} pictures in the project {sum((got & wanted).values())}, each once with its tag;"
        f" missing {sum((wanted - got).values())} (must be 0), twice or strange {sum((got - wanted).values())} (must be 0)"
    )


def storm(_: argparse.Namespace, place: Path) -> None:
    """One image in ten fails at every sending; two answers are lost, and a tenth of the requests each throttled or refused."""
    with running(reader=NoReader(), seed=7, tier="S0") as emulator:
        asking = TrainingResource.from_env(emulator.environment)
        project = create_project(asking, "storm", kind="multiclass")
        for share, status in ((0.05, "ErrorStorage"), (0.05, "ErrorUnknown")):
            emulator.faults.spoil_images(share, status)
        lost = Fault("reset", operation=FILES, billed=True)  # the work is done, and the answer never arrives
        emulator.faults.script(
            [Fault("none", operation=FILES, times=3), lost, Fault("none", operation=FILES, times=4), lost]
        )
        emulator.faults.rate(0.1, Fault("throttle", operation=FILES, seconds=1))
        emulator.faults.rate(0.1, Fault("status", operation=FILES))
        began = time.monotonic()
        looked = check(read_annotations(place), kind=project.kind)
        after_look = time.monotonic()
        report = upload(asking, project, looked.ready)
        took = time.monotonic() - after_look
        emulator.faults.clear()
        requests = emulator.bill().requests["emulator"]
        batches = {name: count for name, count in requests.items() if FILES in name}
        attempts = Counter(result.attempts for result in report.results)
        print(
            f"storm: looked at {len(looked.ready)} pictures in {after_look - began:.1f} s, uploaded them in {took:.1f} s"
        )
        print(f"  report: {dict(report.counts)}; sent once {attempts[1]}, again {sum(attempts.values()) - attempts[1]}")
        print(
            f"  requests: {', '.join(f'{name.split()[-1]}: {count}' for name, count in batches.items())} ('-': no answer)"
        )
        print(verdict(emulator, project, place))


def kills(args: argparse.Namespace, place: Path) -> None:
    """The command is killed with SIGKILL at random moments, and begun again until it ends by itself."""
    draw = random.Random(3)
    with running(reader=NoReader(), seed=7) as emulator, tempfile.TemporaryDirectory() as folder:
        asking = TrainingResource.from_env(emulator.environment)
        project = create_project(asking, "kills", kind="multiclass")
        emulator.faults.spoil_images(0.1, "ErrorStorage")
        emulator.faults.rate(1.0, Fault("delay", seconds=0.4, operation=FILES))
        command = [
            sys.executable,
            "-c",
            "from cloudvision.cli import main; main()",
            "customvision",
            "upload",
            str(place),
            "--project",
            project.id,
        ]
        command += ["--json", "--threads", "2"]
        killed, at_kill, ended = 0, list[int](), None
        while ended is None:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **emulator.environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            before = len(held(emulator, project))
            if killed < args.kills:
                # Into the upload, not into the interpreter's start.
                while len(held(emulator, project)) == before and process.poll() is None:
                    time.sleep(0.02)
                time.sleep(draw.uniform(0, 0.8))
            if killed < args.kills and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
                at_kill.append(len(held(emulator, project)))
            else:
                out, _ = process.communicate()
                ended = json.loads(out)
            if process.stdout is not None:
                process.stdout.close()
        sent = emulator.bill().requests["emulator"]
        batches = sum(count for name, count in sent.items() if FILES in name)
        emulator.faults.clear()
        counts = {state: ended[state] for state in ("uploaded", "duplicate", "resumed", "failed")}
        print(
            f"kills: {killed} times kill -9, with {', '.join(map(str, at_kill))} images in the project at that moment"
        )
        print(f"  the last run says {counts} (failed must be 0); {batches} batches in all, 16 would do without a fault")
        print(verdict(emulator, project, place))


PARTS = {"storm": storm, "kills": kills}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = pictures(Path(folder) / "pictures", args.pictures)
        for name in args.part or PARTS:
            PARTS[name](args, place)


if __name__ == "__main__":
    main()
