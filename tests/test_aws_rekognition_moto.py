"""The unmodified SDK against moto's server, set up by environment variables alone, as a user would."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import PIL.Image
import pytest

from cloudvision.images import Remote, load
from cloudvision.provider import open_provider

moto_server = pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def env(url: str) -> dict[str, str]:
    return {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL_REKOGNITION": url,
    }


def test_bytes_and_s3_objects_are_read(url: str) -> None:
    provider = open_provider("aws-rekognition", env=env(url))
    out = io.BytesIO()
    PIL.Image.fromarray(np.zeros((100, 100, 3), np.uint8)).save(out, "PNG")
    for picture in (load(out.getvalue()), Remote("s3://bucket/key", bucket="bucket", key="key")):
        analysis = provider.parse(provider.call(picture))
        assert analysis.text == "IT'S\nMONDAY\nbut keep\nSmiling"
        assert analysis.provenance is not None
        assert analysis.provenance.model_version == "3.0"
