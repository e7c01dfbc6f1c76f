"""The routes of a Custom Vision export in its container, and those of the prediction service itself.

``POST /image`` and ``POST /url`` ask the first model. With the paths of the service,
``/{project}/classify/iterations/{published name}/image``, the published name is the name of a model, so that the
unmodified prediction SDK finds it at this server as its endpoint.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloudvision._json import JSON
from cloudvision.serve.answer import Answer
from cloudvision.serve.bodies import Bodies
from cloudvision.serve.catalog import Catalog, Entry
from cloudvision.serve.front import Front, Load
from cloudvision.serve.pictures import pictures_in
from cloudvision.serve.refusal import BAD_ADDRESS, BAD_PICTURE, BAD_REQUEST, Refusal
from cloudvision.serve.wire import Endpoint, object_in, reply

_SERVICE = "/customvision/{api}/prediction"
_NAMES = uuid.UUID("6d2b5a0c-58a3-4a56-9b39-7f1f0c7f3a11")
"""Ids are made of names within it: the same model has the same ids wherever it is served."""

_Take = Callable[[Request, bytes], Awaitable[Load]]


class CustomVision:
    """Answers to the routes of this module.

    Args:
        now: the time to write into answers.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        bodies: Bodies,
        front: Front,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._catalog = catalog
        self._bodies = bodies
        self._front = front
        self._now = now

    def routes(self) -> list[Route]:
        """The container's own paths, and below them those that it shares with the service."""
        found: list[tuple[str, str, _Take, str | None]] = []
        for source, take in (("image", self._sent), ("url", self._addressed)):
            paths = [f"/{source}", f"/{{project}}/{source}", f"/{{project}}/{source}/nostore"]
            found += [(path, source, take, None) for path in paths]
            for kind in ("classify", "detect"):
                path = f"/{{project}}/{kind}/iterations/{{published}}/{source}"
                paths = [path, f"{path}/nostore", f"{_SERVICE}{path}", f"{_SERVICE}{path}/nostore"]
                found += [(path, source, take, kind) for path in paths]
        return [
            Route(path, Endpoint(f"custom-vision {source}", self._predict(take, kind), _error), methods=["POST"])
            for path, source, take, kind in found
        ]

    def _predict(self, take: _Take, kind: str | None) -> Callable[[Request], Awaitable[Response]]:
        async def predict(request: Request) -> Response:
            entry = self._catalog.find(request.path_params.get("published"))
            if kind is not None and (kind == "detect") != (entry.runs.kind == "detect"):
                raise Refusal(400, f"{entry.name} is of the kind {entry.runs.kind}", code=f"{BAD_REQUEST}NotSupported")
            async with self._bodies.of(request) as body:
                answer = await self._front.one(entry, await take(request, body), request.receive)
            return reply(self._written(entry, answer, request.path_params.get("project")))

        return predict

    async def _sent(self, request: Request, body: bytes) -> Load:
        pictures = pictures_in(request, body, prefer="imageData")
        if len(pictures) != 1:
            raise Refusal(400, "there is more than one image in the request", code=BAD_PICTURE)
        return self._front.picture(pictures[0].data)

    async def _addressed(self, _request: Request, body: bytes) -> Load:
        asked = object_in(body)
        url = asked.get("url", asked.get("Url"))
        if not isinstance(url, str) or not url:
            raise Refusal(400, "there is no address of an image under the key url", code=BAD_ADDRESS)
        return await self._front.fetched(url)

    def _written(self, entry: Entry, answer: Answer, project: str | None) -> JSON:
        own = uuid.uuid5(_NAMES, entry.name)
        return {
            "id": str(uuid.uuid4()),
            "project": str(_uuid(project) or own),
            "iteration": str(uuid.uuid5(own, f"version {entry.version}")),
            "created": self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "predictions": [
                {
                    "probability": probability,
                    "tagId": str(uuid.uuid5(own, f"tag {name}")),
                    "tagName": name,
                    "boundingBox": box,
                }
                for name, probability, box in _predictions(answer)
            ],
        }


def _predictions(answer: Answer) -> list[tuple[str, float, JSON]]:
    if answer.verdict is not None:
        score = answer.verdict.score
        both: list[tuple[str, float, JSON]] = [("worth", score, None), ("skip", 1 - score, None)]
        return sorted(both, key=lambda each: -each[1])
    if answer.regions is None:
        return [(label.name, label.confidence, None) for label in answer.labels or ()]
    return [
        (
            each.name,
            each.confidence,
            {"left": each.box.left, "top": each.box.top, "width": each.box.width, "height": each.box.height},
        )
        for each in answer.regions
    ]


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return None if text is None else uuid.UUID(text)
    except ValueError:
        return None


def _error(refusal: Refusal) -> Mapping[str, JSON]:
    return {"code": refusal.code, "message": refusal.reason}
