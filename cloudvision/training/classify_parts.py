"""Which pictures are learned from, which say when to stop, and which judge what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[np.bool_]
Members = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Parts:
    """Indices of the pictures of each part; `stop` and `judge` may be empty."""

    learn: Members
    stop: Members
    judge: Members


def part(truth: Truth, groups: Sequence[str], *, stop: float, judge: float, seed: int) -> Parts:
    """Deal whole groups, class by class, so that every part has its share of each class.

    Groups that show several labels are dealt with those that show the same ones, the odd ones among themselves. A class of
    fewer than three groups is only learned from, one of fewer than five does not help to say when to stop; some groups of
    every class are learned from.

    Args:
        truth: (n, labels).
        groups: (n,) pictures with the same one are not parted.
        stop, judge: share of the pictures, 0 to below 1.
    """
    rng = np.random.default_rng(seed)
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    kinds: dict[tuple[int, ...], list[str]] = {}
    for group, rows in members.items():
        # A group counts as the labels that it shows together; of a classifier mostly one.
        kinds.setdefault(tuple(np.flatnonzero(truth[rows].any(axis=0))), []).append(group)
    odd = [kind for kind, names in kinds.items() if len(kind) != 1 and len(names) < 5]
    kinds[()] = [name for kind in sorted(odd) for name in kinds.pop(kind)]
    dealt: dict[str, str] = {}
    for kind in sorted(kinds):
        names = sorted(kinds[kind])
        names = [names[i] for i in rng.permutation(len(names))]
        judges = _share(len(names), judge, least=3)
        stops = _share(len(names), stop, least=5)
        dealt |= dict.fromkeys(names[:judges], "judge") | dict.fromkeys(names[judges : judges + stops], "stop")
    _learn_all(dealt, truth, members)
    found: dict[str, list[int]] = {"learn": [], "stop": [], "judge": []}
    for group, rows in members.items():
        found[dealt.get(group, "learn")] += rows
    return Parts(*(np.array(sorted(found[name]), dtype=np.int64) for name in ("learn", "stop", "judge")))


def _learn_all(dealt: dict[str, str], truth: Truth, members: dict[str, list[int]]) -> None:
    """Take back the groups of labels of which none would be left to learn from."""
    shown = {group: truth[rows].any(axis=0) for group, rows in members.items()}
    learned = np.zeros(truth.shape[1], dtype=bool)
    for group in members.keys() - dealt.keys():
        learned |= shown[group]
    for group in sorted(dealt):
        if (shown[group] & ~learned).any():
            learned |= shown[group]
            del dealt[group]


def folds(truth: Truth, groups: Sequence[str], *, count: int, seed: int) -> Members:
    """(n,) the fold, 0 to count - 1, of each picture: whole groups, each class spread as evenly as they allow."""
    tie = np.random.default_rng(seed).permutation(len(groups))
    order = {group: int(tie[n]) for n, group in enumerate(groups)}
    sizes = Counter(groups)
    held = np.zeros((count, truth.shape[1]))
    fold_of: dict[str, int] = {}
    for group in sorted(sizes, key=lambda name: (-sizes[name], order[name])):
        has = truth[[n for n, name in enumerate(groups) if name == group]].sum(axis=0)
        # The fold that holds least of what this group brings; among equals the smallest.
        best = min(range(count), key=lambda fold: (float(held[fold] @ has), float(held[fold].sum()), fold))
        fold_of[group] = best
        held[best] += has
    return np.array([fold_of[group] for group in groups], dtype=np.int64)


def _share(groups: int, share: float, *, least: int) -> int:
    if share <= 0 or groups < least:
        return 0
    return max(1, round(groups * share))
