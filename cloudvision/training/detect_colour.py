"""Changes of a picture that leave its boxes where they are."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter


def coloured(pixels: NDArray[np.uint8], rng: Generator, strength: float) -> NDArray[np.uint8]:
    """Under another light, through another camera; `strength` 0 to 1."""
    image = Image.fromarray(pixels)
    if rng.random() < 0.1 * strength:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.5))))
    x = np.asarray(image).astype(np.float32)
    mean, grey = x.mean(), x.mean(2, keepdims=True)
    saturation = 0.0 if rng.random() < 0.1 * strength else 1 + strength * rng.uniform(-0.5, 0.5)
    x = grey + (x - grey) * np.float32(saturation)
    gains = (1 + strength * rng.uniform(-0.35, 0.35)) * (1 + strength * rng.uniform(-0.1, 0.1, 3))
    x = (x - mean) * gains.astype(np.float32) + np.float32(mean + strength * rng.uniform(-40, 40))
    if rng.random() < 0.2 * strength:
        x = x + rng.standard_normal(x.shape, dtype=np.float32) * np.float32(rng.uniform(2, 10))
    return np.asarray(np.clip(x, 0, 255), dtype=np.uint8)


def blotted(pixels: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    """Without a rectangle of up to a quarter of each side."""
    height, width = pixels.shape[:2]
    w, h = int(width * rng.uniform(0.08, 0.25)), int(height * rng.uniform(0.08, 0.25))
    x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
    pixels = pixels.copy()
    pixels[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return pixels
