"""Tables from ruled lines, found in drawn pictures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from cloudvision.emulator.reading.tables import grids

pytest.importorskip("cv2", reason="needs the extra emulator")

LEFT, TOP, WIDTH, HEIGHT = 60, 80, 150, 50


def drawn(
    rows: int, columns: int, *, without: tuple[tuple[int, int, int, int], ...] = (), angle: float = 0.0
) -> NDArray[np.uint8]:
    """A page with a grid; `without` are stretches, in fields, that are wiped out again: from x, y to x, y."""
    page = Image.new("RGB", (700, 500), "white")
    draw = ImageDraw.Draw(page)
    right, bottom = LEFT + columns * WIDTH, TOP + rows * HEIGHT
    for row in range(rows + 1):
        draw.line((LEFT, TOP + row * HEIGHT, right, TOP + row * HEIGHT), fill="black", width=2)
    for column in range(columns + 1):
        draw.line((LEFT + column * WIDTH, TOP, LEFT + column * WIDTH, bottom), fill="black", width=2)
    for x, y, to_x, to_y in without:
        place = (LEFT + x * WIDTH, TOP + y * HEIGHT, LEFT + to_x * WIDTH, TOP + to_y * HEIGHT)
        draw.line((place[0] + 4 * (to_x > x), place[1] + 4 * (to_y > y), place[2], place[3] - 4), fill="white", width=6)
    draw.text((LEFT + 20, TOP + 15), "words in a field", fill="black")
    return np.array(page.rotate(angle, fillcolor="white", resample=Image.Resampling.BICUBIC))


def test_every_field_is_a_cell_where_it_was_drawn() -> None:
    (table,) = grids(drawn(3, 4), page=1)
    assert (3, 4) == (table.rows, table.columns)
    for cell in table.cells:
        assert (1, 1) == (cell.row_span, cell.column_span)
        x, y = cell.outline[0]
        assert pytest.approx((LEFT + cell.column * WIDTH, TOP + cell.row * HEIGHT), abs=3) == (x, y)
    assert 12 == len(table.cells)


def test_fields_without_a_rule_between_them_are_one_cell() -> None:
    (table,) = grids(drawn(2, 3, without=((1, 0, 1, 1),)), page=1)
    assert [(0, 0, 2), (0, 2, 1)] == [(c.row, c.column, c.column_span) for c in table.cells if c.row == 0]
    assert 3 == sum(cell.row == 1 for cell in table.cells)


@pytest.mark.parametrize("angle", [-1.0, 0.4, 1.0])
def test_a_page_may_lie_a_little_askew(angle: float) -> None:
    (table,) = grids(drawn(4, 3, angle=angle), page=1)
    assert (4, 3, 12) == (table.rows, table.columns, len(table.cells))


def test_a_box_an_underline_and_a_photograph_are_no_tables() -> None:
    page = Image.new("RGB", (600, 400), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((50, 50, 300, 120), outline="black", width=2)
    draw.line((50, 200, 500, 200), fill="black", width=3)
    noise = np.random.default_rng(7).integers(0, 255, (120, 200, 3), np.uint8)
    page.paste(Image.fromarray(noise), (350, 230))
    draw.rectangle((60, 230, 260, 350), fill="black")
    assert [] == grids(np.array(page), page=1)
