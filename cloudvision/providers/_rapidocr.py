"""RapidOCR behind one call: pixels in, lines and words with places as fractions out.

RapidOCR has words of its own, which are not used: it pairs words with the confidences of single characters (for "TEO
HENG STATIONERY" the third word gets that of the "O"), and loses track of lines without words. Ours are made from the
columns in which the recogniser found each character.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloudvision._json import JSON
from cloudvision._onnxruntime import quiet
from cloudvision.errors import ConfigError

DETECTOR, RECOGNISER = "PP-OCRv6_det_small", "PP-OCRv6_rec_small"
_TURNER = "ch_ppocr_mobile_v2.0_cls_mobile"
_LEAST_CONFIDENCE = 0.5
_TURN_CONFIDENCE = 0.9
_VERTICAL = 1.5
_NARROWEST = 3
_LEAST_SIDE = 32

Corners = NDArray[np.float64]
"""Shape (4, 2): x and y, clockwise from the top left of the text as it is read."""


class Engine:
    """One set of models for all threads: RapidOCR keeps no state between the steps of a call, and onnxruntime's
    sessions may run many at once.

    Args:
        threads: threads that each session uses for one call.

    Raises:
        ConfigError: RapidOCR is missing, cannot be loaded, or has no models in its wheel.
    """

    def __init__(self, *, threads: int) -> None:
        try:
            quiet()  # before RapidOCR imports ONNX Runtime itself
            import cv2
            import rapidocr
            from rapidocr.ch_ppocr_det.utils import ResizeImgError
            from rapidocr.inference_engine.onnxruntime.main import ONNXRuntimeError
        except ImportError as error:
            hint = f"local-ocr needs RapidOCR ({error}): pip install 'cloudvision-gate[local]'"
            raise ConfigError(hint) from error
        self.name = f"rapidocr {version('rapidocr')} {DETECTOR} {RECOGNISER}"
        self.failures: tuple[type[Exception], ...] = (ONNXRuntimeError, ResizeImgError, cv2.error)
        self._ocr = rapidocr.RapidOCR(params=_settings(Path(rapidocr.__file__).parent / "models", threads))

    def read(self, pixels: NDArray[np.uint8]) -> list[JSON]:
        """The lines of text in `pixels` (height, width, 3; RGB), in reading order.

        Raises:
            self.failures: the engine cannot work on this picture.
        """
        canvas, left, top = _canvas(pixels)
        found, turns, texts, _ = self._ocr.run_ocr_steps(canvas, {})
        if found.boxes is None or texts.txts is None:
            return []
        scale = np.array([pixels.shape[1], pixels.shape[0]], dtype=np.float64)
        lines: list[JSON] = []
        rows = zip(found.boxes, turns.cls_res, texts.txts, texts.scores, texts.word_results, strict=True)
        for box, turn, text, score, columns in rows:
            if score >= _LEAST_CONFIDENCE and text.strip():
                corners = (_as_read(np.asarray(box, dtype=np.float64), turn) - (left, top)) / scale
                lines.append(_line(text, float(score), columns, corners))
        return lines


def _settings(models: Path, threads: int) -> dict[str, object]:
    """Explicit files everywhere: where a path is given, RapidOCR has nothing to download."""
    files = {"Det": DETECTOR, "Rec": RECOGNISER, "Cls": _TURNER}
    paths = {f"{part}.model_path": models / f"{name}.onnx" for part, name in files.items()}
    if missing := [path.name for path in paths.values() if not path.is_file()]:
        hint = "pip install -U 'cloudvision-gate[local]'"
        raise ConfigError(f"local-ocr: this rapidocr has no {', '.join(missing)} in its wheel; {hint}")
    return {
        **{name: str(path) for name, path in paths.items()},
        "Global.log_level": "critical",
        "Global.return_word_box": True,
        "Global.use_vertical_padding": False,
        "EngineConfig.onnxruntime.intra_op_num_threads": threads,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }


def _canvas(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int, int]:
    """The picture as BGR, centred on black where it is a strip, with the margins at its left and top.

    The detector enlarges the shorter side to 736 pixels: a thin strip would become gigabytes. Measured on 25 strips of
    street and document text, a margin up to 3:1 takes half the time of one up to 8:1 (0.67 to 1.23 s) and reads as many
    words (175 to 170 of 360).
    """
    height, width = pixels.shape[:2]
    least = max(_LEAST_SIDE, max(height, width) // _NARROWEST)
    full_height, full_width = max(height, least), max(width, least)
    left, top = (full_width - width) // 2, (full_height - height) // 2
    canvas = np.zeros((full_height, full_width, 3), dtype=np.uint8)
    canvas[top : top + height, left : left + width] = pixels[:, :, ::-1]
    return canvas, left, top


def _as_read(box: Corners, turn: tuple[str, float]) -> Corners:
    """The corners from where the text begins: RapidOCR turns tall crops to the left, and upside-down ones round."""
    width = int(max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[2] - box[3])))
    height = int(max(np.linalg.norm(box[0] - box[3]), np.linalg.norm(box[1] - box[2])))
    steps = 1 if height / max(width, 1) >= _VERTICAL else 0
    label, confidence = turn
    if "180" in label and confidence > _TURN_CONFIDENCE:
        steps += 2
    return np.roll(box, -steps, axis=0)


def _line(text: str, score: float, columns: Any, corners: Corners) -> JSON:
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    confidences = _confidences(text, columns, score)
    words: list[JSON] = [
        {
            "text": text[start:end],
            "confidence": round(float(np.mean(confidences[start:end])), 5),
            "polygon": _polygon(_slice(corners, begin, finish)),
        }
        for (start, end), (begin, finish) in zip(spans, _extents(text, spans, columns), strict=True)
    ]
    return {"text": text.strip(), "confidence": round(score, 5), "polygon": _polygon(corners), "words": words}


def _confidences(text: str, columns: Any, score: float) -> Sequence[float]:
    """One for each character of `text`; the line's own where the recogniser's do not match it."""
    given = getattr(columns, "confs", ())
    return given if len(given) == len(text) else [score] * len(text)


def _extents(text: str, spans: Sequence[tuple[int, int]], columns: Any) -> list[tuple[float, float]]:
    """Where each word begins and ends along the line, 0 to 1, without overlaps."""
    centres = _centres(text, columns)
    first, last = spans[0][0], spans[-1][1] - 1
    # Half a character, by the average pitch, on either side: the recogniser marks about the middle of each.
    pitch = (centres[last] - centres[first]) / (last - first) if last > first else 1.0
    ends = [(centres[start] - pitch / 2, centres[end - 1] + pitch / 2) for start, end in spans]
    borders = [(before[1] + after[0]) / 2 for before, after in pairwise(ends)]
    limits = [0.0, *borders, 1.0]
    return [
        (min(max(begin, low, 0.0), 1.0), max(min(finish, high, 1.0), 0.0))
        for (begin, finish), low, high in zip(ends, limits, limits[1:], strict=False)
    ]


def _centres(text: str, columns: Any) -> list[float]:
    """The middle of each character along the line, 0 to 1; evenly spread where the recogniser's columns do not match.

    Spaces have no column of their own and are never asked for; they get that of the character after them.
    """
    found = [column for word in getattr(columns, "word_cols", ()) for column in word]
    total = getattr(columns, "line_txt_len", 0)
    if len(found) != sum(not character.isspace() for character in text) or not total:
        return [(index + 0.5) / len(text) for index in range(len(text))]
    at, centres = 0, []
    for character in text:
        centres.append((found[min(at, len(found) - 1)] + 0.5) / total)
        at += not character.isspace()
    return centres


def _slice(corners: Corners, begin: float, end: float) -> Corners:
    """The part of a line's outline from `begin` to `end` (0 to 1 along it)."""
    first, second, third, fourth = corners
    upper, lower = second - first, third - fourth
    return np.array([first + upper * begin, first + upper * end, fourth + lower * end, fourth + lower * begin])


def _polygon(corners: Corners) -> JSON:
    return [[round(float(x), 6), round(float(y), 6)] for x, y in corners]
