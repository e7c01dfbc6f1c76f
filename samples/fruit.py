"""Apple, banana or orange: train on a folder a class, and ask the model about new pictures.

    pip install 'cloudvision-gate[train]'
    python samples/fruit.py PICTURES NEW         # PICTURES/apple/1.jpg ...; NEW is a folder of pictures
    python samples/fruit.py                      # draws some fruit itself

Writes fruit-model/, which `cloudvision run --provider onnx --model fruit-model` and `cloudvision serve fruit-model` take.
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
from cloudvision.training.classify_data import examples_of
from cloudvision.training.classify_fit import Recipe

FRUIT = {"apple": (180, 40, 40), "banana": (225, 200, 60), "orange": (235, 130, 30)}


def draw(folder: Path, *, each: int) -> None:
    """Fruit on a table cloth, `each` of a kind, in a folder a kind."""
    rng = np.random.default_rng(len(str(each)))
    for name, colour in FRUIT.items():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            cloth = np.clip(rng.normal(rng.uniform(170, 220), 6, (96, 128, 3)), 0, 255).astype(np.uint8)
            image, (x, y), size = Image.fromarray(cloth), rng.uniform(30, 60, 2), rng.uniform(14, 26)
            shade = tuple(int(v) for v in np.clip(rng.normal(colour, 12), 0, 255))
            if name == "banana":
                ImageDraw.Draw(image).arc((x - size, y - size, x + 2 * size, y + size), 20, 160, fill=shade, width=12)
            else:
                ImageDraw.Draw(image).ellipse((x - size, y - size, x + size, y + size), fill=shade)
            image.save(folder / name / f"{number}.jpg")


def main(pictures: str | None = None, new: str | None = None, *, out: str = "fruit-model", epochs: int = 24) -> None:
    with tempfile.TemporaryDirectory() as made:
        if pictures is None:
            draw(Path(made) / "learn", each=15)
            draw(Path(made) / "new", each=1)
            pictures, new = f"{made}/learn", f"{made}/new"
            print("no pictures were given: drawn ones")
        examples = examples_of(read_annotations(Path(pictures)), multilabel=False)
        trained = train_classifier(examples, Path(out), settings=Settings(recipe=Recipe(epochs=epochs)))
        if trained.judged is not None:
            low, high = trained.judged.interval()
            print(
                f"accuracy {trained.judged.accuracy:.2f} ({low:.2f} to {high:.2f}) on {len(trained.judged.truth)} pictures"
            )
        print(f"backbone: {trained.backbone}")
        model = Model.open(out)
        for path in sorted(Path(new or pictures).rglob("*.jpg")):
            best = (model.predict(cloudvision.load(path)).labels or ())[0]
            print(f"{best.confidence:.2f}  {best.name:8}  {path.name}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
