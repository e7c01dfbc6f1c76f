"""Typed fields of a Document Intelligence answer: a value that does not parse is lost alone, its text stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time

from cloudvision._json import JSON
from cloudvision.providers._document_reader import Reader, confidence, optional_text
from cloudvision.providers._json_read import Object, UnreadableError, a_list, a_number, an_object, number_of, text_of
from cloudvision.results import Document, Field

_DEEPEST = 32
"""Levels of fields within fields; real documents have three."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?")
_MARKS = {"selected": True, "unselected": False}
_SIGNATURES = {"signed": True, "unsigned": False}

Value = str | float | int | bool | None
Members = tuple[tuple[str, Field], ...]


def read_document(reader: Reader, entry: Object) -> Document:
    """One document with its fields."""
    kind = text_of(entry, "docType")
    return Document(kind, confidence(entry), _members(reader, entry.get("fields"), kind, 0), reader.regions(entry))


def _field(reader: Reader, entry: Object, path: str, depth: int) -> Field:
    if depth > _DEEPEST:
        raise UnreadableError(f"more than {_DEEPEST} fields within each other")
    kind = text_of(entry, "type")
    given = entry.get(f"value{kind[:1].upper()}{kind[1:]}")
    items: tuple[Field, ...] = ()
    members: Members = ()
    value: Value = None
    try:
        if kind == "array":
            items = _items(reader, given, path, depth)
        elif kind == "object":
            members = _members(reader, given, path, depth)
        elif given is not None:
            value, members = _VALUES.get(kind, _plain)(given, entry)
    except UnreadableError as error:
        reader.warn(f"{path}: its value was left out: {error}")
    return Field(kind, optional_text(entry, "content"), value, confidence(entry), reader.regions(entry), items, members)


def _items(reader: Reader, values: JSON, path: str, depth: int) -> tuple[Field, ...]:
    found = [] if values is None else a_list(values)
    return tuple(_field(reader, an_object(item), f"{path}[{n}]", depth + 1) for n, item in enumerate(found))


def _members(reader: Reader, values: JSON, path: str, depth: int) -> Members:
    found = []
    for key, value in ({} if values is None else an_object(values)).items():
        if value is None:
            continue  # a field that the model knows and this document does not have
        name = text_of({"name": key}, "name")
        try:
            found.append((name, _field(reader, an_object(value), f"{path}.{name}", depth + 1)))
        except UnreadableError as error:
            reader.warn(f"{path}.{name} was left out: {error}")
    return tuple(found)


def _string(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001 - all readers are called alike
    return text_of({"value": given}, "value"), ()


def _date(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001
    return _iso(given, _DATE, date.fromisoformat, "date"), ()


def _time(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001
    return _iso(given, _TIME, time.fromisoformat, "time of day"), ()


def _iso(given: JSON, form: re.Pattern[str], parse: Callable[[str], object], what: str) -> str:
    if isinstance(given, str) and form.fullmatch(given):
        try:
            parse(given)
            return given
        except ValueError:
            pass  # the 31st of February
    raise UnreadableError(f"{given!r:.40} is no {what}")


def _number(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001
    return a_number(given), ()


def _integer(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001
    number = a_number(given)
    if number != int(number):
        raise UnreadableError(f"{given!r:.40} is no whole number")
    return int(number), ()


def _boolean(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001
    if not isinstance(given, bool):
        raise UnreadableError(f"{given!r:.40} is neither true nor false")
    return given, ()


def _mark(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001
    return _one_of(_MARKS, given), ()


def _signature(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001
    return _one_of(_SIGNATURES, given), ()


def _one_of(known: dict[str, bool], given: JSON) -> bool:
    if not isinstance(given, str) or given not in known:
        raise UnreadableError(f"{given!r:.40} is neither {' nor '.join(known)}")
    return known[given]


def _currency(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001
    money = an_object(given)
    return number_of(money, "amount"), _texts(money)


def _address(given: JSON, entry: Object) -> tuple[Value, Members]:
    parts = _texts(an_object(given))
    whole = optional_text(entry, "content") or ", ".join(str(part.value) for _, part in parts)
    return " ".join(whole.split()), parts


def _texts(values: Object) -> Members:
    texts = ((name, optional_text(values, name)) for name in values)
    return tuple((name, Field("string", None, text, None)) for name, text in texts if text is not None)


def _plain(given: JSON, entry: Object) -> tuple[Value, Members]:  # noqa: ARG001
    """The value of a type that we do not know."""
    if isinstance(given, str):
        return _string(given, {})
    if isinstance(given, bool):
        return given, ()
    return a_number(given), ()


_VALUES: dict[str, Callable[[JSON, Object], tuple[Value, Members]]] = {
    "string": _string,
    "date": _date,
    "time": _time,
    "phoneNumber": _string,
    "countryRegion": _string,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "selectionMark": _mark,
    "signature": _signature,
    "currency": _currency,
    "address": _address,
}
