"""Logits to probabilities, fitted on pictures that the networks were not trained on."""

from __future__ import annotations

import numpy as np

from cloudvision.gate.folder import Calibration
from cloudvision.gate.metrics import Scores, Truth


def platt(logits: Scores, truth: Truth) -> Calibration:
    """Newton's method on the cross-entropy of 1 / (1 + exp(-(slope * logit + offset))), with Platt's smoothed targets.

    Raises:
        ValueError: one class only.
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        raise ValueError("calibration needs pictures of both classes")
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    x = np.stack([logits, np.ones_like(logits)], axis=1)
    w = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (p - target)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        w = w - np.linalg.solve(hessian, gradient)
    return Calibration(slope=float(w[0]), offset=float(w[1]))
