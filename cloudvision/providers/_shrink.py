"""Sending no more pixels than help: smaller uploads and quicker answers. The price of a call does not depend on size.

Shrinking keeps the shape of the picture, and geometry is told in fractions, so it holds for the original too.
"""

from __future__ import annotations

import math
from dataclasses import replace

from cloudvision.images import Image, Limits, Prepared

ENOUGH: dict[str, int] = {
    "aws-rekognition": 2048,
    "azure-image-analysis": 2048,
}
"""Longest side, in pixels, by provider.

No vendor publishes a size beyond which text is read no better, so both figures are measured, with the OCR engine of
`local-ocr` (its own limit lifted to 8,000 pixels) in the services' place. Of 896 words that it reads in 16 pictures of
1,600 to 4,000 pixels as they are, it reads at most 2,048 pixels: 896, 1,600: 893, 1,280: 873. Only five of the 16 are
larger than 2,048, so this is a hint and not a promise, and shrinking is off unless asked for.
"""


def shrunk(image: Image, limits: Limits, *, side: int) -> Prepared:
    """`image.prepare(limits)`, with the longer side at most `side` pixels where that makes the file smaller.

    A picture whose shorter side would fall below the service's least is shrunk less.

    Raises:
        ImageError: as `Image.prepare`.
    """
    whole = image.prepare(limits)
    longer, shorter = max(whole.width, whole.height), min(whole.width, whole.height)
    target = max(side, math.ceil((limits.min_side + 1) * longer / shorter))
    if longer <= target:
        return whole
    small = image.prepare(replace(limits, max_side=target))
    return small if len(small.data) < len(whole.data) else whole
