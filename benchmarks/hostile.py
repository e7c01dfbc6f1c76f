"""Ten thousand damaged pictures through the whole line: does every one end in an outcome, how long does it take, and in
how much memory?

    python benchmarks/hostile.py                # 10,000 pictures, seed 1: a few minutes
    python benchmarks/hostile.py 500 --seed 7

JPEG, PNG, WebP, GIF and TIFF in many variants are damaged by a seeded mutator (bits, lengths, cuts, swaps, splices with
other files) and go through `run_many` with the shipped gate on, four workers and a provider that asks nobody. Pictures
that the gate finds worth a call are decoded in full and made ready as for Rekognition, as a real adapter would.

Exit code 1 when a picture has no outcome, or one that is neither an answer, a skip nor an error by name, or a worker died.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import platform
import random
import resource
import struct
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from cloudvision import Analysed, Failed, Gate, ImageError, Limiter, Outcome, Pipeline, Raw, Remote, Skipped, run_many
from cloudvision.images import Image, Limits
from cloudvision.providers.fake import Fake
from cloudvision.telemetry import Telemetry

WORKERS = 4
SIZES = ((64, 48), (200, 150), (640, 480), (1600, 1200))
AS_REKOGNITION = Limits(formats=frozenset({"JPEG", "PNG"}), max_bytes=5 * 2**20, min_side=1)
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Preparing(Fake):
    """Decodes and encodes like an adapter, and answers without asking."""

    def call(self, image: Image | Remote, /) -> Raw:
        if isinstance(image, Image):
            image.pixels()
            image.prepare(AS_REKOGNITION)
        return super().call(image)


class Clocked(Telemetry):
    """Keeps how long each source took, in seconds, with its position."""

    def __init__(self) -> None:
        super().__init__()
        self.took: list[tuple[float, int]] = []

    def source(self, step: Callable[[], Outcome], *, provider: str, position: int | None) -> Outcome:
        began = time.perf_counter()
        try:
            return super().source(step, provider=provider, position=position)
        finally:
            self.took.append((time.perf_counter() - began, -1 if position is None else position))


def originals(draw: random.Random) -> list[tuple[str, bytes]]:
    """(format, bytes) of sound pictures: every variant that Pillow writes, in four sizes."""
    variants: tuple[tuple[str, dict[str, object]], ...] = (
        ("JPEG", {"quality": 90}),
        ("JPEG", {"quality": 60, "progressive": True, "subsampling": 0}),
        ("JPEG", {"quality": 80, "exif": _exif(6)}),
        ("PNG", {}),
        ("PNG", {"exif": _exif(3)}),
        ("WEBP", {"quality": 70}),
        ("WEBP", {"lossless": True, "exif": _exif(8)}),
        ("GIF", {}),
        ("TIFF", {"compression": None}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"compression": "jpeg"}),
    )
    made = []
    for width, height in SIZES:
        picture = _picture(width, height, draw)
        for format, options in variants:
            made.append((format, _encoded(picture, format, **options)))
        for mode in ("L", "P", "RGBA", "LA", "1", "I;16"):
            made.append(
                (
                    "PNG",
                    _encoded(picture.convert("L").convert(mode) if mode == "I;16" else picture.convert(mode), "PNG"),
                )
            )
        made.append(("JPEG", _encoded(picture.convert("CMYK"), "JPEG")))
        frames = [picture.rotate(angle) for angle in (90, 180)]
        for format in ("GIF", "WEBP", "PNG", "TIFF"):
            made.append((format, _encoded(picture, format, save_all=True, append_images=frames)))
    return made


def damaged(pictures: list[tuple[str, bytes]], number: int, draw: random.Random) -> Iterator[tuple[str, bytes]]:
    """`number` pictures, each with one to three kinds of damage; the formats take turns."""
    formats = sorted({format for format, _ in pictures})
    for turn in range(number):
        format = formats[turn % len(formats)]
        data = bytearray(draw.choice([data for found, data in pictures if found == format]))
        for _ in range(draw.choice((1, 1, 2, 3))):
            if data:
                draw.choice(DAMAGES)(data, draw, pictures)
        if format == "PNG" and draw.random() < 0.75:
            _mend_checksums(data)  # else hardly any damage would get past the first check
        yield format, bytes(data)


Pictures = list[tuple[str, bytes]]


def _somewhere(data: bytearray, draw: random.Random) -> int:
    # Half of the hits go to the header, where they do most.
    return draw.randrange(min(len(data), draw.choice((128, len(data)))))


def _flip_bits(data: bytearray, draw: random.Random, _: Pictures) -> None:
    for _ in range(draw.choice((1, 4, 16, 64))):
        data[_somewhere(data, draw)] ^= 1 << draw.randrange(8)


def _extreme_number(data: bytearray, draw: random.Random, _: Pictures) -> None:
    """A length, an offset or a side becomes an extreme one."""
    at, layout = _somewhere(data, draw), draw.choice((">H", "<H", ">I", "<I"))
    size = struct.calcsize(layout)
    data[at : at + size] = struct.pack(layout, draw.choice(EXTREMES) & (256**size - 1))


def _cut(data: bytearray, draw: random.Random, _: Pictures) -> None:
    del data[draw.randrange(len(data)) :]


def _take_out(data: bytearray, draw: random.Random, _: Pictures) -> None:
    at = _somewhere(data, draw)
    del data[at : at + draw.choice((1, 2, 13, 500))]


def _repeat(data: bytearray, draw: random.Random, _: Pictures) -> None:
    at = _somewhere(data, draw)
    data[at:at] = data[at : at + draw.choice((1, 12, 300))] * draw.choice((1, 3, 200))


def _splice(data: bytearray, draw: random.Random, pictures: Pictures) -> None:
    """The rest comes from another file, of any format."""
    other = draw.choice(pictures)[1]
    data[_somewhere(data, draw) :] = other[draw.randrange(len(other)) :]


def _noise(data: bytearray, draw: random.Random, _: Pictures) -> None:
    at = _somewhere(data, draw)
    data[at : at + 64] = draw.randbytes(64)


def _mend_checksums(data: bytearray) -> None:
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            return
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4


DAMAGES: tuple[Callable[[bytearray, random.Random, Pictures], None], ...] = (
    _flip_bits, _extreme_number, _cut, _take_out, _repeat, _splice, _noise,
)  # fmt: skip


def _picture(width: int, height: int, draw: random.Random) -> Pillow.Image:
    """Some structure, some grain, some text: the gate finds it worth a call as often as not."""
    rows, columns = np.mgrid[0:height, 0:width]
    grain = np.random.default_rng(draw.randrange(2**32)).integers(0, 40, (height, width))
    layers = [(rows * a + columns * b) // 7 % 200 + grain for a, b in ((1, 2), (3, 1), (2, 2))]
    picture = Pillow.fromarray(np.stack(layers, 2).astype(np.uint8))
    ImageDraw.Draw(picture).text((width // 8, height // 3), "EXIT 42 OPEN", fill="white", font_size=height // 5)
    return picture


def _encoded(picture: Pillow.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format, **options)  # type: ignore[arg-type]
    return out.getvalue()


def _exif(orientation: int) -> Pillow.Exif:
    made = Pillow.Exif()
    made[0x0112] = orientation
    return made


def rss_mb(which: str) -> float:
    """Resident memory by the kernel's own count: "VmRSS" now, "VmHWM" at its highest."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
        return next(int(line.split()[1]) for line in status if line.startswith(which)) / 1024


