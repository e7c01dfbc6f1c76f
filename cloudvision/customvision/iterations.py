"""Iterations of a project: training, waiting for it, finding one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cloudvision.customvision.answers import Iteration, Project, an_object, each, iteration_in
from cloudvision.customvision.resource import NAME, TrainingResource
from cloudvision.errors import (
    ConfigError,
    SettingsRejectedError,
    TrainingFailedError,
    UnavailableError,
    UnfinishedError,
)
from cloudvision.prices import price

LATEST = "latest"
_FIRST_POLL_S, _LONGEST_POLL_S = 0.25, 30.0
_TRIES, _PAUSE_S = 4, 5.0
"""Of beginning a training, where the service fails; seconds between two."""

_NOTHING_NEW = ("BadRequestTrainingNotNeeded", "BadRequestTrainingNotNeededButTrainingPipelineUpdated")


@dataclass(frozen=True, slots=True)
class Training:
    """What was asked for: a new iteration, or the one there is, where nothing has changed since."""

    iteration: Iteration
    begun: bool


def training_cost(hours: int) -> int:
    """What an advanced training of that budget costs, in micros; the service bills the hours that were reserved.

    A quick training is billed by the time it takes, which is not known before.
    """
    return price("azure-custom-vision/training-hour", hours)


def list_iterations(resource: TrainingResource, project: Project) -> tuple[Iteration, ...]:
    """All of a project, oldest first."""
    found = each(resource.ask(lambda client: client.get_iterations(project.id)), iteration_in)
    return tuple(sorted(found, key=lambda iteration: iteration.created))


def find_iteration(resource: TrainingResource, project: Project, name: str = LATEST) -> Iteration:
    """The iteration of that id, name ("Iteration 3") or published name ("v1.2.0"); "latest" is the last one trained.

    Raises:
        ConfigError: there is none; the message lists those that there are.
    """
    found = list_iterations(resource, project)
    if name == LATEST:
        chosen = max((one for one in found if one.trained), key=lambda one: one.trained, default=None)
    else:
        chosen = next((one for one in found if name in (one.published, one.name, one.id)), None)
    if chosen is None:
        known = ", ".join(f"{one.name!r} ({one.published or one.status})" for one in found) or "none"
        what = "no trained iteration" if name == LATEST else f"no iteration {name!r}"
        raise ConfigError(f"{what} in {project.name!r}; there are: {known}")
    return chosen


def get_iteration(resource: TrainingResource, project: Project, id: str) -> Iteration:
    """An iteration as it is now."""
    return iteration_in(an_object(resource.ask(lambda client: client.get_iteration(project.id, id))))


def train(
    resource: TrainingResource,
    project: Project,
    *,
    hours: int | None = None,
    force: bool = False,
    email: str | None = None,
) -> Training:
    """Begin a training.

    Args:
        hours: budget of an advanced training, which is billed as a whole (see `training_cost`); None for a quick one.
        force: also where nothing has changed since the last one.
        email: is told by the service when it is done.

    Raises:
        ConfigError: `hours` is less than 1.
        SettingsRejectedError: the service refuses: too few images, a training in progress, too many iterations.
        ProviderError: the service failed.
    """
    if hours is not None and hours < 1:
        raise ConfigError(f"the budget of an advanced training is 1 hour or more, got {hours}")
    before = {iteration.id for iteration in list_iterations(resource, project)}
    for attempt in range(_TRIES):
        try:
            return Training(_begun(resource, project, hours, force=force, email=email), begun=True)
        except SettingsRejectedError as error:
            if error.code not in _NOTHING_NEW:
                raise
            return Training(find_iteration(resource, project), begun=False)
        except UnavailableError:
            # It may have begun all the same, and a second one would be paid again.
            if new := [one for one in list_iterations(resource, project) if one.id not in before]:
                return Training(new[-1], begun=True)
            if attempt == _TRIES - 1:
                raise
            resource.sleep(_PAUSE_S)
    raise AssertionError("the last attempt returns or raises")


def _begun(
    resource: TrainingResource, project: Project, hours: int | None, *, force: bool, email: str | None
) -> Iteration:
    answer = resource.ask(
        lambda client: client.train_project(
            project.id,
            training_type="Regular" if hours is None else "Advanced",
            reserved_budget_in_hours=hours or 0,
            force_train=force,
            notification_email_address=email,
        ),
        repeat=False,
    )
    return iteration_in(an_object(answer))


def wait_for(
    resource: TrainingResource,
    project: Project,
    iteration: Iteration,
    *,
    longest_s: float = 24 * 3600.0,
    progress: Callable[[Iteration, float], None] = lambda _iteration, _seconds: None,
) -> Iteration:
    """Wait until an iteration is trained. It may be called again, in another process too: the training goes on by itself.

    Args:
        longest_s: seconds to wait at most.
        progress: called after every look, with the iteration and the seconds that have passed.

    Raises:
        TrainingFailedError: the training has failed; the message says why.
        UnfinishedError: it is not done within `longest_s`.
        ProviderError: the service failed.
    """
    began, pause = resource.clock(), _FIRST_POLL_S
    while True:
        now = get_iteration(resource, project, iteration.id)
        passed = resource.clock() - began
        progress(now, passed)
        if now.status == "Completed":
            return now
        if now.status == "Failed":
            reason = now.error or "the service does not say why"
            raise TrainingFailedError(
                f"{NAME}: the training of {now.name!r} failed: {reason}", provider=NAME, status=200
            )
        if passed + pause > longest_s:
            raise UnfinishedError(
                f"{NAME}: {now.name!r} is not trained after {passed:.0f} s (status {now.status!r}); it goes on, wait again",
                provider=NAME,
            )
        resource.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_POLL_S)
