"""The unmodified SDK against moto's server, set up by environment variables alone, as a user would."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image

from cloudvision.images import Remote, load
from cloudvision.provider import open_provider
from tests.moto_server import env


def test_bytes_and_s3_objects_are_read(moto_url: str) -> None:
    provider = open_provider("aws-rekognition", env=env(moto_url))
    out = io.BytesIO()
    PIL.Image.fromarray(np.zeros((100, 100, 3), np.uint8)).save(out, "PNG")
    for picture in (load(out.getvalue()), Remote("s3://bucket/key", bucket="bucket", key="key")):
        analysis = provider.parse(provider.call(picture))
        assert analysis.text == "IT'S\nMONDAY\nbut keep\nSmiling"
        assert analysis.provenance is not None
        assert analysis.provenance.model_version == "3.0"
