"""Answers that were saved to files, in one of three forms."""

from __future__ import annotations

import json

from cloudvision._json import JSON
from cloudvision.raw import Raw


def read_saved(text: str) -> Raw:
    """The answer in the text of a file.

    Three forms are known: a `Raw` as `Raw.to_json` writes it; an envelope `{"status", "response_headers", "body"}` whose
    body is an object or text; and the bare body of a service, which then counts as sent with status 200. Text that is
    no JSON is a bare body too: whether it can be read is for `Provider.parse` to say.

    Raises:
        ValueError: it calls itself a `Raw` and is none.
    """
    try:
        values: JSON = json.loads(text)
    except (ValueError, RecursionError):
        return Raw(body=text)
    if not isinstance(values, dict) or "body" not in values:
        return Raw(body=text)
    body = values["body"]
    if isinstance(body, str) and "schema" in values:
        return Raw.from_json(values)
    status, headers = values.get("status"), values.get("response_headers") or values.get("headers") or {}
    return Raw(
        body=body if isinstance(body, str) else json.dumps(body, ensure_ascii=False),
        status=status if isinstance(status, int) else 200,
        headers=tuple((str(k).lower(), str(v)) for k, v in headers.items()) if isinstance(headers, dict) else (),
    )
