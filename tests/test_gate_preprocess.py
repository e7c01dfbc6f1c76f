"""What the network is given: the longer side as long as it wants, nothing stretched, grey at the right and at the bottom."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from cloudvision.gate.preprocess import GREY, Preprocessing

PREPROCESSING = Preprocessing(side=96, multiple=32)


def pixels(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(96, 64), (32, 96), (96, 96), (96, 50), (33, 96), (1, 96)])
def test_a_picture_of_the_right_size_is_not_touched_and_the_rest_is_grey(height: int, width: int) -> None:
    given = pixels(height, width)
    fitted = PREPROCESSING.apply(given)
    assert fitted.shape == (1, -(-height // 32) * 32, -(-width // 32) * 32, 3)
    assert (fitted[0, :height, :width] == given).all()
    assert (fitted[0, height:] == GREY).all()
    assert (fitted[0, :, width:] == GREY).all()


@pytest.mark.parametrize(("height", "width"), [(30, 48), (400, 300), (2, 500)])
def test_other_pictures_are_resized_without_being_stretched(height: int, width: int) -> None:
    given = pixels(height, width)
    inner_width, inner_height = PREPROCESSING.size(width=width, height=height)
    wanted = PIL.Image.fromarray(given).resize((inner_width, inner_height), PIL.Image.Resampling.BILINEAR)
    fitted = PREPROCESSING.apply(given)
    assert max(inner_width, inner_height) == 96
    assert (fitted[0, :inner_height, :inner_width] == np.asarray(wanted)).all()
    assert (fitted[0, inner_height:] == GREY).all()
    assert (fitted[0, :, inner_width:] == GREY).all()


def test_what_the_network_gets_is_in_one_piece_and_writable() -> None:
    given = pixels(64, 192)[:, ::2]
    given.setflags(write=False)
    fitted = PREPROCESSING.apply(given)
    assert (fitted[0] == given).all()
    assert fitted.flags.c_contiguous
    assert fitted.flags.writeable
