"""``POST /predict``: a form or a bare picture in, the library's own answer out.

The answer is that of `cloudvision run` for a local model, so `Analysis.from_json` reads it; a gate's is that of
`cloudvision gate judge --json`. Where the model has a sentence for its surest label, it is under ``sentence``. Several
pictures in one form get ``{"answers": [...]}``.
"""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloudvision._json import JSON
from cloudvision.results import Analysis, Provenance
from cloudvision.serve.answer import Answer
from cloudvision.serve.bodies import Bodies
from cloudvision.serve.catalog import Catalog, Entry
from cloudvision.serve.front import Front
from cloudvision.serve.pictures import pictures_in
from cloudvision.serve.wire import Endpoint, plain_error, reply


class Predict:
    """Answers to ``/predict`` (the first model) and ``/predict/NAME[/VERSION]``."""

    def __init__(self, catalog: Catalog, *, bodies: Bodies, front: Front) -> None:
        self._catalog = catalog
        self._bodies = bodies
        self._front = front

    def routes(self) -> list[Route]:
        """All of them."""
        endpoint = Endpoint("predict", self._predict, plain_error)
        paths = ("/predict", "/predict/{name}", "/predict/{name}/{version}")
        return [Route(path, endpoint, methods=["POST"]) for path in paths]

    async def _predict(self, request: Request) -> Response:
        entry = self._catalog.find(request.path_params.get("name"), request.path_params.get("version"))
        async with self._bodies.of(request) as body:
            sent = pictures_in(request, body)
            loads = [self._front.picture(each.data, name=each.name) for each in sent]
            answers = await self._front.ask(entry, loads, request.receive)
        written = [described(entry, answer, name=each.name) for each, answer in zip(sent, answers, strict=True)]
        return reply(written[0] if len(written) == 1 else {"answers": written})


def described(entry: Entry, answer: Answer, *, name: str) -> dict[str, JSON]:
    """The library's own form of an answer; `name` is what the picture is called."""
    if answer.verdict is not None:
        return {"source": name, **asdict(answer.verdict)}
    analysis = Analysis(
        answer.width,
        answer.height,
        labels=answer.labels,
        regions=answer.regions,
        provenance=Provenance("onnx", model_version=f"{entry.name} {entry.version}"),
    )
    surest = (answer.labels or answer.regions or (None,))[0]
    sentence = entry.runs.sentences.get(surest.name) if surest else None
    return {"source": name, **analysis.to_json(), **({"sentence": sentence} if sentence else {})}
