"""Error answers of AWS's JSON protocol, read from what was received: no SDK is needed to tell what went wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from cloudvision._retry_after import retry_after
from cloudvision.errors import ProviderError, RejectedError, ThrottledError, UnavailableError
from cloudvision.providers._aws_codes import SIGNATURE, judge
from cloudvision.raw import Raw

_S3_DENIED = "the S3 object may not be read: allow s3:GetObject for it, and kms:Decrypt where it is encrypted"
_MESSAGE_LENGTH = 300


def json_of(text: str) -> object:
    """The JSON value of a body; None when it is not JSON at all."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def answer_error(raw: Raw, *, provider: str) -> ProviderError | None:
    """The error that an answer stands for, None for an answer that is none.

    An answer is an error by its status, or by its `__type` whatever the status. None of them is billed.
    """
    body = json_of(raw.body)
    fields: Mapping[str, object] = body if isinstance(body, dict) else {}
    if 200 <= raw.status < 300 and "__type" not in fields:
        return None
    code, said = _code(raw, fields), _said(fields)
    kind, remedy = judge(code, raw.status)
    if code in ("AccessDeniedException", "AccessDenied") and _about_s3(raw, said):
        kind, remedy = RejectedError, _S3_DENIED
    error = kind(
        f"{provider}: {_message(raw, code, remedy, said=said)}",
        provider=provider,
        status=raw.status,
        code=code,
        request_id=raw.header("x-amzn-requestid") or _text(fields.get("Logref")),
    )
    error.billed = False
    if isinstance(error, ThrottledError | UnavailableError):
        error.retry_after = retry_after(dict(raw.headers), now=raw.received_at)
    return error


def _about_s3(raw: Raw, said: str) -> bool:
    # The same code stands for "not this object" and for "not DetectText at all"; only the second one is the same for
    # every picture. Only a picture that the service fetched itself has no size of ours.
    if "rekognition:" in said.lower():
        return False
    return "s3" in said.lower() or raw.width is None


def _code(raw: Raw, fields: Mapping[str, object]) -> str | None:
    for given in (fields.get("__type"), fields.get("Code"), fields.get("code"), raw.header("x-amzn-errortype")):
        if isinstance(given, str) and given:
            # Forms seen: "Code", "namespace#Code", "Code:http://address".
            return re.split(r":", given.rpartition("#")[2], maxsplit=1)[0]
    return None


def _said(fields: Mapping[str, object]) -> str:
    return _text(fields.get("Message")) or _text(fields.get("message")) or ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _message(raw: Raw, code: str | None, remedy: str, *, said: str) -> str:
    # A refused signature is answered with the request as it should have been signed, session token included: its text
    # is not passed on.
    told = said and remedy != SIGNATURE
    quoted = f" (the service says: {' '.join(said.split())[:_MESSAGE_LENGTH]})" if told else ""
    return f"{remedy}; status {raw.status}{f', {code}' if code else ''}{quoted}"
