"""Detectors trained from scratch: raccoons, and forks and scissors, on pictures that they have not seen.

    python benchmarks/local_detection.py DIR --work WORK [--splits 1 2] [--only raccoon]

DIR holds det-raccoon (Pascal VOC) and det-fork-scissors (regions.json). Of each a quarter is held out (drawn with the split's
number; pictures that look alike stay on one side), and a detector is trained on all, a half and a quarter of the rest, each
for the same number of batches, without early stopping; then on all once more from the gate's backbone, and for twice as
long. Network and recipe were chosen on split 0; the others have chosen nothing. What is measured is the model folder as it
would be used. Every result lies in WORK and is not measured again; a training that was cut off goes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cloudvision.annotations import Mark, read_annotations
from cloudvision.geometry import Box
from cloudvision.images import load
from cloudvision.models import Model
from cloudvision.training.average_precision import Boxes, match, score, summed
from cloudvision.training.detect import DetectorSettings, train_detector
from cloudvision.training.detect_augment import Changes
from cloudvision.training.detect_fit import FAINT, DetectorRecipe
from cloudvision.training.detect_scenes import BoxExample, alike, box_examples_of, box_labels_of, hold_out, read_scenes

HELD = 0.25
SHARES = (1.0, 0.5, 0.25)
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Task:
    """One set of pictures and how it is learned."""

    name: str
    read: Callable[[Path], Sequence[BoxExample]]
    settings: DetectorSettings


def fork_scissors(place: Path) -> tuple[BoxExample, ...]:
    regions = json.loads((place / "det-fork-scissors" / "regions.json").read_text("utf-8"))
    return tuple(
        BoxExample(
            place / "det-fork-scissors" / name,
            tuple(Mark(r["tag"], Box(r["left"], r["top"], r["width"], r["height"])) for r in marks),
        )
        for name, marks in sorted(regions.items())
    )


def raccoon(place: Path) -> tuple[BoxExample, ...]:
    return box_examples_of(read_annotations(place / "det-raccoon", format="voc"))


TASKS = (
    Task("raccoon", raccoon, DetectorSettings(judge=0.0)),
    Task(
        "fork and scissors",
        fork_scissors,
        DetectorSettings(judge=0.0, recipe=DetectorRecipe(steps=600, changes=Changes(any_way_up=True))),
    ),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One training: a split, a share of what is left, what it begins with, and how many times the usual batches."""

    task: Task
    split: int
    share: float
    backbone: str = "scratch"
    times: int = 1

    @property
    def key(self) -> str:
        longer = f"-{self.times}-times" if self.times > 1 else ""
        return f"{self.task.name.replace(' ', '-')}-split{self.split}-{round(self.share * 100)}-{self.backbone}{longer}"


def runs(splits: Sequence[int], only: str | None) -> Iterator[Run]:
    """What matters most comes first."""
    tasks = [task for task in TASKS if only is None or task.name.startswith(only)]
    for split in splits:
        for share in SHARES:
            yield from (Run(task, split, share) for task in tasks)
    for task in tasks:
        yield Run(task, splits[0], 1.0, "gate")
        yield Run(task, splits[0], 1.0, times=2)


def parted(examples: Sequence[BoxExample], *, split: int, share: float) -> tuple[list[BoxExample], list[BoxExample]]:
    """(those that learn, those held out); a smaller share is part of every larger one."""
    scenes, problems = read_scenes(examples, box_labels_of(examples), side=256)
    assert not problems, problems
    rest, held = hold_out(scenes, share=HELD, seed=split)
    order = np.random.default_rng(split).permutation(rest)
    # Label by label in turn, so that a quarter has its share of each.
    first = [int(scenes[i].labels[0]) if len(scenes[i].labels) else -1 for i in order]
    place = [sum(1 for other in first[:n] if other == label) for n, label in enumerate(first)]
    dealt = [int(order[n]) for n in sorted(range(len(order)), key=lambda n: (place[n], first[n]))]
    learn = dealt[: max(1, round(share * len(dealt)))]
    return [examples[i] for i in learn], [examples[i] for i in held]


