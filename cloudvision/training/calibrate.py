"""Logits to probabilities, fitted on pictures that the networks were not trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate.folder import Calibration
from cloudvision.gate.metrics import Scores, Truth


def platt(logits: Scores, truth: Truth) -> Calibration:
    """Platt's two numbers for the logits (n,) of one network.

    Raises:
        ValueError: one class only.
    """
    slope, offset = logistic(logits[:, None], truth)
    return Calibration(slope=slope, offset=offset)


def logistic(logits: NDArray[np.float64], truth: Truth) -> tuple[float, ...]:
    """Logistic regression on the logits (n, k) of k networks, with Platt's smoothed targets: k weights and the offset.

    Newton's method on the cross-entropy.

    Raises:
        ValueError: one class only.
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        raise ValueError("calibration needs pictures of both classes")
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    x = np.concatenate([logits, np.ones((len(logits), 1))], axis=1)
    w = np.zeros(x.shape[1])
    w[:-1] = 1 / logits.shape[1]
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (p - target)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(x.shape[1])
        w = w - np.linalg.solve(hessian, gradient)
    return tuple(float(value) for value in w)
