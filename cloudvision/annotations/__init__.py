"""What people have as truth: pictures with labels or boxes, in the forms in which they usually lie about.

`read_annotations` reads a folder a class, CSV, JSON and JSONL, COCO, Pascal VOC and YOLO into one form.
"""

from __future__ import annotations

from cloudvision.annotations.annotated import Annotated, Annotations, Mark
from cloudvision.annotations.read import FORMATS, Format, read_annotations
from cloudvision.annotations.same import joined

__all__ = ["FORMATS", "Annotated", "Annotations", "Format", "Mark", "joined", "read_annotations"]
