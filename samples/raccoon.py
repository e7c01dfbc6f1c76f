"""Find raccoons: train a detector from scratch on pictures with boxes, and run it like any other provider.

    pip install 'cloudvision-gate[train]'
    python samples/raccoon.py DIR        # annotations/*.xml (Pascal VOC) and images/*.jpg; writes raccoon-model/
    python samples/raccoon.py            # draws its own small data first

150 photographs take about four minutes on one core. COCO, YOLO, CSV and JSONL are read as well; see `read_annotations`.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import cloudvision
from cloudvision.annotations import read_annotations
from cloudvision.training.detect import DetectorSettings, train_detector
from cloudvision.training.detect_scenes import box_examples_of

XML = """<annotation><filename>{name}.jpg</filename><size><width>{side}</width><height>{side}</height><depth>3</depth></size>
<object><name>raccoon</name><bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object></annotation>
"""


def draw_data(folder: Path, *, count: int = 24, side: int = 160) -> Path:
    """Grey faces with ears and a black mask, on grass."""
    for name in ("images", "annotations"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for n in range(count):
        rng = np.random.default_rng(n)
        image = Image.fromarray(rng.integers(0, 80, (side, side, 3), dtype=np.uint8) + np.array((20, 80, 20), np.uint8))
        size = int(rng.integers(side // 4, side // 2))
        left, top = (int(v) for v in rng.integers(4, side - size - 4, 2))
        right, bottom, bit = left + size, top + size, size // 5
        draw = ImageDraw.Draw(image)
        for ear in (left + bit, right - bit):
            draw.ellipse((ear - bit, top, ear + bit, top + 2 * bit), fill=(90, 85, 80))
        draw.ellipse((left, top + bit // 2, right, bottom), fill=(150, 145, 140))
        draw.rectangle((left + bit // 2, top + 2 * bit, right - bit // 2, top + 3 * bit), fill=(20, 20, 20))
        draw.ellipse((left + 2 * bit, bottom - 2 * bit, right - 2 * bit, bottom - bit), fill=(10, 10, 10))
        image.save(folder / "images" / f"{n}.jpg")
        (folder / "annotations" / f"{n}.xml").write_text(XML.format(left, top, right, bottom, name=n, side=side))
    return folder


def main(folder: str | None = None, *, out: str = "raccoon-model", settings: DetectorSettings | None = None) -> None:
    place = Path(folder) if folder else draw_data(Path(f"{out}-data"))
    annotations = read_annotations(place, format="voc")
    trained = train_detector(
        box_examples_of(annotations),
        Path(out),
        settings=settings,
        work=Path(f"{out}.work"),  # stop it at any time: the same command goes on
        told=lambda at: print(f"batch {at.step} of {at.steps}, loss {at.loss:.3f}"),
    )
    print(trained.summary())

    pipeline = cloudvision.Pipeline(cloudvision.open_provider("onnx", cloudvision.Options(model=out)))
    for outcome in cloudvision.run_many(pipeline, [item.source for item in annotations.items[:5]]):
        if isinstance(outcome, cloudvision.Analysed):
            for region in outcome.analysis.regions or ():
                b = region.box
                at = f"left {b.left:.2f} top {b.top:.2f} width {b.width:.2f} height {b.height:.2f}"
                print(f"{region.name} {region.confidence:.2f} {at}  {outcome.source}")
        else:
            print(outcome)


if __name__ == "__main__":
    main(*sys.argv[1:])
