"""Models over HTTP: the protocols of TensorFlow Serving, of the Open Inference Protocol, of Custom Vision, and one's own.

::

    with cloudvision.serve.running(["fruit=models/fruit", "gate"]) as serving:
        requests.post(f"{serving.url}/predict", files={"image": open("a.jpg", "rb")})

`import cloudvision.serve` is explicit; it needs the extra `serve` once a server is started.
"""

from __future__ import annotations

from cloudvision.serve.serving import Serving
from cloudvision.serve.settings import Settings
from cloudvision.serve.start import running

__all__ = ["Serving", "Settings", "running"]
