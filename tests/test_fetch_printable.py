"""URLs in logs, results and errors hold no secret."""

from __future__ import annotations

import pytest
from loopback import serving

from cloudvision.errors import ImageError
from cloudvision.fetch import Fetcher, printable_source
from cloudvision.images import load

CANARY = "c4n4ry"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/a.jpg", "https://example.com/a.jpg"),
        ("https://example.com:8443/a/b.jpg?width=300&page=2", "https://example.com:8443/a/b.jpg?width=300&page=2"),
        (f"https://me:{CANARY}@example.com/a.jpg#{CANARY}", "https://example.com/a.jpg"),
        (f"https://{CANARY}@example.com/", "https://example.com/"),
        (f"https://me:p@{CANARY}@example.com/", "https://example.com/"),
        (f"http://h/web/http://x/?sig={CANARY}", "http://h/web/http://x/?sig=***"),
        (f"http://me:{CANARY}@h/web/http://x/", "http://h/web/http://x/"),
        (f"http://me:{CANARY}/x@h/", "http://me:***/x@h/"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        (f"https://h/a?x=1;token={CANARY}", "https://h/a?x=1;token=***"),
        ("not a url", "not a url"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert printable_source(url) == shown


@pytest.mark.parametrize(
    "name",
    ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "x-goog-signature", "sig", "Signature", "token", "key",
     "access_token", "api_key", "subscription-key", "AWSAccessKeyId", "password", "Policy", "code", "SharedAccessSignature"],
)  # fmt: skip
def test_values_of_telling_names_are_redacted(name: str) -> None:
    assert printable_source(f"https://h/a?w=1&{name}={CANARY}&h=2") == f"https://h/a?w=1&{name}=***&h=2"


def test_long_random_values_are_redacted_under_any_name() -> None:
    assert printable_source("https://h/a?x=" + "aB3" * 10) == "https://h/a?x=***"


def test_no_error_and_no_picture_shows_a_secret() -> None:
    secrets = f"?sig={CANARY}&X-Amz-Signature={CANARY}"
    with serving(lambda request: request.answer(b"<html>", status=request.line.split("/")[1] + " X")) as server:
        fetcher = Fetcher(allow_private_hosts=True, env={})
        for start in (
            f"http://me:{CANARY}@127.0.0.1:{server.port}/",
            "http://127.0.0.1:1/",
            "ftp://h/",
            "http://999.9.9.9/",
        ):
            for status in (200, 403, 503):
                with fetcher, pytest.raises(ImageError) as caught:
                    load(f"{start}{status}/{secrets}", fetcher=fetcher)
                assert CANARY not in f"{caught.value!s} {caught.value!r} {caught.value.source}"
