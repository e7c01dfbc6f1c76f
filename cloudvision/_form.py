"""The parts of a multipart form, as browsers, curl and the vendors' SDKs send pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form.

    Args:
        name: of the form's field.
        filename: as the client named it; empty where the part is no file.
    """

    name: str
    filename: str
    data: bytes = field(repr=False)


def parts(content_type: str, body: bytes) -> tuple[Part, ...]:
    """The parts of a form that was received whole, in their order. Nothing is written to disk.

    Args:
        content_type: the header of the request; it holds the boundary.

    Raises:
        ValueError: the form cannot be read.
    """
    from python_multipart import FormParser
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_options_header

    found: list[Part] = []

    def on_field(each: Any) -> None:
        found.append(Part(_text(each.field_name), "", each.value or b""))

    def on_file(each: Any) -> None:
        each.file_object.seek(0)
        found.append(Part(_text(each.field_name), _text(each.file_name), each.file_object.read()))
        each.file_object.close()

    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise ValueError(f"{kind.decode('latin-1')[:60]!r} is no multipart form")
    try:
        parser = FormParser(
            kind.decode("latin-1"),
            on_field,
            on_file,
            boundary=options.get(b"boundary"),
            config={"MAX_MEMORY_FILE_SIZE": math.inf, "MAX_BODY_SIZE": math.inf},
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise ValueError(f"the form cannot be read: {error}") from error
    return tuple(found)


def _text(name: bytes | None) -> str:
    return (name or b"").decode("utf-8", "replace")