def measure(run: Run, examples: Sequence[BoxExample], *, work: Path) -> dict[str, float]:
    """Train where that has not been done, and judge the folder on the held-out pictures."""
    done = work / f"{run.key}.json"
    if done.is_file():
        return dict(json.loads(done.read_text("utf-8")))
    learn, held = parted(examples, split=run.split, share=run.share)
    labels, out = box_labels_of(examples), work / run.key
    settings = replace(
        run.task.settings,
        backbone="gate" if run.backbone == "gate" else "scratch",
        recipe=replace(run.task.settings.recipe, seed=run.split, steps=run.task.settings.recipe.steps * run.times),
    )
    if not (out / "config.json").is_file():
        print(f"training {run.key} on {len(learn)} pictures ...", flush=True)
        start = time.process_time()
        trained = train_detector(learn, out, settings=settings, labels=labels, work=work / "checkpoints", told=_tell)
        assert not trained.problems, trained.problems
        (work / f"{run.key}.seconds").write_text(str(time.process_time() - start), "utf-8")
    truth = [_truth(one, labels) for one in held]
    found = _found(Model.open(out), held)
    scores = score(truth, found, labels=labels)
    config = json.loads((out / "config.json").read_text("utf-8"))
    result = {
        "learned": len(learn),
        "held": len(held),
        "boxes": sum(len(one.labels) for one in truth),
        "map_50": scores.map_50,
        "map_50_95": scores.map_50_95,
        "apart": config["training"]["torch_to_onnx"],
        "train_s": float((work / f"{run.key}.seconds").read_text("utf-8")),
        **dict(zip(("low", "high"), _interval(truth, found, labels), strict=True)),
        **{f"ap_50 {one.name}": one.ap_50 for one in scores.labels},
        **_speed(Model.open(out), held, ""),
    }
    if (out / "model.int8.onnx").is_file():
        small = Model.open(out, quantised=True)
        result["int8_map_50"] = score(truth, _found(small, held), labels=labels).map_50
        result |= _speed(small, held, "int8_")
    done.write_text(json.dumps(result, indent=1), "utf-8")
    return result


def _tell(at: object) -> None:
    print(f"  {at}", flush=True)


def _truth(example: BoxExample, labels: Sequence[str]) -> Boxes:
    boxes = [mark.box for mark in example.marks if mark.box]
    corners = np.array([(b.left, b.top, b.right, b.bottom) for b in boxes]).reshape(-1, 4)
    return Boxes(np.clip(corners, 0, 1), np.array([labels.index(mark.name) for mark in example.marks], dtype=np.int64))


def _found(model: Model, held: Sequence[BoxExample]) -> list[Boxes]:
    found = []
    for example in held:
        regions = model.predict(load(example.picture), threshold=FAINT).regions or ()
        corners = [(r.box.left, r.box.top, r.box.right, r.box.bottom) for r in regions]
        names = np.array([model.labels.index(r.name) for r in regions], dtype=np.int64)
        found.append(Boxes(np.array(corners).reshape(-1, 4), names, np.array([r.confidence for r in regions])))
    return found


def _interval(truth: Sequence[Boxes], found: Sequence[Boxes], labels: Sequence[str]) -> tuple[float, float]:
    """95 % of the mAP@0.5 over draws of the held-out pictures (bootstrap)."""
    rng, values = np.random.default_rng(0), []
    matched = [match(true, mine, labels=len(labels)) for true, mine in zip(truth, found, strict=True)]
    for _ in range(DRAWS):
        drawn = rng.integers(0, len(truth), len(truth))
        values.append(summed([matched[i] for i in drawn], labels=labels).map_50)
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)