def workers_alive() -> int:
    return sum(thread.name.startswith("cloudvision-") for thread in threading.enumerate())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("number", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    faulthandler.enable()  # a crash inside of a decoder names the line
    draw = random.Random(asked.seed)
    pictures = originals(draw)
    gate, clocked = Gate.load(), Clocked()
    pipeline = Pipeline(Preparing(), gate=gate, limiter=Limiter(), telemetry=clocked)
    list(run_many(pipeline, [data for _, data in pictures[:28]], workers=WORKERS))  # everything is warm
    before, clocked.took = rss_mb("VmRSS"), []

    formats: list[str] = []

    def sources() -> Iterator[bytes]:
        for format, data in damaged(pictures, asked.number, draw):
            formats.append(format)
            yield data

    outcomes: Counter[str] = Counter()
    by_format: Counter[tuple[str, str]] = Counter()
    nameless, fewest, began = 0, WORKERS, time.perf_counter()
    for number, outcome in enumerate(run_many(pipeline, sources(), workers=WORKERS)):
        kind = type(outcome.error).__name__ if isinstance(outcome, Failed) else type(outcome).__name__
        outcomes[kind] += 1
        by_format[formats[number], "failed" if isinstance(outcome, Failed) else "read or skipped"] += 1
        named = isinstance(outcome, Analysed | Skipped) or isinstance(outcome.error, ImageError)
        nameless += not named
        if number < asked.number - 8 * WORKERS:  # after that, those with nothing left to do end
            fewest = min(fewest, workers_alive())
    seconds = time.perf_counter() - began

    took = sorted(clocked.took)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "pictures": asked.number,
        "seed": asked.seed,
        "python": platform.python_version(),
        "outcomes": dict(outcomes.most_common()),
        "by_format": {" ".join(key): count for key, count in sorted(by_format.items())},
        "without_an_outcome": asked.number - outcomes.total(),
        "without_a_name": nameless,
        "fewest_workers_alive": fewest,
        "seconds": round(seconds, 1),
        "pictures_a_second": round(asked.number / seconds, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "ms_a_picture": {
            "median": round(took[len(took) // 2][0] * 1e3, 1),
            "99 %": round(took[int(len(took) * 0.99)][0] * 1e3, 1),
            "largest": round(took[-1][0] * 1e3, 1),
            "format_of_largest": formats[took[-1][1]],
        },
        "rss_mb": {"before": round(before), "after": round(rss_mb("VmRSS")), "highest": round(rss_mb("VmHWM"))},
    }
    print(json.dumps(figures, indent=2))
    return 1 if nameless or fewest < WORKERS or outcomes.total() != asked.number else 0


if __name__ == "__main__":
    sys.exit(main())
