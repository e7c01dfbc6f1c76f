"""One analysis: a checked request, its file and the pages to look at; `result` does the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from cloudvision._json import JSON
from cloudvision.emulator import azure_wire, document_errors
from cloudvision.emulator.document_models import analyze_result
from cloudvision.emulator.document_operations import AnalysisError
from cloudvision.emulator.document_request import Request
from cloudvision.emulator.reading import pages
from cloudvision.emulator.reading.read import read
from cloudvision.emulator.reply import Refusal
from cloudvision.errors import ConfigError, RejectedError
from cloudvision.results import Line

READ_SIDE, HIGH_SIDE = 2000, 4000
"""Larger pages are read at this many pixels on the longer side: usually, and with the feature ocrHighResolution."""


@dataclass(frozen=True, slots=True)
class Task:
    """See the module."""

    request: Request
    file: pages.File
    pages: tuple[int, ...]
    """Numbers of the pages to look at; each is billed."""

    def result(self, read_text: Callable[[NDArray[np.uint8]], tuple[Line, ...]]) -> JSON:
        """The `analyzeResult`.

        Raises:
            AnalysisError: a page does not decode, or the engine cannot work on it.
        """
        request = self.request
        side = HIGH_SIDE if request.high_resolution else READ_SIDE
        try:
            layout = read(
                self.file.pictures(self.pages),
                lambda pixels: read_text(_fitting(pixels, side)),
                tables=request.model.tables,
            )
        except pages.UnreadableFileError as error:
            raise AnalysisError(document_errors.failed(*document_errors.CONTENT)) from error
        except (RejectedError, ConfigError) as error:
            raise AnalysisError(document_errors.failed("InternalServerError", str(error))) from error
        return analyze_result(
            layout,
            request.model,
            locale=request.locale,
            index_type=request.index_type,
            version=request.version,
            pairs=request.pairs,
        )


def opened(request: Request, *, most_pages: int | None) -> Task:
    """Look at the file, without decoding it.

    Args:
        most_pages: of the file; those after them are as good as not there.

    Raises:
        Refusal: the service's answer to a file or a range of pages that it does not take.
    """
    try:
        file = pages.open_file(request.data)
    except pages.UnreadableFileError as error:
        raise document_errors.refuse(*document_errors.CONTENT) from error
    except pages.WrongDimensionsError as error:
        raise document_errors.refuse(*document_errors.DIMENSIONS) from error
    except ConfigError as error:
        raise Refusal(azure_wire.error(500, "InternalServerError", str(error))) from error
    count = file.pages if most_pages is None else min(file.pages, most_pages)
    try:
        return Task(request, file, tuple(pages.wanted_pages(request.pages, count)))
    except ValueError as error:
        raise document_errors.invalid_parameter("Pages", f"{error}.") from error


def _fitting(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrunk to `side` pixels on the longer side where it is larger."""
    if max(pixels.shape[:2]) <= side:
        return pixels
    picture = PIL.Image.fromarray(pixels)
    picture.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    return np.array(picture)
