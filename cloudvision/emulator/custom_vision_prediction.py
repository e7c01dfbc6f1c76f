"""Prediction in the emulated Custom Vision: published iterations, quick tests and stored predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cloudvision import images
from cloudvision._json import JSON
from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_form import pictures_in
from cloudvision.emulator.custom_vision_images import FORMATS
from cloudvision.emulator.custom_vision_lookup import Lookup
from cloudvision.emulator.custom_vision_state import Iteration, Prediction, Project
from cloudvision.emulator.custom_vision_trainer import Guess
from cloudvision.emulator.placed import Placed
from cloudvision.emulator.service import Call, Reply
from cloudvision.errors import ImageError

MAX_BYTES = 4 * 2**20
"""Largest picture to predict on."""

UNIT = "custom-vision predictions"
_MOST_BOXES = 200
_MOST_RESULTS = 100

Take = Callable[[Call], bytes]


class Predictions:
    """Answers to the routes of this module.

    Args:
        fetch: the bytes behind an address; raises ImageError.
        placed: answers for chosen pictures.
    """

    def __init__(self, store: Lookup, *, fetch: Callable[[str], bytes], placed: Placed) -> None:
        self._store = store
        self._fetch = fetch
        self._placed = placed

    def routes(self) -> Sequence[tuple[str, str, str, wire.Answer]]:
        """Name, method, path and answer of each route of the prediction resource."""
        found = []
        for kind, name in (("classify", "Classify"), ("detect", "Detect")):
            for source, take in (("image", _sent), ("url", self._fetched)):
                for store in (True, False):
                    what = f"{name}Image{'Url' if source == 'url' else ''}{'' if store else 'WithNoStore'}"
                    path = f"/{{project}}/{kind}/iterations/{{published}}/{source}{'' if store else '/nostore'}"
                    found.append((what, "POST", path, self._published(kind == "detect", take, store=store)))
        return found

    def training_routes(self) -> Sequence[tuple[str, str, str, wire.Answer]]:
        """Those of the training resource."""
        project = "/projects/{project}"
        return (
            ("QuickTestImage", "POST", f"{project}/quicktest/image", self._quick(_sent)),
            ("QuickTestImageUrl", "POST", f"{project}/quicktest/url", self._quick(self._fetched)),
            ("QueryPredictions", "POST", f"{project}/predictions/query", self._query),
            ("DeletePrediction", "DELETE", f"{project}/predictions", self._delete),
        )

    def _published(self, detects: bool, take: Take, *, store: bool) -> wire.Answer:
        def answer(call: Call, account: Account) -> Reply:
            with self._store.lock:
                project = self._store.project(call, account)
                name = call.places["published"]
                iteration = next((one for one in project.iterations.values() if one.publish_name == name), None)
            if iteration is None:
                raise wire.not_found("Iteration")
            if project.detects is not detects:
                raise wire.bad_request("NotSupported", "Invalid project type for operation.")
            return self._predicted(project, iteration, take(call), store=store)

        return answer

    def _quick(self, take: Take) -> wire.Answer:
        def answer(call: Call, account: Account) -> Reply:
            query = wire.parameters(call)
            with self._store.lock:
                project = self._store.project(call, account)
                wanted = query.get("iterationid")
                done = [one for one in project.iterations.values() if one.model is not None]
                if not wanted and not done:
                    raise wire.bad_request("IterationIsNotTrained", "No iteration of the project is trained.")
                iteration = self._store.iteration(project, wanted) if wanted else done[-1]
            if iteration.model is None:
                raise wire.bad_request("IterationIsNotTrained", "The iteration is not trained.")
            return self._predicted(project, iteration, take(call), store=query.get("store", "true").lower() != "false")

        return answer

    def _fetched(self, call: Call) -> bytes:
        url = wire.object_in(call).get("url")
        if not isinstance(url, str) or not url:
            raise wire.bad_request("ImageUrl", "There is no address of an image.")
        try:
            return self._fetch(url)
        except ImageError as error:
            raise wire.bad_request("ImageUrl", "The image cannot be had from its address.") from error

    def _predicted(self, project: Project, iteration: Iteration, data: bytes, *, store: bool) -> Reply:
        if len(data) > MAX_BYTES:
            raise wire.bad_request("ImageSizeBytes", f"An image has at most {MAX_BYTES} bytes.")
        placed = self._placed.find("custom-vision", data)
        if placed is not None:
            return Reply(placed.body, placed.status, placed.headers, {UNIT: 1} if placed.status == 200 else {})
        try:
            image = images.load(data)
        except ImageError as error:
            raise wire.bad_request("ImageFormat", "The image is damaged or of a format that is not taken.") from error
        if image.format not in FORMATS:
            raise wire.bad_request("ImageFormat", f"The image is a {image.format}, which is not taken.")
        assert iteration.model is not None
        guesses = sorted(iteration.model.predict(data), key=lambda guess: -guess.probability)[:_MOST_BOXES]
        prediction = Prediction(self._store.new_id(), iteration.id, self._store.now(), data, tuple(guesses))
        if store:
            with self._store.lock:
                project.predictions[prediction.id] = prediction
        return Reply(_prediction_json(prediction, project, iteration), units={UNIT: 1})

    def _query(self, call: Call, account: Account) -> Reply:
        token = wire.object_in(call)
        with self._store.lock:
            project = self._store.project(call, account)
            wanted = str(token.get("iterationId") or "").lower()
            found = [one for one in project.predictions.values() if wanted in ("", one.iteration)]
        found.sort(key=lambda one: one.created, reverse=token.get("orderBy") != "Oldest")
        start = wire.number_in(str(token.get("continuation") or "0"), 0)
        most = wire.number_in(str(token.get("maxCount") or _MOST_RESULTS), _MOST_RESULTS, least=1, most=_MOST_RESULTS)
        shown = found[start : start + most]
        more = str(start + most) if start + most < len(found) else None
        known = project.iterations
        results = [_prediction_json(one, project, known[one.iteration]) for one in shown if one.iteration in known]
        return Reply({"token": {**token, "continuation": more}, "results": results})

    def _delete(self, call: Call, account: Account) -> Reply:
        ids = wire.ids_in(wire.parameters(call).get("ids"))
        if not ids:
            raise wire.bad_request("PredictionIdsMissing", "Name predictions to delete.")
        with self._store.lock:
            project = self._store.project(call, account)
            for one in ids:
                project.predictions.pop(one, None)
        return wire.NO_CONTENT


def _sent(call: Call) -> bytes:
    pictures = pictures_in(call)
    if len(pictures) != 1 or not pictures[0][1]:
        raise wire.bad_request("ImageStream", "There is not one image in the request.")
    return pictures[0][1]


def _prediction_json(prediction: Prediction, project: Project, iteration: Iteration) -> JSON:
    ids = {tag.name: tag for tag in iteration.tags.values()}
    return {
        "id": prediction.id,
        "project": project.id,
        "iteration": iteration.id,
        "created": wire.written(prediction.created),
        "predictions": [
            {
                "probability": guess.probability,
                "tagId": ids[guess.tag].id,
                "tagName": guess.tag,
                **_box_json(guess),
                "tagType": ids[guess.tag].type,
            }
            for guess in prediction.guesses
            if guess.tag in ids
        ],
    }


def _box_json(guess: Guess) -> dict[str, JSON]:
    if guess.box is None:
        return {}
    left, top, width, height = guess.box
    return {"boundingBox": {"left": left, "top": top, "width": width, "height": height}}
