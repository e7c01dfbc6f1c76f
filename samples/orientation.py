"""Which way up is a medical slice? Train a model on 64 x 64 grey slices, and let it answer over HTTP in whole sentences.

    pip install 'cloudvision-gate[train,serve]' nilearn
    python samples/orientation.py                # writes orientation-model/
    cloudvision serve orientation-model &
    curl --data-binary @slice.png localhost:8501/predict      # "sentence" says it

It says which slices it learned from. With nilearn they are real: axial ones of the MNI152 template, an average of the heads of
152 people that the package brings (T1-weighted magnetic resonance, brain only). Without it they are drawn: chests with lungs,
spine and ribs.
"""

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from cloudvision.images import load
from cloudvision.models import InputSettings, Model
from cloudvision.training.classify import About, Settings, train_classifier
from cloudvision.training.classify_augment import Changes
from cloudvision.training.classify_data import Example
from cloudvision.training.classify_fit import Recipe

SIDE = 64
SENTENCES = {  # quarter turns against the clock: 0, 1, 2, 3
    "up": "Spine at bottom, patient facing up.",
    "left": "Spine at right, patient facing left.",
    "down": "Spine at top, patient facing down.",
    "right": "Spine at left, patient facing right.",
}
CHANGES = Changes(rotate=10, zoom=0.2, colour=0.25, cut_out=0.1)
SETTINGS = Settings(size=InputSettings(SIDE, SIDE), recipe=Recipe(epochs=22, rate=4e-3, changes=CHANGES))
SLAB, GAP = 3, 2  # slices that are learned from, or judged, together, and slices left out between such slabs


def real_slices(*, contrasts: int = 2, seed: int = 0) -> list[tuple[np.ndarray, str]]:
    """(slice, slab) of the MNI152 template at 1 mm, facing up; the slices of a slab lie next to each other.

    Besides the slice itself, other heads by other scanners: grey and white matter and fluid in brightnesses that are drawn,
    and bent a little.
    """
    from nilearn import datasets

    rng = np.random.default_rng(seed)
    whole, grey, white = (
        getattr(datasets, f"load_mni152_{name}template")(resolution=1).get_fdata() for name in ("", "gm_", "wm_")
    )  # right, front, top
    fluid = np.clip((whole > 0.1) - grey - white, 0, 1)
    found = []
    for z in range(whole.shape[2]):
        if (whole[:, :, z] > 0.1).mean() < 0.15 or z % (SLAB + GAP) >= SLAB:
            continue
        drawn = [rng.permutation([0.25, 0.55, 0.9]) + rng.uniform(-0.1, 0.1, 3) for _ in range(contrasts)]
        seen = [whole[:, :, z], *(a * grey[:, :, z] + b * white[:, :, z] + c * fluid[:, :, z] for a, b, c in drawn)]
        seen = [np.flipud(one.T) for one in seen]
        found += [(one, f"slab {z // (SLAB + GAP)}") for one in (seen[0], *(bent(one, rng) for one in seen[1:]))]
    return found


def bent(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same slice of another head: mirrored at times, each place moved by some pixels, under uneven light, with noise."""

    def smooth(spread: float) -> np.ndarray:
        coarse = Image.fromarray(rng.normal(0, spread, (4, 4)).astype(np.float32))
        return np.asarray(coarse.resize(pixels.shape[::-1], Image.Resampling.BICUBIC))

    pixels = pixels[:, ::-1] if rng.random() < 0.5 else pixels
    rows, columns = np.indices(pixels.shape)
    rows = np.clip(rows + smooth(4), 0, pixels.shape[0] - 1).astype(int)
    columns = np.clip(columns + smooth(4), 0, pixels.shape[1] - 1).astype(int)
    return pixels[rows, columns] * np.exp(smooth(0.2)) + rng.normal(0, rng.uniform(0, 0.08), pixels.shape)


def drawn_slices(patients: int, *, each: int = 4, seed: int = 0) -> list[tuple[np.ndarray, str]]:
    """(slice, patient) of chests that are drawn: body, lungs, heart, spine, ribs, at times the table below."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]

    def disc(cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1

    found = []
    for patient in range(patients):
        rng = np.random.default_rng([seed, patient])
        wide, deep = rng.uniform(0.65, 0.9), rng.uniform(0.5, 0.7)
        spine, lung, table = rng.uniform(0.09, 0.13), rng.uniform(0.8, 1.1), rng.random() < 0.5
        for _ in range(each):
            level = rng.uniform(0.5, 1.0)
            cx, cy = rng.normal(0, 0.04, 2)
            out = np.zeros((SIDE, SIDE))
            out[disc(cx, cy, wide, deep)] = 0.55
            out[disc(cx, cy, wide * 0.93, deep * 0.92)] = 0.45
            for side in (-1, 1):
                out[disc(cx + side * wide * 0.46, cy - deep * 0.05, 0.3 * level * lung, 0.36 * level)] = 0.1
                for rib in np.linspace(-0.5, 0.5, 4):
                    out[disc(cx + side * wide * 0.84, cy + rib * deep, 0.04, 0.09)] = 0.85
            out[disc(cx - 0.1, cy - deep * 0.3, 0.24 * level, 0.2 * level)] = 0.5  # the heart
            out[disc(cx, cy - deep * 0.86, 0.1, 0.04)] = 0.8  # the breastbone
            out[disc(cx, cy + deep * 0.5, spine, spine)] = 0.95
            out[disc(cx, cy + deep * 0.74, spine * 0.4, spine * 1.1)] = 0.9  # what can be felt of it
            if table:
                out[(np.abs(y - cy - deep - 0.08) < 0.02) & (np.abs(x) < 0.8)] = 0.4
            found.append((np.clip(out + rng.normal(0, 0.04, out.shape), 0, 1), f"patient {seed}-{patient}"))
    return found


def turned(slices: list[tuple[np.ndarray, str]]) -> list[Example]:
    """Each slice four times, in a square and from 0 to 255."""
    examples = []
    for pixels, group in slices:
        side = max(pixels.shape)
        down, across = side - pixels.shape[0], side - pixels.shape[1]
        square = np.pad(pixels, ((down // 2, down - down // 2), (across // 2, across - across // 2)))
        grey = np.uint8(255 * np.clip(square / max(float(square.max()), 1e-6), 0, 1))
        for turns, label in enumerate(SENTENCES):
            examples.append(Example(np.ascontiguousarray(np.rot90(grey, turns)), (label,), group))
    return examples


def main(out: str, *, patients: int = 60, epochs: int = 22, real: bool | None = None) -> None:
    real = find_spec("nilearn") is not None if real is None else real
    slices = real_slices() if real else drawn_slices(patients)
    print("slices:", "MNI152 template, magnetic resonance, from nilearn" if real else "drawn chests", len(slices))
    settings = replace(SETTINGS, recipe=replace(SETTINGS.recipe, epochs=epochs))
    trained = train_classifier(turned(slices), Path(out), settings=settings, about=About(sentences=SENTENCES))
    judged = trained.judged
    if judged is None:
        raise SystemExit("too few slices to keep some back")
    print(f"backbone: {trained.backbone}")
    print(f"accuracy {judged.accuracy:.3f} on {len(judged.truth)} slices of groups that were not learned from")
    model = Model.open(out)
    for example in turned(drawn_slices(1, each=1, seed=9) if not real else slices[len(slices) // 2 :][:1]):
        best = (model.predict(load(example.picture)).labels or ())[0]
        print(f"{best.confidence:.2f}  {SENTENCES[best.name]}")


if __name__ == "__main__":
    main(*sys.argv[1:] or ["orientation-model"])
