"""Azure Document Intelligence, API versions 2022-08-31 and 2023-07-31: analyses, their results, models and limits.

Four models are here: prebuilt-read, prebuilt-layout, prebuilt-receipt and prebuilt-invoice. Any other is answered as one
that does not exist. Not taken, unlike the service: Office files and HTML with prebuilt-read, and the features languages,
barcodes, formulas and styleFont (keyValuePairs only with prebuilt-layout and prebuilt-invoice). Not found: selection marks
and handwriting (`styles` is always empty).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cloudvision._json import JSON
from cloudvision.emulator import azure_wire, document_errors
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.document_models import CREATED, MODELS, Model, find_model
from cloudvision.emulator.document_operations import Operations, written
from cloudvision.emulator.document_request import VERSIONS, Request, check_version, read_request
from cloudvision.emulator.document_task import opened
from cloudvision.emulator.service import Call, Operation, Refusal, Reply, Surroundings, Trouble
from cloudvision.quotas import QUOTAS, Quota

BASE = "/formrecognizer"
MAX_BYTES = {"F0": 4 * 2**20, "S0": 500 * 2**20}
"""Largest file by tier."""

FREE_PAGES = 2
"""The free tier looks at no more, and does not say so."""

REGION = "East US"
Answer = Callable[[Call, Account], Reply]
_RETRY_AFTER = {"Retry-After": "1"}
_DAY_S = 24 * 3600


class DocumentIntelligence:
    """See `Service`."""

    name = "document-intelligence"
    retry_after = "seconds"

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._operations = Operations(pool=surroundings.pool, now=surroundings.now)
        self._tier = "F0" if surroundings.tier == "F0" else "S0"
        quota = Quota() if surroundings.tier is None else QUOTAS["azure-document-intelligence"][self._tier]
        polls = Quota(per_second=quota.polls_per_second)
        route, analyses = self._route, "/documentModels/{model}:analyze"
        results = "/documentModels/{model}/analyzeResults/{result}"
        posts = Quota(per_second=quota.per_second)
        self.operations = (
            route("Analyze", "POST", analyses, self._analyze, max_body=MAX_BYTES[self._tier], quota=posts),
            route("GetAnalyzeResult", "GET", results, self._result, quota=polls),
            route("ListModels", "GET", "/documentModels", self._list_models),
            route("GetModel", "GET", "/documentModels/{model}", self._get_model),
            route("GetInfo", "GET", "/info", self._info),
            route("ListClassifiers", "GET", "/documentClassifiers", self._none),
            route("ListOperations", "GET", "/operations", self._none),
            # Retired on 2026-08-31.
            route("Retired", "POST", "/v2.0/{rest:path}", self._gone, max_body=MAX_BYTES[self._tier]),
            route("Retired", "GET", "/v2.0/{rest:path}", self._gone),
        )

    def account(self, call: Call, /) -> Account:
        """By the key in the header, or the token."""
        try:
            return azure_wire.key_account(call, self._around.accounts)
        except Refusal as refusal:
            raise Refusal(azure_wire.numbered(refusal.reply, self._around.new_id())) from refusal

    def trouble(self, trouble: Trouble, call: Call, /, *, status: int, code: str | None) -> Reply:
        """As the service words it."""
        match trouble:
            case Trouble.UNKNOWN_KEY | Trouble.WRONG_REGION:
                reply = azure_wire.gateway_error(401, azure_wire.BAD_KEY)
            case Trouble.EXPIRED_KEY:
                reply = azure_wire.gateway_error(401, azure_wire.EXPIRED)
            case Trouble.TOO_LARGE:
                reply = document_errors.invalid_request(*document_errors.LENGTH)
            case Trouble.THROTTLED:
                operation = "Analyze Document" if call.method == "POST" else "Get Analyze Document Result"
                message = document_errors.RATE.format(operation=operation, tier=self._tier)
                reply = azure_wire.gateway_error(429, message)
            case _:
                usual = "ServiceUnavailable" if status == 503 else "InternalServerError"
                reply = azure_wire.error(status, code or usual, "An unexpected error occurred.")
        return self._headed(reply)

    def environment(self, url: str, account: Account) -> Mapping[str, str]:
        """Endpoint and key."""
        return {"DOCUMENT_INTELLIGENCE_ENDPOINT": url, "DOCUMENT_INTELLIGENCE_KEY": account.key}

    def _headed(self, reply: Reply) -> Reply:
        return azure_wire.numbered(reply, self._around.new_id(), region=REGION)

    def _route(
        self, name: str, method: str, path: str, answer: Answer, *, max_body: int = 2**20, quota: Quota = Quota()
    ) -> Operation:
        """An operation whose answers, refusals too, carry the headers of every answer."""

        def headed(call: Call, account: Account) -> Reply:
            try:
                return self._headed(answer(call, account))
            except Refusal as refusal:
                raise Refusal(self._headed(refusal.reply)) from refusal

        return Operation(name, method, f"{BASE}{path}", headed, max_body=max_body, quota=quota)

    def _analyze(self, call: Call, account: Account) -> Reply:
        request = read_request(call, fetch=self._around.fetch, max_bytes=MAX_BYTES[self._tier])
        number = self._around.new_id()
        placed = self._around.placed.find(self.name, request.data)
        if placed is not None and placed.status != 200:
            return placed
        if placed is not None:
            self._operations.finished(number, _result_in(placed.body), account=account.name, model=request.model.id)
            units = _units(request, 1)
        else:
            task = opened(request, most_pages=FREE_PAGES if self._tier == "F0" else None)
            self._operations.start(
                number,
                lambda: task.result(self._around.reader.read),
                account=account.name,
                model=request.model.id,
            )
            units = _units(request, len(task.pages))
        place = f"{call.base_url}{BASE}/documentModels/{request.model.id}/analyzeResults/{number}"
        headers = {
            "Operation-Location": f"{place}?api-version={request.version}",
            "apim-request-id": number,
            **_RETRY_AFTER,
        }
        return Reply(status=202, headers=headers, units=units)

    def _result(self, call: Call, account: Account) -> Reply:
        check_version(call)
        state = self._operations.state(call.places["result"], account=account.name, model=call.places["model"])
        if not isinstance(state, dict):
            raise document_errors.operation_not_found()
        waits = state["status"] in ("notStarted", "running")
        return Reply(state, headers=_RETRY_AFTER if waits else {})

    def _list_models(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - all accounts have the same
        check_version(call)
        return Reply({"value": [_summary(model) for model in MODELS]})

    def _get_model(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - all accounts have the same
        check_version(call)
        model = find_model(call.places["model"])
        if model is None:
            raise document_errors.model_not_found()
        return Reply(_summary(model))

    def _info(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - all accounts have the same
        check_version(call)
        free = self._tier == "F0"
        resets = written((self._around.now() // _DAY_S + 1) * _DAY_S)
        body: dict[str, JSON] = {
            "customDocumentModels": {"count": 0, "limit": 500 if free else 5000},
            "customNeuralDocumentModelBuilds": {"used": 0, "quota": 20, "quotaResetDateTime": resets},
        }
        return Reply(body)

    def _none(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - nothing can be built here
        check_version(call)
        return Reply({"value": []})

    def _gone(self, call: Call, account: Account) -> Reply:  # noqa: ARG002 - for every account
        raise document_errors.gone("v2.0")


def _units(request: Request, count: int) -> dict[str, int]:
    units = {f"document-intelligence {request.model.page_class} pages": count}
    if request.high_resolution:
        units["document-intelligence add-on pages"] = count
    return units


def _summary(model: Model) -> JSON:
    return {
        "modelId": model.id,
        "description": model.description,
        "createdDateTime": CREATED,
        "apiVersion": VERSIONS[-1],
    }


def _result_in(body: JSON | bytes) -> JSON:
    """The `analyzeResult` of a placed answer, which may be the body of a whole poll."""
    if isinstance(body, dict) and "analyzeResult" in body:
        found: JSON = body["analyzeResult"]
        return found
    return None if isinstance(body, bytes) else body
