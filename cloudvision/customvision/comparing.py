"""Two iterations on the same pictures: which is better, and whether that can be told from so many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cloudvision.annotations import Annotated, Mark
from cloudvision.customvision._marks import shared_by
from cloudvision.customvision.answers import Iteration, Project
from cloudvision.customvision.predicting import Guess, predict
from cloudvision.customvision.preflight import shown
from cloudvision.customvision.resource import TrainingResource
from cloudvision.errors import ConfigError, ImageError, RejectedError
from cloudvision.gate.binomial import at_most, lower_bound, upper_bound

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """Right of all, with the exact two-sided interval of Clopper and Pearson (1934)."""

    right: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two iterations made of the same pictures.

    Args:
        a, b: pictures that each got right.
        only_a, only_b: pictures that one got right and the other wrong; nothing else tells them apart.
        p_value: the exact test of McNemar (1947), two-sided: how likely so uneven a split is between equals.
        difference: share of b minus share of a, with its interval: exact bounds of the share that only a and of the share that
            only b gets right, both at once (Bonferroni), so it is rather too wide than too narrow.
        disagreements: sources that one got right and the other wrong.
        unusable: pictures that were not compared, with the reason.
    """

    a: Share
    b: Share
    only_a: int
    only_b: int
    p_value: float
    difference: tuple[float, float, float]
    disagreements: tuple[str, ...]
    unusable: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """In words."""
        if self.p_value >= 1 - CONFIDENCE:
            return f"no difference can be told from {self.a.of} pictures"
        return f"{'b' if self.only_b > self.only_a else 'a'} is better"


def compare(  # noqa: PLR0913 - independent settings, each given by name
    resource: TrainingResource,
    project: Project,
    a: Iteration,
    b: Iteration,
    pictures: Sequence[Annotated],
    *,
    threshold: float = 0.5,
    overlap: float = 0.5,
    negative: str | None = None,
    threads: int = 4,
    progress: Callable[[], None] = lambda: None,
) -> Comparison:
    """Ask both about every picture; two predictions each are billed.

    A picture is right where the surest tag is the true one (multiclass), where the tags from `threshold` on are the true
    ones (multilabel), or where the boxes from `threshold` on match the true ones, all of them and no other (detection; a match
    has the name and an overlap of at least `overlap`).

    Args:
        pictures: none of them should be among those that either was trained on.
        negative: the tag that stands for "none of them".
        progress: called for each picture that is done, from any thread.

    Raises:
        ConfigError: there is no picture that can be compared.
        ProviderError: an error that would meet every picture.
    """

    def judge(item: Annotated) -> tuple[bool, bool] | str:
        try:
            found = [predict(resource, project, iteration, item.source) for iteration in (a, b)]
        except (ImageError, RejectedError) as error:
            if error.fatal:
                raise
            return f"{shown(item.source)}: {error}"
        finally:
            progress()
        rights = [_right(project, item.marks, guesses, threshold, overlap, negative) for guesses in found]
        return rights[0], rights[1]

    with ThreadPoolExecutor(threads, thread_name_prefix="compare") as pool:
        results = list(zip(pictures, pool.map(judge, pictures), strict=True))
    judged = [(item, result) for item, result in results if not isinstance(result, str)]
    unusable = tuple(result for _, result in results if isinstance(result, str))
    if not judged:
        raise ConfigError(f"no picture to compare on{f'; {unusable[0]}' if unusable else ''}")
    return compared([(shown(item.source), *result) for item, result in judged], unusable=unusable)


def compared(judged: Sequence[tuple[str, bool, bool]], *, unusable: tuple[str, ...] = ()) -> Comparison:
    """The figures of (source, a is right, b is right); at least one."""
    total = len(judged)
    only_a = sum(a and not b for _, a, b in judged)
    only_b = sum(b and not a for _, a, b in judged)
    differ = only_a + only_b
    sure = 1 - (1 - CONFIDENCE) / 4
    most = [upper_bound(only, total, confidence=sure) for only in (only_a, only_b)]
    least = [lower_bound(only, total, confidence=sure) for only in (only_a, only_b)]
    return Comparison(
        a=_share(sum(a for _, a, _ in judged), total),
        b=_share(sum(b for _, _, b in judged), total),
        only_a=only_a,
        only_b=only_b,
        p_value=min(1.0, 2 * at_most(min(only_a, only_b), differ, 0.5)) if differ else 1.0,
        difference=((only_b - only_a) / total, least[1] - most[0], most[1] - least[0]),
        disagreements=tuple(source for source, a, b in judged if a is not b),
        unusable=unusable,
    )


def _share(right: int, of: int) -> Share:
    return Share(right, of, *_interval(right, of))


def _interval(hits: int, trials: int) -> tuple[float, float]:
    side = 1 - (1 - CONFIDENCE) / 2
    return lower_bound(hits, trials, confidence=side), upper_bound(hits, trials, confidence=side)


def _right(
    project: Project,
    marks: Sequence[Mark],
    guesses: Sequence[Guess],
    threshold: float,
    overlap: float,
    negative: str | None,
) -> bool:
    true = {mark.name for mark in marks} or ({negative} if negative is not None else set())
    match project.kind:
        case "multiclass":
            return bool(guesses) and guesses[0].name in true
        case "multilabel":
            return {guess.name for guess in guesses if guess.probability >= threshold} - {negative} == true - {negative}
    return _boxes_match(marks, [guess for guess in guesses if guess.probability >= threshold], overlap)


def _boxes_match(marks: Sequence[Mark], guesses: Sequence[Guess], overlap: float) -> bool:
    """Each guess, surest first, takes the free mark of its name with which it shares most."""
    free = list(marks)
    for guess in guesses:
        near = [
            (shared, index)
            for index, mark in enumerate(free)
            if mark.name == guess.name and (shared := shared_by(mark.box, guess.box)) >= overlap
        ]
        if not near:
            return False
        del free[max(near)[1]]
    return not free
