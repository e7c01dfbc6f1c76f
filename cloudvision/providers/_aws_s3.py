"""S3: which objects stand under a prefix, and the bytes of one."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cloudvision import images
from cloudvision.errors import CloudVisionError, ConfigError, FetchError, ImageError, TooLargeError
from cloudvision.images import MAX_BYTES, Image, Remote
from cloudvision.providers._aws_client import AwsCredentials, ClientSettings, endpoint_of, region_of, sdk_exceptions
from cloudvision.providers._aws_errors import sdk_error

_ETAG = re.compile(r'"[^"]*"')
_BUSY = frozenset({"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "ThrottlingException"})
_SETTINGS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"})


class S3:
    """Objects of S3, with boto3's own search for keys. Any number of threads may share it.

    Args:
        settings: of the client; made at the first use.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._clients: dict[int, Any] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ, *, timeout_s: float = 60.0) -> S3:
        """Set up from `AWS_REGION`, `AWS_ENDPOINT_URL_S3` and the AWS keys in `env`."""
        credentials = None if env is os.environ else AwsCredentials.from_env(env)
        return cls(
            ClientSettings(
                service="s3",
                region=region_of(env),
                endpoint_url=endpoint_of(env, "s3"),
                credentials=credentials,
                connect_timeout_s=10.0,
                read_timeout_s=timeout_s,
            )
        )

    def objects(self, bucket: str, prefix: str, /, *, page_size: int = 1000) -> Iterator[Remote]:
        """All objects whose key begins with `prefix`, in the order of their keys, listed a page at a time as needed.

        Their ETag is the version, so answers for them can be found again. An object that is overwritten between the
        listing and the call is answered as it is then, under the ETag that was listed.

        Raises:
            ConfigError: the bucket cannot be listed, or boto3 or keys are missing.
        """
        try:
            # Asking again for a page of a list costs nothing that counts, and a list of millions has many pages.
            lister = self._client(attempts=5).get_paginator("list_objects_v2")
            for page in lister.paginate(Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": page_size}):
                for found in page.get("Contents", ()):
                    key = found["Key"]
                    yield Remote(f"s3://{bucket}/{key}", bucket=bucket, key=key, version=found.get("ETag"))
        except sdk_exceptions() as error:
            trouble = _ours(error, f"s3://{bucket}/{prefix}")
            if isinstance(trouble, ConfigError):
                raise trouble from error
            raise ConfigError(f"cannot list {trouble}") from error

    def load(self, remote: Remote, /, *, max_bytes: int = MAX_BYTES, documents: bool = False) -> Image:
        """The picture in an object, or with `documents` the PDF.

        Raises:
            FetchError: it is not there, was changed since it was listed, or S3 does not answer (transient).
            TooLargeError: more than `max_bytes`; nothing beyond them is read.
            NotAnImageError, DamagedImageError: see `images.load`.
            ConfigError: boto3 or keys are missing.
        """
        if remote.bucket is None or remote.key is None:
            raise ImageError(remote.source, "is no S3 object")
        place = {"Bucket": remote.bucket, "Key": remote.key}
        if remote.version is not None:
            place["IfMatch" if _ETAG.fullmatch(remote.version) else "VersionId"] = remote.version
        try:
            answer = self._client(attempts=1).get_object(**place)
            with answer["Body"] as body:
                data = body.read(max_bytes + 1)
        except sdk_exceptions() as error:
            raise _ours(error, remote.source) from error
        if len(data) > max_bytes:
            raise TooLargeError(remote.source, f"more than the limit of {max_bytes:,} bytes; raise max_bytes")
        if len(data) < min(answer["ContentLength"], max_bytes):
            raise FetchError(remote.source, "S3 broke off in the middle", transient=True)
        return images.load(data, name=remote.source, max_bytes=max_bytes, documents=documents)

    def _client(self, *, attempts: int) -> Any:
        with self._lock:
            if attempts not in self._clients:
                expected: tuple[type[Exception], ...] = (*sdk_exceptions(), ValueError)
                try:
                    self._clients[attempts] = replace(self._settings, attempts=attempts).open()
                except expected as error:
                    raise sdk_error(error, provider="s3") from error
            return self._clients[attempts]


def _ours(error: Exception, source: str) -> CloudVisionError:
    answer = getattr(error, "response", None)
    if not isinstance(answer, Mapping):
        known = sdk_error(error, provider="s3")
        return FetchError(source, f"S3 cannot be reached ({known})", transient=True) if known.retryable else known
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = str(answer.get("Error", {}).get("Code", status))
    if code in ("PreconditionFailed", "412"):
        return FetchError(source, "was changed since it was listed", transient=False, status=status)
    if code in _SETTINGS:
        return ConfigError(f"S3 refuses the keys ({code}): check AWS_ACCESS_KEY_ID and the others, or sign in anew")
    busy = code in _BUSY or (isinstance(status, int) and (status >= 500 or status == 429))
    hint = ": the keys in use may not read it" if code in ("AccessDenied", "403") else ""
    return FetchError(source, f"S3 says {code}{hint}", transient=busy, status=status)
