"""Files as text or JSON, whatever is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cloudvision.errors import ConfigError


def text_of(path: Path) -> str:
    """The file as UTF-8; a byte-order mark is dropped.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ConfigError(f"cannot read {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"cannot read {path}: it is not UTF-8; save it as UTF-8") from exc


def json_of(path: Path) -> Any:
    """The file as JSON values.

    Raises:
        ConfigError: it cannot be read, or is not JSON; says the line.
    """
    try:
        return json.loads(text_of(path))
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f"{path}: not JSON ({exc})") from exc
