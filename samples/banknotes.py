"""Which banknote is that? Fourteen sides of notes and a background class, learned from pictures that are made.

    pip install 'cloudvision-gate[train]'
    python samples/banknotes.py                  # writes banknotes-model/

The notes are drawn (seven values, front and back, of a country that does not exist); with scans of real ones, the same is

    cloudvision train SCANS -o MODEL --background nothing --backgrounds PHOTOS --pasted 90

Each is pasted on cloth, clutter, print, pebbles and gradients in perspective, and judged on wood, tiles and whole pictures,
tilted and turned further than any that was learned from.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cloudvision.images import load
from cloudvision.models import Model
from cloudvision.training.classify import Settings, train_classifier
from cloudvision.training.classify_augment import Changes
from cloudvision.training.classify_data import Example
from cloudvision.training.classify_fit import Recipe
from cloudvision.training.classify_synthesis import Views, paste_all, pictures_of

VALUES = {5: (120, 130, 120), 10: (190, 90, 90), 20: (90, 120, 190), 50: (210, 140, 70)} | {
    100: (90, 160, 100),
    200: (190, 170, 80),
    500: (150, 100, 180),
}
NOTHING = "nothing"
LEARNED = Views(tilt=(0, 40), spin=(0, 30), size=(0.7, 1.0))
UNSEEN = Views(tilt=(40, 55), spin=(30, 45), size=(0.7, 1.0))
SETTINGS = Settings(background=NOTHING, recipe=Recipe(epochs=24, changes=Changes(rotate=20, shear=16, colour=0.1)))


def note(value: int, side: str) -> Image.Image:
    """240 x 120 pixels: fine curves, a head or a house, the value; each value has its own hue, hat, house and star."""
    rng = np.random.default_rng([value, len(side)])
    image = Image.new("RGB", (240, 120), tuple(min(255, c + 70) for c in VALUES[value]))
    pen, x = ImageDraw.Draw(image), np.arange(0, 241, 3)
    for line in range(14):
        waves, phase = rng.integers(2, 7), rng.uniform(0, 6)
        y = 8 * line + 8 * np.sin(x * waves * np.pi / 240 + phase)
        pen.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], fill=VALUES[value], width=1)
    dark = tuple(c // 2 for c in VALUES[value])
    light, number = tuple(min(255, c + 90) for c in VALUES[value]), list(VALUES).index(value)
    if side == "front":
        pen.ellipse((160, 20, 215, 90), fill=dark)
        pen.ellipse((172, 28, 203, 66), fill=light)
        pen.rectangle((155, 24 - 2 * number, 220, 26 + 2 * number), fill=dark)
    else:
        pen.polygon([(20, 50), (70, 10 + 6 * number), (120, 50)], fill=dark)
        for left in np.linspace(28, 104, number + 2):
            pen.rectangle((left, 52, left + 7, 100), fill=dark)
    around = np.linspace(0, 2 * np.pi, 2 * (number + 3) + 1)
    reach = np.where(np.arange(len(around)) % 2, 9, 24)
    pen.polygon([(130 + r * np.cos(t), 32 + r * np.sin(t)) for r, t in zip(reach, around, strict=True)], fill=dark)
    pen.text((20 if side == "front" else 150, 62), str(value), font=ImageFont.load_default(44), fill=dark)
    pen.rectangle((0, 0, 239, 119), outline=dark, width=2)
    return image


NOTES = [Example(note(value, side), (f"{value} {side}",)) for value in VALUES for side in ("front", "back")]


def scenes(kinds: tuple[str, ...], each: int, *, seed: int) -> list[np.ndarray]:
    """Backgrounds, 256 pixels square: cloth, clutter, gradient, pebbles, print; wood, tiles."""
    found = []
    for number in range(each * len(kinds)):
        kind, rng = kinds[number % len(kinds)], np.random.default_rng([seed, number])
        y, x = np.mgrid[0:1:256j, 0:1:256j]
        a, b = rng.uniform(20, 235, 3), rng.uniform(20, 235, 3)
        if kind == "cloth":
            share = (np.sin(x * rng.uniform(30, 200)) * np.sin(y * rng.uniform(30, 200)) + 1) / 2
        elif kind == "wood":
            share = (np.sin(40 * (y + 0.1 * np.sin(x * rng.uniform(3, 9))) * rng.uniform(1, 3)) + 1) / 2
        elif kind == "tiles":
            share = ((x * rng.integers(3, 9) % 1 < 0.06) | (y * rng.integers(3, 9) % 1 < 0.06)).astype(float)
        else:
            share = (x * rng.normal() + y * rng.normal()) % 1
        image = Image.fromarray(
            np.uint8(a + (b - a) * share[:, :, None] + rng.normal(0, 6, (256, 256, 3))).clip(0, 255)
        )
        pen = ImageDraw.Draw(image)
        if kind == "print":
            for row in range(8, 256, int(rng.integers(14, 40))):
                words = " ".join("".join(chr(c) for c in rng.integers(97, 123, 6)) for _ in range(6))
                pen.text(
                    (8, row),
                    words,
                    font=ImageFont.load_default(int(rng.integers(10, 30))),
                    fill=tuple(a.astype(int) // 3),
                )
        if kind == "pebbles":
            for left, top, wide, high, shade in rng.uniform((0, 0, 8, 8, 60), (256, 256, 30, 30, 230), (250, 5)):
                pen.ellipse(
                    (left, top, left + wide, top + high), fill=tuple(int(v) for v in shade + rng.normal(0, 12, 3))
                )
        if kind == "clutter":
            for _ in range(25):
                (left, right), (top, bottom) = np.sort(rng.uniform(0, 256, (2, 2)))
                shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
                shape((left, top, right, bottom), fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
        found.append(np.asarray(image))
    return found


def learned(*, count: int = 90) -> tuple[Example, ...]:
    """`count` made pictures of each class to learn from."""
    known = scenes(("cloth", "clutter", "gradient", "pebbles", "print"), min(30, count), seed=0)
    return paste_all(NOTES, known, background=NOTHING, count=count, views=LEARNED)


def unseen(*, count: int = 20, views: Views = UNSEEN, seed: int = 1) -> tuple[Example, ...]:
    """`count` made pictures of each class on backgrounds that were not learned from."""
    unknown = [*scenes(("wood", "tiles"), 10, seed=seed), *pictures_of(Path(__file__).parent / "images")]
    return paste_all(NOTES, unknown, background=NOTHING, count=count, views=views, seed=seed)


def main(out: str, *, count: int = 90, epochs: int = 24, judged: int = 20) -> None:
    settings = replace(SETTINGS, recipe=replace(SETTINGS.recipe, epochs=epochs))
    trained = train_classifier(learned(count=count), Path(out), settings=settings)
    print(f"{len(trained.labels)} classes, {sum(trained.parts)} pictures; backbone: {trained.backbone}")
    model, test = Model.open(out), unseen(count=judged)
    right = sum((model.predict(load(one.picture)).labels or ())[0].name == one.labels[0] for one in test)
    print(f"accuracy {right / len(test):.3f} on {len(test)} pictures from other angles, on other backgrounds")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["banknotes-model"])
