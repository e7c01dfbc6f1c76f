"""The baseline network: its size, its recipe, its way into a model folder."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'cloudvision-gate[train]'")

torch.set_num_threads(1)  # on a busy machine two threads wait for each other

from cloudvision.training.blog_network import (  # noqa: E402
    PARAMETERS,
    BlogNet,
    BlogRecipe,
    parameters,
    predict_blog,
    train_blog,
)


def test_it_has_exactly_the_parameters_that_were_published() -> None:
    assert parameters(BlogNet()) == PARAMETERS == 450_633


def striped(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Every other picture has stripes."""
    truth = np.arange(count) % 2 == 0
    pixels = np.random.default_rng(0).integers(100, 140, (count, 224, 224, 3), dtype=np.uint8)
    pixels[truth, ::8] = 255
    return pixels, truth


def test_the_loss_falls() -> None:
    heard: list[tuple[int, float]] = []
    net = train_blog(*striped(2), recipe=BlogRecipe(epochs=2), told=lambda epoch, loss: heard.append((epoch, loss)))
    assert [epoch for epoch, _ in heard] == [1, 2]
    assert heard[1][1] < heard[0][1]
    assert not net.training


def test_the_seed_decides_what_comes_out() -> None:
    pixels, truth = striped(1)
    one, same, other = (
        predict_blog(train_blog(pixels, truth, recipe=BlogRecipe(epochs=1, seed=seed)), pixels[:1])
        for seed in (3, 3, 4)
    )
    assert one == same
    assert one != other
