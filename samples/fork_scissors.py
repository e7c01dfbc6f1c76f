"""Forks and scissors, the pictures of Custom Vision's own tutorial on detection, without the cloud.

    pip install 'cloudvision-gate[train]'
    python samples/fork_scissors.py DIR      # regions.json, as the tutorial writes its boxes down; writes fork-scissors-model/
    python samples/fork_scissors.py          # draws its own small data first

regions.json: {"fork/fork_1.jpg": [{"tag": "fork", "left": 0.15, "top": 0.35, "width": 0.59, "height": 0.24}], ...}, fractions
of the picture. Forty photographs take about three minutes on one core.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import cloudvision
from cloudvision.annotations import Mark
from cloudvision.geometry import Box
from cloudvision.models import Model
from cloudvision.training.detect import DetectorSettings, train_detector
from cloudvision.training.detect_augment import Changes
from cloudvision.training.detect_fit import DetectorRecipe
from cloudvision.training.detect_scenes import BoxExample

# Seen from above, a fork has no right way up: turned and mirrored pictures are as good as new ones.
SETTINGS = DetectorSettings(recipe=DetectorRecipe(steps=600, changes=Changes(any_way_up=True)))


def read(folder: Path) -> list[BoxExample]:
    regions = json.loads((folder / "regions.json").read_text("utf-8"))
    return [
        BoxExample(
            folder / name,
            tuple(Mark(r["tag"], Box(r["left"], r["top"], r["width"], r["height"])) for r in marks),
        )
        for name, marks in regions.items()
    ]


def draw_data(folder: Path, *, count: int = 24, side: int = 160) -> Path:
    """Strokes on a pale table: four tines and a handle, or two blades that cross and two loops."""
    regions = {}
    for n in range(count):
        rng = np.random.default_rng(n)
        image = Image.fromarray(rng.integers(190, 220, (side, side, 3), dtype=np.uint8))
        draw, tag = ImageDraw.Draw(image), ("fork", "scissors")[n % 2]
        size = int(rng.integers(side // 3, side // 2))
        x, y = (int(v) for v in rng.integers(4, side - size - 4, 2))
        ink, half, third = (40, 40, 50), size // 2, size // 3
        if tag == "fork":
            for tine in range(4):
                draw.line((x + half - 9 + 6 * tine, y, x + half - 9 + 6 * tine, y + third), fill=ink, width=2)
            draw.line((x + half - 9, y + third, x + half + 9, y + third), fill=ink, width=3)
            draw.line((x + half, y + third, x + half, y + size), fill=ink, width=4)
            box = (x + half - 10, y, 21, size)
        else:
            for a, b in ((x, x + size), (x + size, x)):
                draw.line((a, y, b - (b - a) // 5, y + size - third // 2), fill=ink, width=3)
            for loop in (x, x + size - third):
                draw.ellipse((loop, y + size - third, loop + third, y + size), outline=(30, 60, 200), width=3)
            box = (x, y, size, size)
        name = f"{tag}_{n}.png"
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / name)
        regions[name] = [
            {"tag": tag, **dict(zip(("left", "top", "width", "height"), (v / side for v in box), strict=True))}
        ]
    (folder / "regions.json").write_text(json.dumps(regions), encoding="utf-8")
    return folder


def main(folder: str | None = None, *, out: str = "fork-scissors-model", settings: DetectorSettings = SETTINGS) -> None:
    place = Path(folder) if folder else draw_data(Path(f"{out}-data"))
    examples = read(place)
    trained = train_detector(examples, Path(out), settings=settings, work=Path(f"{out}.work"))
    print(trained.summary())
    for label in trained.judged.labels if trained.judged else ():
        print(f"{label.name}: AP@0.5 {label.ap_50:.3f}, precision {label.precision:.3f}, recall {label.recall:.3f}")

    model = Model.open(out)
    unseen = sorted((place / "test").glob("*.jpg")) or [examples[0].picture]  # the tutorial's own test picture
    for picture in unseen:
        for region in model.predict(cloudvision.load(picture)).regions or ():
            print(f"{region.name} {region.confidence:.2f} {region.box}  {picture}")


if __name__ == "__main__":
    main(*sys.argv[1:])
