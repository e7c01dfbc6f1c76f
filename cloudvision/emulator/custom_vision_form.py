"""Pictures in the body of a request: multipart forms, as the SDK sends them, or the bare bytes."""

from __future__ import annotations

from cloudvision._form import parts
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
    try:
        return [(part.filename, part.data) for part in parts(kind, call.body)]
    except ValueError as error:
        raise wire.bad_request("ImageStream", "The form cannot be read.") from error
