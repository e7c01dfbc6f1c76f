"""What "worth a call" means: the rule that turns what an engine read into yes or no."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cloudvision.results import Line


@dataclass(frozen=True, slots=True)
class Criterion:
    """More than one word, more than five characters, and at least one line that the engine is sure of.

    Args:
        min_words: pieces between white space, over all lines.
        min_characters: characters without white space, over all lines.
        min_confidence: 0 to 1, for the best line; scales differ between engines (0.99 of Rekognition's is about 0.90 of
            PP-OCR's). A line without a confidence is as sure as the surest of its words; without any it counts as sure.
    """

    min_words: int = 2
    min_characters: int = 6
    min_confidence: float = 0.90

    def meets(self, lines: Iterable[Line]) -> bool:
        words = characters = 0
        best = 0.0
        for line in lines:
            pieces = line.text.split()
            words += len(pieces)
            characters += sum(map(len, pieces))
            best = max(best, _sure(line))
        return words >= self.min_words and characters >= self.min_characters and best >= self.min_confidence


def _sure(line: Line) -> float:
    if line.confidence is not None:
        return line.confidence
    return max((word.confidence for word in line.words if word.confidence is not None), default=1.0)
