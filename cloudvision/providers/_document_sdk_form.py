"""`AnalyzeResult.to_dict()` of the Azure SDK as the service had sent it.

The SDK renames what it reads ("page_number", "list", polygons of objects) and leaves empty lists where the service sent
nothing; many people have kept answers in that form.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloudvision._json import JSON
from cloudvision.providers._json_read import Object

_TYPES = {"list": "array", "float": "number", "dictionary": "object"}
_SYMBOLS = {"symbol": "currencySymbol", "code": "currencyCode"}


def is_sdk_form(body: Object) -> bool:
    """True for what `to_dict` gives."""
    return "api_version" in body and "model_id" in body


def as_sent(body: Object) -> Object:
    """The result with the service's names and shapes."""
    found = _renamed(body)
    return {name: value for name, value in found.items() if value != [] or name == "pages"}


def _renamed(entry: Object) -> dict[str, JSON]:
    return {_camel(name): _value(name, value) for name, value in entry.items() if value is not None}


def _value(name: str, value: JSON) -> JSON:
    if name == "polygon" and isinstance(value, list):
        return [point[axis] for point in value if isinstance(point, Mapping) for axis in ("x", "y") if axis in point]
    if name == "fields" and isinstance(value, Mapping):
        return {key: _field(field) for key, field in value.items()}
    if isinstance(value, list):
        return [_value("", item) for item in value]
    return _renamed(value) if isinstance(value, Mapping) else value


def _field(field: JSON) -> JSON:
    if not isinstance(field, Mapping):
        return field
    out = _renamed({name: value for name, value in field.items() if name not in ("value_type", "value")})
    kind = str(field.get("value_type"))
    kind, given = _TYPES.get(kind, kind), field.get("value")
    out["type"] = kind
    if given is not None:
        out[f"value{kind[:1].upper()}{kind[1:]}"] = _field_value(kind, given)
    return out


def _field_value(kind: str, given: JSON) -> JSON:
    if kind == "array" and isinstance(given, list):
        return [_field(item) for item in given]
    if kind == "object" and isinstance(given, Mapping):
        return {name: _field(item) for name, item in given.items()}
    if kind == "currency" and isinstance(given, Mapping):
        return {_SYMBOLS.get(name, name): value for name, value in given.items()}
    return _renamed(given) if isinstance(given, Mapping) else given


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
