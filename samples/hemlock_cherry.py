"""Hemlock or Japanese cherry: ten pictures of each, so every picture is judged by a model that has not seen it.

    pip install 'cloudvision-gate[train]'
    python samples/hemlock_cherry.py PICTURES    # PICTURES/Hemlock/1.jpg, PICTURES/Japanese_Cherry/1.jpg ...
    python samples/hemlock_cherry.py             # draws some twigs itself

With so few pictures a fifth of them says little; five models, each judged on another fifth, say more.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import cloudvision
from cloudvision.annotations import read_annotations
from cloudvision.models import Model
from cloudvision.training.classify import Settings, train_classifier
from cloudvision.training.classify_data import Example, examples_of, labels_of
from cloudvision.training.classify_fit import Recipe
from cloudvision.training.classify_parts import folds


def draw(folder: Path, *, each: int = 10) -> None:
    """Needles on a twig, and leaves with blossoms."""
    rng = np.random.default_rng(0)
    for name in ("Hemlock", "Japanese_Cherry"):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            image = Image.fromarray(np.clip(rng.normal(180, 8, (128, 96, 3)), 0, 255).astype(np.uint8))
            pen, green = ImageDraw.Draw(image), (40, int(rng.integers(70, 120)), 50)
            for y in range(10, 120, 5 if name == "Hemlock" else 30):
                x = 48 + float(rng.normal(0, 3))
                if name == "Hemlock":
                    pen.line((x - 18, y + 6, x, y, x + 18, y + 6), fill=green, width=2)
                else:
                    pen.ellipse((x - 22, y - 10, x + 2, y + 10), fill=(150, int(rng.integers(70, 110)), 60))
                    pen.ellipse((x + 4, y - 7, x + 18, y + 7), fill=(230, 150, 180))
            image.save(folder / name / f"{number}.jpg")


def right_answers(examples: tuple[Example, ...], fold: list[int], *, folder: Path, settings: Settings) -> int:
    """Train once for each fold on the others, and count the pictures that the folders' models get right."""
    right = 0
    for number in sorted(set(fold)):
        known = [example for example, at in zip(examples, fold, strict=True) if at != number]
        trained = train_classifier(known, folder / f"fold-{number}", settings=settings)
        model = Model.open(trained.path)
        for example, at in zip(examples, fold, strict=True):
            if at == number:
                said = (model.predict(cloudvision.load(str(example.picture))).labels or ())[0].name
                right += said == example.labels[0]
                print(f"fold {number}: {'right' if said == example.labels[0] else 'wrong'}  {example.picture}: {said}")
    return right


def main(pictures: str | None = None, *, count: int = 5, epochs: int = 24) -> None:
    with tempfile.TemporaryDirectory() as made:
        if pictures is None:
            draw(Path(made) / "learn")
            pictures = f"{made}/learn"
            print("no pictures were given: drawn ones")
        read = examples_of(read_annotations(Path(pictures)), multilabel=False)
        examples = tuple(example for example in read if example.labels != ("Test",))
        truth = np.array([[label in example.labels for label in labels_of(examples)] for example in examples])
        fold = folds(truth, [str(example.picture) for example in examples], count=count, seed=0)
        # All that are known are learned from: of eighteen pictures there are none to spare for stopping.
        settings = Settings(stop=0, judge=0, quantise=False, recipe=Recipe(epochs=epochs))
        right = right_answers(examples, list(fold), folder=Path(made), settings=settings)
        print(f"{right} of {len(examples)} right in {count} folds")


if __name__ == "__main__":
    main(*sys.argv[1:2])
