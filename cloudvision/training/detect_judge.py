"""What a trained detector is worth, as the graphs that will be used: threshold, scores, and what eight bits lose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cloudvision.training import average_precision
from cloudvision.training.average_precision import DetectionScores
from cloudvision.training.classify_graph import quantise
from cloudvision.training.detect_augment import plain
from cloudvision.training.detect_fit import find, truth_of
from cloudvision.training.detect_folder import DetectGraphs
from cloudvision.training.detect_graph import raw, raw_of, run_graph, to_onnx
from cloudvision.training.detect_network import Detector
from cloudvision.training.detect_scenes import Scene

_THRESHOLD = (
    0.3  # where no picture was kept back to find a better one: there raccoons were as precise as they were complete
)
_THRESHOLDS = tuple(round(0.1 + 0.02 * step, 2) for step in range(41))
_CALIBRATING = 64  # pictures from which the quantised graph takes its ranges


def graphs_of(
    net: Detector,
    parts: tuple[Sequence[Scene], Sequence[Scene], Sequence[Scene]],
    names: Sequence[str],
    *,
    side: int,
    quantised: bool,
) -> tuple[DetectGraphs, DetectionScores | None, float]:
    """The graphs, what the fp32 one finds in the pictures that judge (None without any), and the threshold.

    Args:
        parts: pictures that learned, stopped and judged. Without the last, eight bits are compared on those that learned.
    """
    learn, stop, judge = parts
    onnx = to_onnx(net, side=side)
    threshold = _best_threshold(net, stop, names, side=side) if stop else _THRESHOLD
    shown = judge or learn
    seen, truth = _seen(shown, side), truth_of(shown)
    apart = max(float(np.abs(a - b).max()) for a, b in zip(raw(onnx, seen[:8]), raw_of(net, seen[:8]), strict=True))
    judged = average_precision.score(truth, run_graph(onnx, seen), labels=names, threshold=threshold)
    if not quantised:
        return DetectGraphs(onnx, None, apart=apart, loss=None), judged if judge else None, threshold
    small = quantise(onnx, _seen(learn[:: max(1, len(learn) // _CALIBRATING)], side))
    loss = judged.map_50 - average_precision.score(truth, run_graph(small, seen), labels=names).map_50
    graphs = DetectGraphs(onnx, small if loss <= 0.01 else None, apart=apart, loss=loss)
    return graphs, judged if judge else None, threshold


def _best_threshold(net: Detector, stop: Sequence[Scene], names: Sequence[str], *, side: int) -> float:
    """Where the mean over labels of F1, of precision and recall, is highest."""
    truth, found = truth_of(stop), find(net, stop, side=side)
    return max(_THRESHOLDS, key=lambda least: _f1(average_precision.score(truth, found, labels=names, threshold=least)))


def _f1(scores: DetectionScores) -> float:
    values = [(one.precision, one.recall) for one in scores.labels if one.boxes]
    return float(np.mean([2 * p * r / (p + r) if p + r > 0 else 0.0 for p, r in values])) if values else 0.0


def _seen(scenes: Sequence[Scene], side: int) -> NDArray[np.uint8]:
    return np.stack([plain(scene, size=(side, side)).pixels for scene in scenes])
