"""The one EXIF field that changes what everybody sees: the orientation.

Read by hand because Pillow's reader parses every field, and warns (through the process-wide `warnings` module) about
each that is broken; cameras write many that are.
"""

from __future__ import annotations

from typing import Literal

_ORIENTATION = 0x0112
_SHORT = 3


def orientation(exif: bytes) -> int:
    """EXIF orientation 1..8 of an EXIF block, with or without its "Exif" prefix; 1 (upright) where there is none."""
    tiff = exif.removeprefix(b"Exif\x00\x00")
    order: Literal["little", "big"]
    if tiff[:4] == b"II*\x00":
        order = "little"
    elif tiff[:4] == b"MM\x00*":
        order = "big"
    else:
        return 1
    start = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[start : start + 2], order)
    for at in range(start + 2, min(start + 2 + 12 * count, len(tiff)), 12):
        entry = tiff[at : at + 12]
        if int.from_bytes(entry[:2], order) == _ORIENTATION and int.from_bytes(entry[2:4], order) == _SHORT:
            value = int.from_bytes(entry[8:10], order)
            return value if 1 <= value <= 8 else 1
    return 1
