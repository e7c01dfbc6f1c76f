"""What went wrong in a download, in our words: those of the HTTP client repeat the URL with its secrets."""

from __future__ import annotations

import http.client
import socket
import ssl
import time

import urllib3

from cloudvision import _tls
from cloudvision._retry_after import retry_after
from cloudvision.errors import FetchError

_TRANSIENT = frozenset({408, 425, 429})


def refused(response: urllib3.BaseHTTPResponse, source: str) -> FetchError:
    """The error for an answer whose status is neither 2xx nor a redirect."""
    status = response.status
    name = http.client.responses.get(status, "")
    return FetchError(
        source,
        f"the server answered {status} {name}".rstrip(),
        transient=status in _TRANSIENT or status >= 500,
        status=status,
        retry_after=retry_after(response.headers, now=time.time()),
    )


def failed(error: Exception, source: str) -> FetchError:
    """The error for whatever came out of urllib3, or of the sockets under it."""
    causes = {type(cause) for cause in _chain(error)}
    text = next((str(cause) for cause in _chain(error) if isinstance(cause, OSError)), "")
    if any(issubclass(cause, ssl.SSLCertVerificationError) for cause in causes):
        bundles = ", ".join(_tls.BUNDLE_VARIABLES)
        reason = f"the certificate is not trusted ({text}); behind a corporate proxy name its bundle in {bundles}"
        return FetchError(source, reason, transient=False)
    if socket.gaierror in causes:
        unknown = next(c for c in _chain(error) if isinstance(c, socket.gaierror)).errno == socket.EAI_NONAME
        return FetchError(source, f"the host name does not resolve ({text})", transient=not unknown)
    if any(issubclass(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes):
        return FetchError(source, "the server did not answer in time", transient=True)
    if any(issubclass(cause, urllib3.exceptions.ProxyError) for cause in causes):
        return FetchError(source, f"the proxy cannot be used: {text or type(error).__name__}", transient=True)
    if isinstance(error, ValueError):
        return FetchError(source, f"the answer cannot be read ({type(error).__name__})", transient=False)
    return FetchError(source, f"the connection failed: {text or type(error).__name__}", transient=True)


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
    return found
