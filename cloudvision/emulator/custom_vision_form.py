"""Pictures in the body of a request: multipart forms, as the SDK sends them, or the bare bytes."""

from __future__ import annotations

import io
from typing import Any

from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.service import Call, Refusal


def pictures_in(call: Call) -> list[tuple[str, bytes]]:
    """(name, bytes) of each picture; the name is empty where none was sent.

    Raises:
        Refusal: the form cannot be read, or the body is said to be something else.
    """
    kind = call.headers.get("content-type", "")
    if kind.startswith("application/octet-stream"):
        return [("", call.body)] if call.body else []
    if not kind.startswith("multipart/form-data"):
        raise Refusal(wire.error(415, "UnsupportedMediaType", f"{kind} is not taken; send multipart/form-data."))
    return _parts(call)


def _parts(call: Call) -> list[tuple[str, bytes]]:
    import python_multipart
    from python_multipart.exceptions import FormParserError

    found: list[tuple[str, bytes]] = []

    def on_field(field: Any) -> None:
        found.append(("", field.value or b""))

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        found.append(((file.file_name or b"").decode("utf-8", "replace"), file.file_object.read()))
        file.file_object.close()

    headers = {"Content-Type": call.headers["content-type"].encode(), "Content-Length": str(len(call.body)).encode()}
    try:
        python_multipart.parse_form(headers, io.BytesIO(call.body), on_field, on_file)
    except FormParserError as error:
        raise wire.bad_request("ImageStream", "The form cannot be read.") from error
    return found
