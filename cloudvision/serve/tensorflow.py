"""TensorFlow Serving's REST API, so that its clients need no change.

=======================================================  =================================================
``GET /v1/models/NAME[/versions/V]``                     status of all versions, or of one
``GET /v1/models/NAME[/versions/V]/metadata``            inputs, outputs and labels
``POST /v1/models/NAME[/versions/V]:predict``            ``{"instances": [{"b64": "..."}]}``
``POST /v1/models/NAME[/versions/V]:classify``           ``{"examples": [{"image": {"b64": "..."}}]}``
=======================================================  =================================================

`predict` answers with what a network of the kind gives: a gate ``[[score], ...]``, a classifier its probabilities in the
order of its labels, a detector objects with ``boxes`` (left, top, right, bottom as fractions), ``labels`` and ``scores``.
`classify` gives names: ``[[["apple", 0.98], ["banana", 0.01]], ...]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloudvision._json import JSON
from cloudvision.serve.answer import Answer
from cloudvision.serve.bodies import Bodies
from cloudvision.serve.catalog import Catalog, Entry
from cloudvision.serve.front import Front, Load
from cloudvision.serve.refusal import Refusal
from cloudvision.serve.wire import Endpoint, object_in, reply

SIGNATURE = "serving_default"
_Outputs = Mapping[str, tuple[str, tuple[int, ...]]]
_OUTPUTS: Mapping[str, _Outputs] = {
    "gate": {"score": ("DT_FLOAT", (1,))},
    "detect": {"boxes": ("DT_FLOAT", (-1, 4)), "labels": ("DT_STRING", (-1,)), "scores": ("DT_FLOAT", (-1,))},
}


class TensorFlow:
    """Answers to the routes of this module."""

    def __init__(self, catalog: Catalog, *, bodies: Bodies, front: Front) -> None:
        self._catalog = catalog
        self._bodies = bodies
        self._front = front

    def routes(self) -> list[Route]:
        """All of them, with and without a version."""
        found = []
        for model in ("/v1/models/{name}/versions/{version}", "/v1/models/{name}"):
            for name, method, suffix, handler in (
                ("predict", "POST", ":predict", self._predict),
                ("classify", "POST", ":classify", self._classify),
                ("metadata", "GET", "/metadata", self._metadata),
                ("status", "GET", "", self._status),
            ):
                endpoint = Endpoint(f"tensorflow {name}", handler, _error)
                found.append(Route(f"{model}{suffix}", endpoint, methods=[method]))
        return [*found, Route("/v1/{rest:path}", Endpoint("tensorflow unknown", _malformed, _error))]

    async def _predict(self, request: Request) -> Response:
        entry = self._entry(request)
        async with self._bodies.of(request) as body:
            asked = object_in(body)
            _check_signature(asked)
            if ("instances" in asked) == ("inputs" in asked):
                raise Refusal(400, "JSON Value must have either 'instances' or 'inputs', and not both")
            rows = "instances" in asked
            loads = self._instances(asked["instances"]) if rows else self._inputs(asked["inputs"])
            answers = await self._front.ask(entry, loads, request.receive)
        if rows:
            return reply({"predictions": [_prediction(entry, answer) for answer in answers]})
        columns = [_prediction(entry, answer) for answer in answers]
        if entry.runs.kind == "detect":
            return reply({"outputs": {name: [each[name] for each in columns] for name in _OUTPUTS["detect"]}})
        return reply({"outputs": columns})

    async def _classify(self, request: Request) -> Response:
        entry = self._entry(request)
        if entry.runs.kind == "detect":
            raise Refusal(400, "a detector does not classify: ask for :predict")
        async with self._bodies.of(request) as body:
            asked = object_in(body)
            _check_signature(asked)
            loads = self._instances(asked.get("examples"), "examples")
            answers = await self._front.ask(entry, loads, request.receive)
        return reply({"results": [_named(answer) for answer in answers]})

    async def _status(self, request: Request) -> Response:
        name, version = _place(request)
        if ":" in (version or name):  # a method that is none, or one that is not asked with GET
            return await _malformed(request)
        entries = self._catalog.versions(name) if version is None else (self._catalog.find(name, version),)
        return reply(
            {
                "model_version_status": [
                    {
                        "version": entry.version,
                        "state": "AVAILABLE",
                        "status": {"error_code": "OK", "error_message": ""},
                    }
                    for entry in entries
                ]
            }
        )

    async def _metadata(self, request: Request) -> Response:
        entry = self._entry(request)
        outputs = _OUTPUTS.get(entry.runs.kind) or {"probabilities": ("DT_FLOAT", (len(entry.runs.labels),))}
        definition: dict[str, JSON] = {
            "inputs": {"image": _tensor("image", "DT_STRING", ())},
            "outputs": {name: _tensor(name, kind, shape) for name, (kind, shape) in outputs.items()},
            "method_name": "tensorflow/serving/predict",
        }
        return reply(
            {
                "model_spec": {"name": entry.name, "signature_name": "", "version": entry.version},
                "metadata": {"signature_def": {"signature_def": {SIGNATURE: definition}}},
                "kind": entry.runs.kind,
                "labels": list(entry.runs.labels),
                "threshold": entry.runs.threshold,
            }
        )

    def _entry(self, request: Request) -> Entry:
        return self._catalog.find(*_place(request))

    def _inputs(self, given: Any) -> list[Load]:
        """The columns of one input: bare, or under whatever name the client knows it by."""
        if isinstance(given, dict) and len(given) == 1 and "b64" not in given:
            (given,) = given.values()
        return self._instances([given] if isinstance(given, dict) else given, "inputs")

    def _instances(self, given: Any, key: str = "instances") -> list[Load]:
        if not isinstance(given, list) or not given:
            raise Refusal(400, f"JSON Value for {key!r} must be a list with at least one value")
        return [self._instance(each, number, key) for number, each in enumerate(given)]

    def _instance(self, given: Any, number: int, key: str) -> Load:
        if isinstance(given, dict) and len(given) == 1 and "b64" not in given:
            (given,) = given.values()
        if not (isinstance(given, dict) and isinstance(given.get("b64"), str)):
            reason = "an image is an object with its base64 under the key b64"
            raise Refusal(400, f"Failed to process element: {number} of {key!r} list. Error: {reason}")
        return self._front.encoded(given["b64"], name=f"element {number} of {key!r}")


async def _malformed(request: Request) -> Response:
    # TensorFlow Serving calls a path that it does not know a bad request.
    raise Refusal(400, f"Malformed request: {request.method} {request.url.path[:200]}")


def _place(request: Request) -> tuple[str, str | None]:
    return request.path_params["name"], request.path_params.get("version")


def _check_signature(asked: Mapping[str, Any]) -> None:
    signature = asked.get("signature_name", SIGNATURE)
    if signature not in ("", SIGNATURE):
        raise Refusal(400, f"Serving signature name: {signature!r:.80} not found in signature def")


def _prediction(entry: Entry, answer: Answer) -> Any:
    if answer.verdict is not None:
        return [answer.verdict.score]
    if answer.regions is not None:
        return {
            "boxes": [[each.box.left, each.box.top, each.box.right, each.box.bottom] for each in answer.regions],
            "labels": [each.name for each in answer.regions],
            "scores": [each.confidence for each in answer.regions],
        }
    confidence = {label.name: label.confidence for label in answer.labels or ()}
    return [confidence[name] for name in entry.runs.labels]


def _named(answer: Answer) -> list[JSON]:
    if answer.verdict is not None:
        score = answer.verdict.score
        pairs = sorted([(score, "worth"), (1 - score, "skip")], reverse=True)
        return [[name, share] for share, name in pairs]
    return [[label.name, label.confidence] for label in answer.labels or ()]


def _tensor(name: str, kind: str, shape: Sequence[int]) -> JSON:
    sizes = [{"size": str(size), "name": ""} for size in (-1, *shape)]
    return {"dtype": kind, "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": f"{name}:0"}


def _error(refusal: Refusal) -> Mapping[str, JSON]:
    if refusal.model is None:
        return {"error": refusal.reason}
    name, version = refusal.model
    which = f"Latest({name[:200]})" if version is None else f"Specific({name[:200]}, {version[:200]})"
    return {"error": f"Servable not found for request: {which}"}
