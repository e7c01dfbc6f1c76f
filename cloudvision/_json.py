"""Frozen dataclasses to JSON values and back, driven by their type hints.

Kept small on purpose: it knows scalars, fixed words, optional values, tuples and nested dataclasses, which is all that our
answers are made of. Fields that equal their default are left out, unknown keys are ignored (a newer minor version may have
added them), and a wrong type is an error that names the place.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

JSON = Union[None, bool, int, float, str, Sequence["JSON"], Mapping[str, "JSON"]]
"""A value that `json.dumps` takes."""

SCHEMA = 1
"""Major version of the JSON form of our answers. Within one number fields are only ever added."""

T = TypeVar("T")
_Decoder = Callable[[Any], object]


class _MisfitError(ValueError):
    """A value that does not fit, with the way to it, innermost step first."""

    def __init__(self, what: str, *steps: str) -> None:
        super().__init__(what)
        self.steps = list(steps)

    def __str__(self) -> str:
        return f"${''.join(reversed(self.steps))}: {self.args[0]}"


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
        pairs = [(name, getattr(value, name), default) for name, default in _fields(type(value))]
        return {name: encode(item) for name, item, default in pairs if default is MISSING or item != default}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def decode(kind: type[T], value: JSON) -> T:
    """The object of type `kind` that `encode` made `value` from.

    Raises:
        ValueError: `value` does not fit; the message names the place as a JSON path.
    """
    return cast(T, _decoder(cast(Any, kind))(value))


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
def _fields(kind: type) -> tuple[tuple[str, object], ...]:
    return tuple((f.name, f.default) for f in fields(kind))


@functools.cache
def _decoder(kind: Any) -> _Decoder:
    """What reads a value of that type; made once for each type."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _union(get_args(kind))
    if origin is tuple:
        return _tuple(get_args(kind))
    if origin is Literal:
        return _words(get_args(kind))
    if is_dataclass(kind):
        return _dataclass(cast(type, kind))
    return _scalar(kind)


def _scalar(kind: type) -> _Decoder:
    def read(value: Any) -> object:
        # JSON has one kind of number: 1 may stand for 1.0, but True is never a number.
        if type(value) is kind:
            return value
        if kind is float and type(value) is int:
            return float(value)
        raise _MisfitError(f"expected {kind.__name__}, got {value!r:.60}")

    return read


def _words(words: tuple[str, ...]) -> _Decoder:
    def read(value: Any) -> object:
        if isinstance(value, str) and value in words:
            return value
        raise _MisfitError(f"expected one of {', '.join(words)}, got {value!r:.60}")

    return read


def _union(kinds: tuple[Any, ...]) -> _Decoder:
    choices = [kind for kind in kinds if kind is not type(None)]
    optional = len(choices) < len(kinds)
    single = _decoder(choices[0]) if len(choices) == 1 else None

    def read(value: Any) -> object:
        if value is None and optional:
            return None
        if single is not None:
            return single(value)
        # An exact match only, so that an int stays an int where a float would be allowed too.
        if type(value) in choices:
            return value
        raise _MisfitError(f"expected one of {', '.join(k.__name__ for k in choices)}, got {value!r:.60}")

    return read


def _tuple(kinds: tuple[Any, ...]) -> _Decoder:
    endless = len(kinds) == 2 and kinds[1] is Ellipsis

    def read(value: Any) -> object:
        if not isinstance(value, list | tuple):
            raise _MisfitError(f"expected a list, got {value!r:.60}")
        if not endless and len(kinds) != len(value):
            raise _MisfitError(f"expected {len(kinds)} values, got {len(value)}")
        # Looked up here, not above: a type may hold tuples of itself.
        readers = [_decoder(kinds[0])] * len(value) if endless else [_decoder(kind) for kind in kinds]
        out: list[object] = []
        try:
            for reader, item in zip(readers, value, strict=True):
                out.append(reader(item))
        except _MisfitError as misfit:
            misfit.steps.append(f"[{len(out)}]")
            raise
        return tuple(out)

    return read


def _dataclass(kind: type) -> _Decoder:
    hints = get_type_hints(kind)
    required = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]

    def read(value: Any) -> object:
        if not isinstance(value, Mapping):
            raise _MisfitError(f"expected an object, got {value!r:.60}")
        given: dict[str, object] = {}
        for name, _ in _fields(kind):
            if name in value:
                try:
                    given[name] = _decoder(hints[name])(value[name])
                except _MisfitError as misfit:
                    misfit.steps.append(f".{name}")
                    raise
        for name in required:
            if name not in given:
                raise _MisfitError("missing", f".{name}")
        return kind(**given)

    return read
