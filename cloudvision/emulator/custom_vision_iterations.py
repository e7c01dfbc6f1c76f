"""Iterations of the emulated Custom Vision: their state, performance, publishing and exports."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cloudvision._json import JSON
from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_lookup import Lookup
from cloudvision.emulator.custom_vision_state import Export, Iteration, Project
from cloudvision.emulator.custom_vision_trainer import Quality, Trained
from cloudvision.emulator.service import Call, Refusal, Reply

_NAME = re.compile(r"[\w .-]{1,64}")
_THRESHOLD, _OVERLAP = 0.5, 0.3


def prediction_resource(account: Account) -> str:
    """The id of the account's prediction resource, as a client must name it to publish."""
    group = "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/emulator"
    return f"{group}/providers/Microsoft.CognitiveServices/accounts/{account.name}-prediction"


class Iterations:
    """Answers to the routes of this module."""

    def __init__(self, store: Lookup) -> None:
        self._store = store

    def routes(self) -> Sequence[tuple[str, str, str, wire.Answer]]:
        """Name, method, path and answer of each."""
        all_, one = "/projects/{project}/iterations", "/projects/{project}/iterations/{iteration}"
        return (
            ("GetIterations", "GET", all_, self._list),
            ("GetIteration", "GET", one, self._get),
            ("UpdateIteration", "PATCH", one, self._update),
            ("DeleteIteration", "DELETE", one, self._delete),
            ("GetIterationPerformance", "GET", f"{one}/performance", self._performance),
            ("PublishIteration", "POST", f"{one}/publish", self._publish),
            ("UnpublishIteration", "DELETE", f"{one}/publish", self._unpublish),
            ("ExportIteration", "POST", f"{one}/export", self._export),
            ("GetExports", "GET", f"{one}/export", self._exports),
        )

    def _found(self, call: Call, account: Account) -> tuple[Project, Iteration]:
        project = self._store.project(call, account)
        return project, self._store.iteration(project, call.places["iteration"])

    def _list(self, call: Call, account: Account) -> Reply:
        project = self._store.project(call, account)
        return Reply([wire.iteration_json(iteration, project.id) for iteration in project.iterations.values()])

    def _get(self, call: Call, account: Account) -> Reply:
        project, iteration = self._found(call, account)
        return Reply(wire.iteration_json(iteration, project.id))

    def _update(self, call: Call, account: Account) -> Reply:
        project, iteration = self._found(call, account)
        name = wire.object_in(call).get("name")
        if not isinstance(name, str) or not name.strip():
            raise wire.bad_request("IterationName", "An iteration needs a name.")
        if any(other.name == name for other in project.iterations.values() if other is not iteration):
            raise wire.bad_request("IterationNameNotUnique", f"An iteration named {name} exists already.")
        iteration.name, iteration.modified = name, self._store.now()
        return Reply(wire.iteration_json(iteration, project.id))

    def _delete(self, call: Call, account: Account) -> Reply:
        project, iteration = self._found(call, account)
        if iteration.publish_name:
            raise _is_published(iteration)
        del project.iterations[iteration.id]
        return wire.NO_CONTENT

    def _performance(self, call: Call, account: Account) -> Reply:
        _, iteration = self._found(call, account)
        query = wire.parameters(call)
        threshold = _share(query.get("threshold"), _THRESHOLD)
        overlap = _share(query.get("overlapthreshold"), _OVERLAP)
        quality = _model(iteration).quality(threshold=threshold, overlap=overlap)
        tags: list[JSON] = [
            {"id": tag.id, "name": tag.name, **_quality_json(quality.tags[tag.name])}
            for tag in iteration.tags.values()
            if tag.name in quality.tags
        ]
        return Reply({"perTagPerformance": tags, **_quality_json(quality)})

    def _publish(self, call: Call, account: Account) -> Reply:
        project, iteration = self._found(call, account)
        query = wire.parameters(call)
        name, overwrite = query.get("publishname", ""), query.get("overwrite", "").lower() == "true"
        _model(iteration)
        if not _NAME.fullmatch(name):
            raise wire.bad_request("InvalidPublishName", "The name to publish under is missing or has other signs.")
        if query.get("predictionid", "").rstrip("/").lower() != prediction_resource(account).lower():
            raise wire.bad_request("InvalidPublishTarget", "The id of the prediction resource is not valid.")
        holder = next((one for one in project.iterations.values() if one.publish_name == name), None)
        if iteration.publish_name and not (overwrite and holder in (None, iteration)):
            raise _is_published(iteration)
        if holder not in (None, iteration):
            if not overwrite:
                raise wire.bad_request("InvalidPublishName", f"{name} is the name of another published iteration.")
            assert holder is not None
            holder.publish_name = holder.publish_resource = None
        iteration.publish_name, iteration.publish_resource = name, prediction_resource(account)
        return Reply(True)

    def _unpublish(self, call: Call, account: Account) -> Reply:
        _, iteration = self._found(call, account)
        if not iteration.publish_name:
            raise wire.bad_request("IterationNotPublished", "The iteration is not published.")
        iteration.publish_name = iteration.publish_resource = None
        return wire.NO_CONTENT

    def _export(self, call: Call, account: Account) -> Reply:
        _, iteration = self._found(call, account)
        query = wire.parameters(call)
        platform, flavor = query.get("platform", ""), query.get("flavor")
        model = _model(iteration)
        if platform not in iteration.domain.platforms:
            raise wire.bad_request(
                "ExportValidationFailed", f"The domain does not export to {platform or 'no platform'}."
            )
        if any((one.platform, one.flavor) == (platform, flavor) for one in iteration.exports):
            raise wire.bad_request("ExportAlreadyInProgress", "This export has been asked for already.")
        archive = model.export(platform, flavor)
        export = Export(platform, flavor, None if archive is None else self._store.new_id())
        if export.blob is not None and archive is not None:
            self._store.blobs[export.blob] = archive
        iteration.exports.append(export)
        # Done already; the service says so only to those who ask again.
        begun = {"platform": platform, "status": "Exporting", "flavor": flavor, "newerVersionAvailable": False}
        return Reply({**begun, "downloadUri": None})

    def _exports(self, call: Call, account: Account) -> Reply:
        _, iteration = self._found(call, account)
        return Reply([wire.export_json(export, call.base_url) for export in iteration.exports])


def _model(iteration: Iteration) -> Trained:
    if iteration.model is None:
        raise wire.bad_request("IterationIsNotTrained", "The iteration is not trained.")
    return iteration.model


def _is_published(iteration: Iteration) -> Refusal:
    return wire.bad_request("IterationIsPublished", f"Iteration is already published as: {iteration.publish_name}")


def _quality_json(quality: Quality) -> dict[str, JSON]:
    return {
        "precision": quality.precision,
        "precisionStdDeviation": 0.0,
        "recall": quality.recall,
        "recallStdDeviation": 0.0,
        "averagePrecision": quality.average_precision,
    }


def _share(text: str | None, usual: float) -> float:
    try:
        return min(max(float(text), 0.0), 1.0) if text else usual
    except ValueError:
        return usual
