"""The one picture of a request: the body itself, or a part of a form."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import Request

from cloudvision._form import Part, parts
from cloudvision.serve.refusal import BAD_PICTURE, Refusal

_MOST_NAME = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture as it came.

    Args:
        name: of the file as the client calls it, cut to a sane length; "the image" where it has none.
    """

    name: str
    data: bytes = field(repr=False)


def pictures_in(request: Request, body: bytes, *, prefer: str = "") -> list[Sent]:
    """The pictures of a form, or the one that the body is.

    Args:
        prefer: of a form with a field of that name, only what it holds.

    Raises:
        Refusal: there is none, or the form cannot be read.
    """
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        found = [Sent("the image", body)] if body else []
    else:
        found = [Sent(_name(part), part.data) for part in _of_form(kind, body, prefer) if part.data]
    if not found:
        raise Refusal(400, "there is no image in the request", code=BAD_PICTURE)
    return found


def _of_form(kind: str, body: bytes, prefer: str) -> list[Part]:
    try:
        found = parts(kind, body)
    except ValueError as error:
        raise Refusal(400, str(error), code=BAD_PICTURE) from error
    files = [part for part in found if part.filename] or list(found)
    return [part for part in found if part.name == prefer] or files


def _name(part: Part) -> str:
    return part.filename[:_MOST_NAME] or "the image"
