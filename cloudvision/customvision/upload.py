"""Uploading: in batches by number and by bytes, at the tier's rate, only what failed again, and resumable."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cloudvision.customvision._batch import Sent, Waiting, packed
from cloudvision.customvision._notes import Notes
from cloudvision.customvision._send import send
from cloudvision.customvision.answers import Project, an_object, each, text
from cloudvision.customvision.limits import BATCH, BATCH_BYTES
from cloudvision.customvision.preflight import Ready, shown
from cloudvision.customvision.resource import TrainingResource
from cloudvision.customvision.tags import ensure_tags
from cloudvision.stop import StopSignal

State = Literal["uploaded", "duplicate", "resumed", "failed"]
_PAGE = 256
_PAUSE_S = 0.5
"""Before what failed is sent again; twice as long each time."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of one picture.

    Args:
        source: as it may be printed.
        state: "uploaded"; "duplicate", it was in the project already, or has the bytes of another one; "resumed", an earlier
            run had brought it there; "failed".
        image: its id in the project; "" where it failed.
        status: the service's last word, such as "OK" or "ErrorImageFormat"; "" where nothing was sent.
        reason: why it failed, "" where it did not.
        attempts: how often it was sent.
    """

    source: str
    state: State
    image: str
    status: str
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class UploadReport:
    """What became of all pictures, in the order in which they were given."""

    results: tuple[Uploaded, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there are in each state."""
        found = Counter(result.state for result in self.results)
        return {state: found[state] for state in ("uploaded", "duplicate", "resumed", "failed")}

    @property
    def failed(self) -> tuple[Uploaded, ...]:
        """Those that are not in the project."""
        return tuple(result for result in self.results if result.state == "failed")


def upload(  # noqa: PLR0913 - independent settings, each given by name
    resource: TrainingResource,
    project: Project,
    pictures: Sequence[Ready],
    *,
    negative: str | None = None,
    notes: Path | None = None,
    threads: int = 4,
    tries: int = 6,
    batch_bytes: int = BATCH_BYTES,
    stop: StopSignal | None = None,
    progress: Callable[[Uploaded], None] = lambda _: None,
) -> UploadReport:
    """Bring pictures into a project with their tags or regions, each once.

    Args:
        pictures: what `check` found ready.
        negative: the label that becomes the negative tag.
        notes: a file of what is done, so that a run that was cut off goes on where it was.
        threads: batches that are prepared and sent at a time; the tier's rate holds for all of them together.
        tries: how often a picture that failed for a passing reason is sent, at most.
        batch_bytes: most characters of base64 of one request.
        stop: thrown, it ends the upload after the batches that are on their way.
        progress: called for every picture as it is done, from this thread.

    Raises:
        ProviderError: an error that would meet every other picture too; what is done is noted.
        ConfigError: the set-up, or the file of notes, is wrong.
        StoppedError: told to stop.
    """
    book, stop = Notes(notes, project.id), stop or StopSignal()
    tags = ensure_tags(resource, project, (m.name for one in pictures for m in one.marks), negative=negative)
    ids = {name: tag.id for name, tag in tags.items()}
    done: dict[str, Uploaded] = {}

    def note(one: Ready, result: Uploaded) -> None:
        done[one.key] = result
        progress(result)

    there = _images(resource, project) if any(one.key in book.known for one in pictures) else frozenset()
    for one in pictures:
        if book.known.get(one.key) in there:
            note(one, Uploaded(one.shown, "resumed", book.known[one.key], "", "", 0))
    waiting = [Waiting(one) for one in pictures if one.key not in done]
    for attempt in range(1, tries + 1):
        again: list[Waiting] = []
        # What failed is sent together in the next round, in full batches again.
        for sent in _all_sent(resource, project, waiting, ids, threads, batch_bytes, stop):
            # Written before it is told: what was told to be done is done.
            book.add((result.waiting.picture.key, result.image) for result in sent if result.image)
            for result in sent:
                if result.again is not None and attempt < tries:
                    again.append(result.again)
                else:
                    note(result.waiting.picture, _told(result, attempt))
        waiting = again
        if not waiting:
            break
        resource.sleep(_PAUSE_S * 2 ** (attempt - 1))
    return UploadReport(tuple(result for one in pictures for result in _each_source(one, done[one.key])))


def _all_sent(
    resource: TrainingResource,
    project: Project,
    pictures: Sequence[Waiting],
    tags: Mapping[str, str],
    threads: int,
    batch_bytes: int,
    stop: StopSignal,
) -> Iterator[tuple[Sent, ...]]:
    """Batches as they are done. The first error ends it, after what is on its way has been noted."""
    failure: list[BaseException] = []
    ended = threading.Event()

    def work(chunk: Sequence[Waiting]) -> list[tuple[Sent, ...]]:
        found = []
        for part in packed(chunk, batch_bytes):
            if ended.is_set():
                break
            stop.check()
            found.append(send(resource, project, part, tags))
        return found

    with ThreadPoolExecutor(threads, thread_name_prefix="upload") as pool:
        left = _chunks(pictures)
        running: set[Future[list[tuple[Sent, ...]]]] = set()
        try:
            while True:
                # A few at a time: the rest costs no memory, and nothing has to be called off.
                while len(running) < threads and not failure and (chunk := next(left, None)) is not None:
                    running.add(pool.submit(work, chunk))
                if not running:
                    break
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    if (error := future.exception()) is not None:
                        failure.append(error)
                        ended.set()
                    else:
                        yield from future.result()
        finally:
            ended.set()
    if failure:
        raise failure[0]


def _chunks(pictures: Sequence[Waiting]) -> Iterator[tuple[Waiting, ...]]:
    """At most 64 each; files and URLs apart, for they are different requests."""
    for kind in (False, True):
        fit = [one for one in pictures if (not one.picture.size) is kind]
        yield from (tuple(fit[start : start + BATCH]) for start in range(0, len(fit), BATCH))


def _images(resource: TrainingResource, project: Project) -> frozenset[str]:
    """Ids of all images that are in the project now."""
    found: set[str] = set()
    while True:
        skip = len(found)
        page = each(
            resource.ask(lambda client: client.get_images(project.id, take=_PAGE, skip=skip)),  # noqa: B023 - used at once
            lambda value: text(an_object(value), "id"),
        )
        if not set(page) - found:
            return frozenset(found)
        found |= set(page)


def _each_source(one: Ready, result: Uploaded) -> Iterator[Uploaded]:
    """Files with the same bytes were sent once, and each is told of."""
    yield result
    state: State = "failed" if result.state == "failed" else "duplicate"
    for source in one.sources[1:]:
        yield replace(result, source=shown(source), state=state, attempts=0)


def _told(sent: Sent, attempt: int) -> Uploaded:
    state: State = "failed" if sent.reason else "duplicate" if sent.status == "OKDuplicate" else "uploaded"
    attempts = attempt if sent.status else attempt - 1
    return Uploaded(sent.waiting.picture.shown, state, sent.image, sent.status, sent.reason, attempts)
