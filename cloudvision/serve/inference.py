"""The Open Inference Protocol, version 2, over HTTP (KServe, Triton), with the binary tensor data extension.

Every model has one input, ``image``: BYTES, shape [n] or [n, 1], each value the file of a picture; in JSON as base64.

==========  =============================================================================================================
kind        outputs
==========  =============================================================================================================
classifier  ``probabilities`` FP32 [n, labels] in the order of the model's labels (see its metadata), ``label`` BYTES [n]
            and ``confidence`` FP32 [n]: the surest
detector    ``counts`` INT64 [n]: regions of each picture; of all of them, one after the other, ``boxes`` FP32 [m, 4] (left,
            top, right, bottom as fractions), ``labels`` BYTES [m], ``scores`` FP32 [m]
gate        ``score`` FP32 [n], ``worth`` BOOL [n]
==========  =============================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloudvision._json import JSON
from cloudvision._version import version
from cloudvision.serve.answer import Answer
from cloudvision.serve.bodies import Bodies
from cloudvision.serve.catalog import Catalog, Entry
from cloudvision.serve.front import Front, Load
from cloudvision.serve.refusal import Refusal
from cloudvision.serve.tensors import Tensor, put_together, take_apart
from cloudvision.serve.wire import Endpoint, object_in, plain_error, reply

INPUT = "image"
_HEADER = "inference-header-content-length"


class Inference:
    """Answers to the routes of the protocol."""

    def __init__(self, catalog: Catalog, *, bodies: Bodies, front: Front, is_ready: Callable[[], bool]) -> None:
        self._catalog = catalog
        self._bodies = bodies
        self._front = front
        self._is_ready = is_ready

    def routes(self) -> list[Route]:
        """All of them, with and without a version."""
        found = [
            _route("/v2", "server metadata", self._server),
            _route("/v2/health/live", "live", self._live),
            _route("/v2/health/ready", "ready", self._ready),
        ]
        for model in ("/v2/models/{name}/versions/{version}", "/v2/models/{name}"):
            found += [
                _route(model, "metadata", self._metadata),
                _route(f"{model}/ready", "model ready", self._model_ready),
                _route(f"{model}/infer", "infer", self._infer, method="POST"),
            ]
        return found

    async def _server(self, _request: Request) -> Response:
        return reply({"name": "cloudvision", "version": version(), "extensions": ["binary_tensor_data"]})

    async def _live(self, _request: Request) -> Response:
        return reply({"live": True})

    async def _ready(self, _request: Request) -> Response:
        ready = self._is_ready()
        return reply({"live": True, "ready": ready}, status=200 if ready else 503)

    async def _model_ready(self, request: Request) -> Response:
        ready = self._is_ready()
        return reply({"name": self._entry(request).name, "ready": ready}, status=200 if ready else 503)

    async def _metadata(self, request: Request) -> Response:
        entry = self._entry(request)
        versions: list[JSON] = [each.version for each in self._catalog.versions(entry.name)]
        return reply(
            {
                "name": entry.name,
                "versions": versions,
                "platform": "onnxruntime_onnx",
                "inputs": [{"name": INPUT, "datatype": "BYTES", "shape": [-1]}],
                "outputs": [
                    {"name": each.name, "datatype": each.kind, "shape": [-1, *each.shape[1:]]}
                    for each in outputs(entry, [])
                ],
                "parameters": {
                    "kind": entry.runs.kind,
                    "labels": list(entry.runs.labels),
                    "threshold": entry.runs.threshold,
                },
            }
        )

    async def _infer(self, request: Request) -> Response:
        entry = self._entry(request)
        async with self._bodies.of(request) as body:
            asked, tail = _parts(body, request.headers.get(_HEADER))
            loads = self._pictures(asked, tail)
            wanted = _wanted(asked, [each.name for each in outputs(entry, [])])
            answers = await self._front.ask(entry, loads, request.receive)
        given = {each.name: each for each in outputs(entry, answers)}
        head: dict[str, JSON] = {"model_name": entry.name, "model_version": entry.version}
        if isinstance(asked.get("id"), str):
            head["id"] = asked["id"]
        data, length = put_together(head, [given[name] for name in wanted], binary=list(wanted.values()))
        if length is None:
            return Response(data, media_type="application/json")
        return Response(data, headers={_HEADER: str(length)}, media_type="application/octet-stream")

    def _entry(self, request: Request) -> Entry:
        return self._catalog.find(request.path_params["name"], request.path_params.get("version"))

    def _pictures(self, asked: Mapping[str, Any], tail: memoryview) -> list[Load]:
        inputs = asked.get("inputs")
        if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
            raise Refusal(400, f"'inputs' must be a list of one tensor, {INPUT!r}")
        tensor = inputs[0]
        if tensor.get("name") != INPUT:
            raise Refusal(400, f"unexpected inference input {tensor.get('name')!r:.80}, the model has {INPUT!r}")
        if tensor.get("datatype") != "BYTES":
            raise Refusal(400, f"{INPUT!r} is of datatype BYTES, not {tensor.get('datatype')!r:.80}")
        parameters = tensor.get("parameters")
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        loads = self._in_json(tensor.get("data")) if size is None else self._behind(tail, size)
        count = len(loads)
        if tensor.get("shape") not in ([count], [count, 1]) or not count:
            raise Refusal(400, f"{INPUT!r} has {count} values, which do not make the shape {tensor.get('shape')!r:.80}")
        return loads

    def _behind(self, tail: memoryview, size: Any) -> list[Load]:
        if size != len(tail) or isinstance(size, bool):
            raise Refusal(400, f"binary_data_size is {size!r:.80}, and {len(tail):,} bytes stand behind the JSON")
        return [self._front.picture(each, name=f"image {n}") for n, each in enumerate(take_apart(tail))]

    def _in_json(self, data: Any) -> list[Load]:
        rows = data if isinstance(data, list) else []
        # A tensor of shape [n, 1] may be written nested as well as flat.
        flat = [each[0] if isinstance(each, list) and len(each) == 1 else each for each in rows]
        if not all(isinstance(each, str) for each in flat):
            raise Refusal(400, f"the data of {INPUT!r} must be a list of base64 text")
        return [self._front.encoded(each, name=f"image {number}") for number, each in enumerate(flat)]


def outputs(entry: Entry, answers: Sequence[Answer]) -> tuple[Tensor, ...]:
    """What a model of that kind gives; with no answers only names, kinds and shapes are of use."""
    count = len(answers)
    if entry.runs.kind == "gate":
        verdicts = [answer.verdict for answer in answers if answer.verdict is not None]
        return (
            Tensor("score", "FP32", (count,), [each.score for each in verdicts]),
            Tensor("worth", "BOOL", (count,), [each.worth for each in verdicts]),
        )
    if entry.runs.kind == "detect":
        regions = [each for answer in answers for each in answer.regions or ()]
        corners = [
            corner for box in (each.box for each in regions) for corner in (box.left, box.top, box.right, box.bottom)
        ]
        return (
            Tensor("counts", "INT64", (count,), [len(answer.regions or ()) for answer in answers]),
            Tensor("boxes", "FP32", (len(regions), 4), corners),
            Tensor("labels", "BYTES", (len(regions),), [each.name for each in regions]),
            Tensor("scores", "FP32", (len(regions),), [each.confidence for each in regions]),
        )
    labels = [answer.labels or () for answer in answers]
    rows = [{label.name: label.confidence for label in each} for each in labels]
    names = entry.runs.labels
    return (
        Tensor("probabilities", "FP32", (count, len(names)), [row[name] for row in rows for name in names]),
        Tensor("label", "BYTES", (count,), [each[0].name for each in labels]),
        Tensor("confidence", "FP32", (count,), [each[0].confidence for each in labels]),
    )


def _parts(body: bytes, announced: str | None) -> tuple[dict[str, Any], memoryview]:
    """The JSON, and what stands behind it."""
    whole = memoryview(body)
    if announced is None:
        return object_in(body), whole[len(body) :]
    if not (announced.isascii() and announced.isdecimal() and len(announced) < 19) or int(announced) > len(body):
        raise Refusal(400, f"Inference-Header-Content-Length is {announced[:40]!r}, of a body of {len(body):,} bytes")
    return object_in(whole[: int(announced)]), whole[int(announced) :]


def _wanted(asked: Mapping[str, Any], known: Sequence[str]) -> dict[str, bool]:
    """Name of each output that is wanted, and whether as bytes."""
    by_default = _parameter(asked, "binary_data_output") is True
    listed = asked.get("outputs")
    if listed is None or listed == []:
        return dict.fromkeys(known, by_default)
    wanted: dict[str, bool] = {}
    for each in listed if isinstance(listed, list) else [listed]:
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(name, str) or name not in known:
            raise Refusal(400, f"unexpected inference output {name!r:.80}, the model has {', '.join(known)}")
        said = _parameter(each, "binary_data")
        wanted[name] = by_default if said is None else said is True
    return wanted


def _parameter(of: Mapping[str, Any], name: str) -> Any:
    parameters = of.get("parameters")
    return parameters.get(name) if isinstance(parameters, dict) else None


def _route(path: str, name: str, handler: Any, *, method: str = "GET") -> Route:
    return Route(path, Endpoint(f"v2 {name}", handler, plain_error), methods=[method])