def _speed(model: Model, held: Sequence[BoxExample], prefix: str) -> dict[str, float]:
    """Milliseconds a picture on one thread: the network alone, and with decoding, resizing and suppression."""
    images = [load(example.picture) for example in held[:20]]
    ready = [model.prepare(image) for image in images]
    network, whole = [], []
    for _ in range(5):
        for image, one in zip(images, ready, strict=True):
            start = time.thread_time()
            model.run([one])
            middle = time.thread_time()
            model.predict(image)
            network.append(middle - start)
            whole.append(time.thread_time() - middle)
    return {
        f"{prefix}network_ms": statistics.median(network) * 1e3,
        f"{prefix}whole_ms": statistics.median(whole) * 1e3,
    }


def to_reach(points: Sequence[tuple[float, float]], goal: float) -> float | None:
    """Pictures at which the error, as a power of their number, would have fallen to 1 - goal; None where it does not fall."""
    if len(points) < 2 or max(value for _, value in points) >= 1:
        return None
    slope, level = np.polyfit(*np.log([(n, 1 - value) for n, value in points]).T, 1)
    return float(np.exp((np.log(1 - goal) - level) / slope)) if slope < 0 else None


def section(place: Path, *, work: Path, splits: Sequence[int] = (1,), only: str | None = None) -> Iterator[str]:
    """The lines of the report, as they become known."""
    work.mkdir(parents=True, exist_ok=True)
    given = {task.name: task.read(place) for task in TASKS if only is None or task.name.startswith(only)}
    for name, examples in given.items():
        scenes, _ = read_scenes(examples, box_labels_of(examples), side=256)
        families = alike(scenes)
        boxes = sum(len(one.marks) for one in examples)
        yield f"{name}: {len(examples)} pictures with {boxes} boxes, {len(set(families.tolist()))} families of look-alikes."
    yield ""
    yield (
        "| pictures | from | split | learned | held out (boxes) | mAP@0.5 (95 %) | @0.5:0.95 | eight bits: mAP@0.5"
        " | torch to ONNX | ms a picture: network, whole (eight bits) | trained, CPU min |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    curves: dict[str, list[tuple[float, float]]] = {}
    for run in runs(splits, only):
        r = measure(run, given[run.task.name], work=work)
        if run.backbone == "scratch" and run.times == 1:
            curves.setdefault(run.task.name, []).append((r["learned"], r["map_50"]))
        yield _row(run, r)
    yield ""
    for name, points in curves.items():
        best = statistics.fmean(value for n, value in points if n == max(n for n, _ in points))
        needed = to_reach(points, 0.9)
        said = (
            f"about {needed:,.0f} pictures, if the error goes on falling as it did"
            if needed
            else "not to be told from these"
        )
        yield f"{name}: {best:.3f} on average with all; 0.9 of mAP@0.5 would take {said if best < 0.9 else 'no more'}."


def _row(run: Run, r: dict[str, float]) -> str:
    small = f"{r['int8_map_50']:.3f}" if "int8_map_50" in r else "not written"
    quick = f" ({r['int8_network_ms']:.1f}, {r['int8_whole_ms']:.1f})" if "int8_network_ms" in r else ""
    cells = (
        run.task.name,
        ("random numbers" if run.backbone == "scratch" else "the gate") + (", twice as long" if run.times > 1 else ""),
        str(run.split),
        f"{r['learned']} ({run.share:.0%})",
        f"{r['held']} ({r['boxes']})",
        f"{r['map_50']:.3f} ({r['low']:.2f} to {r['high']:.2f})",
        f"{r['map_50_95']:.3f}",
        small,
        f"{r['apart']:.0e}",
        f"{r['network_ms']:.1f}, {r['whole_ms']:.1f}{quick}",
        f"{r['train_s'] / 60:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("place", type=Path, metavar="DIR")
    p.add_argument("--work", type=Path, required=True)
    p.add_argument("--splits", type=int, nargs="+", default=[1])
    p.add_argument("--only", choices=("raccoon", "fork"))
    a = p.parse_args()
    for line in section(a.place, work=a.work, splits=a.splits, only=a.only):
        print(line, flush=True)


if __name__ == "__main__":
    main()
