"""Frozen dataclasses to JSON values and back, driven by their type hints.

Kept small on purpose: it knows scalars, optional values, tuples and nested dataclasses, which is all that our answers
are made of. Fields that equal their default are left out, unknown keys are ignored (a newer minor version may have
added them), and a wrong type is an error that names the place.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

JSON = Union[None, bool, int, float, str, Sequence["JSON"], Mapping[str, "JSON"]]
"""A value that `json.dumps` takes."""

SCHEMA = 1
"""Major version of the JSON form of our answers. Within one number fields are only ever added."""

T = TypeVar("T")


def encode(value: object) -> JSON:
    """`value` as JSON values.

    Raises:
        TypeError: a value is of a kind that has no JSON form here.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f, getattr(value, f.name)) for f in fields(value))
        return {f.name: encode(item) for f, item in pairs if f.default is MISSING or item != f.default}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def decode(kind: type[T], value: JSON, *, at: str = "$") -> T:
    """The object of type `kind` that `encode` made `value` from.

    Raises:
        ValueError: `value` does not fit; the message names the place as a JSON path.
    """
    return cast(T, _decode(kind, value, at))


def tagged(values: JSON) -> dict[str, JSON]:
    """An encoded object with the `schema` number in front."""
    assert isinstance(values, dict)
    return {"schema": SCHEMA, **values}


def untagged(values: JSON) -> dict[str, JSON]:
    """The object without its `schema` number.

    Raises:
        ValueError: not an object, or written by a version with another schema.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"expected a JSON object, got {type(values).__name__}")
    schema = values.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise ValueError(f"schema {schema!r} is not {SCHEMA}: written by another version of cloudvision")
    return {key: value for key, value in values.items() if key != "schema"}


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(kind: Any, value: JSON, at: str) -> object:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), value, at)
    if origin is tuple:
        return _decode_tuple(get_args(kind), value, at)
    if is_dataclass(kind):
        return _decode_dataclass(cast(type, kind), value, at)
    # JSON has one kind of number: 1 may stand for 1.0, but True is never a number.
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise ValueError(f"{at}: expected {getattr(kind, '__name__', kind)}, got {value!r:.60}")


def _decode_union(kinds: tuple[Any, ...], value: JSON, at: str) -> object:
    if value is None:
        if type(None) in kinds:
            return None
        raise ValueError(f"{at}: may not be null")
    choices = [kind for kind in kinds if kind is not type(None)]
    # An exact match first, so that an int stays an int where a float would be allowed too.
    for kind in choices:
        if isinstance(kind, type) and type(value) is kind:
            return value
    if len(choices) == 1:
        return _decode(choices[0], value, at)
    raise ValueError(f"{at}: expected one of {', '.join(k.__name__ for k in choices)}, got {value!r:.60}")


def _decode_tuple(kinds: tuple[Any, ...], value: JSON, at: str) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{at}: expected a list, got {value!r:.60}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_decode(kinds[0], item, f"{at}[{i}]") for i, item in enumerate(value))
    if len(kinds) != len(value):
        raise ValueError(f"{at}: expected {len(kinds)} values, got {len(value)}")
    return tuple(_decode(kind, item, f"{at}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _decode_dataclass(kind: type, value: JSON, at: str) -> object:
    if not isinstance(value, Mapping):
        raise ValueError(f"{at}: expected an object, got {value!r:.60}")
    hints = _hints(kind)
    given: dict[str, object] = {}
    for field in fields(kind):
        if field.name in value:
            given[field.name] = _decode(hints[field.name], value[field.name], f"{at}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{at}.{field.name}: missing")
    return kind(**given)
