"""What the Azure services have in common on the wire: keys, error bodies of the gateway, headers of every answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl

from cloudvision._json import JSON
from cloudvision.emulator.accounts import Account, Accounts
from cloudvision.emulator.reply import Refusal, Reply
from cloudvision.emulator.service import Call

KEY_HEADER = "ocp-apim-subscription-key"
BAD_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active "
    "subscription and use a correct regional API endpoint for your resource."
)
EXPIRED = "The access token has expired or the key has been regenerated. Renew it and try again."


def key_account(call: Call, accounts: Accounts, *, header: str = KEY_HEADER) -> Account:
    """The account whose key stands in `header`, or whose token is in `Authorization`.

    Raises:
        Refusal: 401, as the gateway in front of the services words it.
    """
    kind, _, token = call.headers.get("authorization", "").partition(" ")
    found = accounts.by_key(call.headers.get(header, ""))
    if found is None and kind.lower() == "bearer":
        found = accounts.by_token(token.strip())
    if found is None:
        raise Refusal(gateway_error(401, BAD_KEY))
    return found


def gateway_error(status: int, message: str) -> Reply:
    """An error of the gateway: its code is the status as text."""
    return Reply({"error": {"code": str(status), "message": message}}, status=status)


def error(status: int, code: str, message: str, *, inner: Mapping[str, JSON] | None = None) -> Reply:
    """`{"error": {"code", "message", "innererror"?}}`, with the code in a header as well."""
    body: dict[str, JSON] = {"code": code, "message": message}
    if inner is not None:
        body["innererror"] = inner
    return Reply({"error": body}, status=status, headers={"x-ms-error-code": code})


def numbered(reply: Reply, number: str, *, region: str | None = None) -> Reply:
    """The same with the id of the request and, for answers from behind the gateway, the region."""
    where = {} if region is None else {"x-ms-region": region}
    return replace(reply, headers={"apim-request-id": number, **where, **reply.headers})


def parameters_of(query: str) -> dict[str, str]:
    """The query string's parameters; of several with one name, the first. Names are in lower case: Azure ignores it."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name.lower(), value)
    return found
