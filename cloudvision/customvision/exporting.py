"""Exporting a model of a compact domain, and downloading it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cloudvision.customvision.answers import Iteration, Object, Project, each, text
from cloudvision.customvision.resource import NAME, TrainingResource
from cloudvision.errors import ConfigError, RejectedError, SettingsRejectedError, UnfinishedError
from cloudvision.fetch import Fetcher

PLATFORMS = {"onnx": "ONNX", "tensorflow": "TensorFlow", "coreml": "CoreML", "docker": "DockerFile"}
"""Our names, and the service's."""

FLAVORS = {
    "onnx": ("ONNX10", "ONNX12", "ONNXFloat16"),
    "tensorflow": ("TensorFlowNormal", "TensorFlowLite", "TensorFlowSavedModel", "TensorFlowJs"),
    "coreml": (),
    "docker": ("Linux", "Windows", "ARM"),
}
MAX_BYTES = 512 * 2**20
"""A larger model is not downloaded."""

_FIRST_POLL_S, _LONGEST_POLL_S = 0.25, 10.0


@dataclass(frozen=True, slots=True)
class Exported:
    """A model that can be downloaded. `url` holds a signature: never show it."""

    platform: str
    flavor: str | None
    status: str
    url: str | None
    outdated: bool

    def __repr__(self) -> str:
        return f"Exported({self.platform!r}, {self.flavor!r}, {self.status!r})"


def export(
    resource: TrainingResource,
    project: Project,
    iteration: Iteration,
    platform: str,
    *,
    flavor: str | None = None,
    longest_s: float = 900.0,
) -> Exported:
    """Have a model made ready; one that is ready already is taken.

    Args:
        platform: "onnx", "tensorflow", "coreml" or "docker".
        flavor: see `FLAVORS`; None for the service's own choice.
        longest_s: seconds to wait at most.

    Raises:
        ConfigError: unknown platform or flavor, or the project's domain is not a compact one.
        RejectedError: the service could not export it.
        UnfinishedError: it is not ready within `longest_s`.
        ProviderError: the service refused or failed.
    """
    name = _platform(project, platform, flavor)
    before = _found(resource, project, iteration, name, flavor)
    if before is None or before.status == "Failed" or before.outdated:
        try:
            resource.ask(lambda client: client.export_iteration(project.id, iteration.id, name, flavor=flavor))
        except SettingsRejectedError as error:
            if error.code != "BadRequestExportAlreadyInProgress":
                raise
    began, pause = resource.clock(), _FIRST_POLL_S
    while True:
        now = _found(resource, project, iteration, name, flavor)
        if now is not None and now.status == "Done" and now.url:
            return now
        if now is not None and now.status == "Failed":
            message = f"{NAME}: {iteration.name!r} could not be exported for {platform}; the service does not say why"
            raise RejectedError(message, provider=NAME, status=200)
        if resource.clock() - began + pause > longest_s:
            message = f"{NAME}: the export is not ready after {longest_s:.0f} s; it goes on, ask again"
            raise UnfinishedError(message, provider=NAME)
        resource.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_POLL_S)


def download(exported: Exported, path: Path, *, fetcher: Fetcher) -> int:
    """Write an exported model to a file, which appears when it is whole; how many bytes it has.

    Args:
        fetcher: guards the address and caps the bytes (`MAX_BYTES` is a fit cap).

    Raises:
        ConfigError: there is nothing to download, or the file cannot be written.
        ImageError: the download failed, is too large, or leads to an address that may not be reached.
    """
    if not exported.url:
        raise ConfigError(f"the export for {exported.platform} is not ready: {exported.status}")
    data = fetcher.fetch(exported.url)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc.strerror}") from exc
    return len(data)


def _platform(project: Project, platform: str, flavor: str | None) -> str:
    if platform not in PLATFORMS:
        raise ConfigError(f"unknown platform {platform!r}; known: {', '.join(PLATFORMS)}")
    if flavor is not None and flavor not in FLAVORS[platform]:
        raise ConfigError(f"{platform} has no flavor {flavor!r}; it has: {', '.join(FLAVORS[platform]) or 'none'}")
    if PLATFORMS[platform] not in project.domain.platforms:
        raise ConfigError(
            f"models of the domain {project.domain.name!r} cannot be exported for {platform}: only those of compact domains "
            "can; make a project with one and train again"
        )
    return PLATFORMS[platform]


def _found(
    resource: TrainingResource, project: Project, iteration: Iteration, platform: str, flavor: str | None
) -> Exported | None:
    """The latest of that platform and flavor (without one asked for, of any)."""
    answer = resource.ask(lambda client: client.get_exports(project.id, iteration.id))
    fit = [one for one in each(answer, _exported) if one.platform == platform and flavor in (None, one.flavor)]
    return fit[-1] if fit else None


def _exported(value: Object) -> Exported:
    flavor, url = value.get("flavor"), value.get("downloadUri")
    return Exported(
        text(value, "platform"),
        flavor if isinstance(flavor, str) and flavor else None,
        str(value.get("status") or ""),
        url if isinstance(url, str) else None,
        value.get("newerVersionAvailable") is True,
    )
