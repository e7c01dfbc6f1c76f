"""Training in the emulated Custom Vision: what the service checks before it, and what a plugged-in trainer then does."""

from __future__ import annotations

import copy
import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor

from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_lookup import Lookup
from cloudvision.emulator.custom_vision_state import Iteration, Picture, Project, Tag
from cloudvision.emulator.custom_vision_trainer import Job, Mark, Sample, Trainer, TrainingFailedError
from cloudvision.emulator.service import Call, Refusal, Reply

logger = logging.getLogger(__name__)

LEAST_PICTURES = {"Classification": 5, "ObjectDetection": 15}
"""Pictures that each tag must have."""

TRAININGS, HOURS = "custom-vision trainings", "custom-vision advanced training hours"
_NO_ENGINE = "The training request failed: no training engine is plugged into this emulator."


class Training:
    """Answers to the route of this module.

    Args:
        trainer: makes models; None where there is nothing to train with.
        pool: threads for it.
    """

    def __init__(self, store: Lookup, *, trainer: Trainer | None, pool: Executor) -> None:
        self._store = store
        self._trainer = trainer
        self._pool = pool

    def routes(self) -> Sequence[tuple[str, str, str, wire.Answer]]:
        """Name, method, path and answer of each."""
        return (("TrainProject", "POST", "/projects/{project}/train", self._train),)

    def _train(self, call: Call, account: Account) -> Reply:
        project, query = self._store.project(call, account), wire.parameters(call)
        kind = query.get("trainingtype") or "Regular"
        budget = wire.number_in(query.get("reservedbudgetinhours"), 0)
        if kind == "Advanced" and budget < 1:
            message = "Advanced training needs a reserved budget of at least one hour."
            raise wire.bad_request("ReservedBudgetInHoursNotEnoughForAdvancedTraining", message)
        tags = _selected(project, wire.texts_under(wire.object_in(call), "selectedTags"))
        pictures = [picture for picture in project.pictures.values() if picture.tags.keys() & tags.keys()]
        _check(project, tags, pictures)
        state = _state_of(project, tags, pictures, kind)
        self._check_iterations(project, state, forced=query.get("forcetrain", "").lower() == "true")
        if self._trainer is None:
            raise Refusal(wire.error(500, "ErrorProjectTrainingRequestFailed", _NO_ENGINE))
        now = self._store.now()
        iteration = Iteration(
            id=self._store.new_id(),
            name=f"Iteration {_next_number(project)}",
            created=now,
            modified=now,
            domain=project.domain,
            classification=project.classification,
            training_type=kind,
            budget=budget,
            state=state,
            tags=copy.deepcopy(tags),
            pictures={picture.id: copy.deepcopy(picture) for picture in pictures},
        )
        project.iterations[iteration.id] = iteration
        job = _job(project, tags, pictures, advanced=kind == "Advanced")
        future = self._pool.submit(self._run, self._trainer, iteration, job)
        future.add_done_callback(lambda done: self._report(iteration, done.exception()))
        units = {HOURS: budget} if kind == "Advanced" else {TRAININGS: 1}
        return Reply(wire.iteration_json(iteration, project.id), units=units)

    def _check_iterations(self, project: Project, state: str, *, forced: bool) -> None:
        iterations = list(project.iterations.values())
        if any(iteration.status == "Training" for iteration in iterations):
            raise wire.bad_request("TrainingAlreadyInProgress", "A training of this project is in progress.")
        trained = [iteration for iteration in iterations if iteration.status == "Completed"]
        if trained and trained[-1].state == state and not forced:
            raise wire.bad_request("TrainingNotNeeded", "Nothing changed since last training")
        if len(iterations) >= self._store.limits.iterations:
            message = f"A project has at most {self._store.limits.iterations} iterations."
            raise wire.bad_request("ExceedIterationPerProjectLimit", message)

    def _run(self, trainer: Trainer, iteration: Iteration, job: Job) -> None:
        try:
            model, error = trainer.train(job), None
        except TrainingFailedError as failure:
            model, error = None, str(failure)
        with self._store.lock:
            iteration.model, iteration.error = model, error
            iteration.status = "Failed" if model is None else "Completed"
            iteration.modified = self._store.now()
            iteration.trained_at = None if model is None else iteration.modified

    def _report(self, iteration: Iteration, bug: BaseException | None) -> None:
        """A trainer that broke has failed, too, and its traceback is not lost."""
        if bug is not None:
            logger.error("the trainer broke", exc_info=bug)
            with self._store.lock:
                iteration.status, iteration.error = "Failed", f"The trainer broke: {type(bug).__name__}"


def _selected(project: Project, wanted: Sequence[str]) -> dict[str, Tag]:
    if any(tag not in project.tags for tag in wanted):
        raise wire.not_found("Tag")
    return {tag: project.tags[tag] for tag in wanted} if wanted else dict(project.tags)


def _check(project: Project, tags: dict[str, Tag], pictures: Sequence[Picture]) -> None:
    kind = "Detection" if project.detects else f"{'MultiClass' if _is_single(project) else 'MultiLabel'}Classification"
    counts = Counter(tag for picture in pictures for tag in picture.tags if tag in tags)
    if len(tags) < (1 if project.detects else 2) or not pictures:
        raise wire.bad_request(f"{kind}TrainingValidationFailed", "Not enough images for training")
    if any(counts[tag] < LEAST_PICTURES[project.domain.type] for tag in tags):
        raise wire.bad_request(f"{kind}TrainingValidationFailed", "Not enough images per tag for training")


def _is_single(project: Project) -> bool:
    return project.classification == "Multiclass"


def _next_number(project: Project) -> int:
    numbers = [int(name[10:]) for name in (one.name for one in project.iterations.values()) if name[10:].isdigit()]
    return max(numbers, default=0) + 1


def _state_of(project: Project, tags: dict[str, Tag], pictures: Sequence[Picture], kind: str) -> str:
    facts = [kind, project.domain.id, str(project.classification), *sorted(f"{t.id} {t.name}" for t in tags.values())]
    for picture in sorted(pictures, key=lambda picture: picture.id):
        regions = sorted(f"{region.tag} {region.box}" for region in picture.regions)
        facts += [picture.id, *sorted(picture.tags), *regions]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _job(project: Project, tags: dict[str, Tag], pictures: Sequence[Picture], *, advanced: bool) -> Job:
    samples = []
    for picture in pictures:
        if project.detects:
            marks = [Mark(tags[region.tag].name, region.box) for region in picture.regions if region.tag in tags]
        else:
            marks = [Mark(tags[tag].name) for tag in picture.tags if tag in tags]
        samples.append(Sample(picture.data, tuple(marks)))
    return Job(
        kind="detect" if project.detects else "classify",
        tags=tuple(tag.name for tag in tags.values()),
        samples=tuple(samples),
        multilabel=not project.detects and not _is_single(project),
        advanced=advanced,
    )
