"""Whose certificates are trusted."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from cloudvision.errors import ConfigError

BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Environment variables that may name a file (or folder) of certificates, in this order."""


def context(ca_bundle: str | os.PathLike[str] | None, *, env: Mapping[str, str]) -> ssl.SSLContext:
    """A context that checks certificates and host names, TLS 1.2 or newer.

    Args:
        ca_bundle: a PEM file, or a folder of hashed ones, that replaces the system's certificates.
        env: where `BUNDLE_VARIABLES` are looked up when `ca_bundle` is None.

    Raises:
        ConfigError: the bundle is missing or holds no certificates.
    """
    name, path = "ca_bundle", os.fspath(ca_bundle) if ca_bundle is not None else ""
    if not path:
        name, path = next(((v, env[v]) for v in BUNDLE_VARIABLES if env.get(v)), ("", ""))
    try:
        if not path:
            return _at_least_1_2(ssl.create_default_context())
        if Path(path).is_dir():
            return _at_least_1_2(ssl.create_default_context(capath=path))
        return _at_least_1_2(ssl.create_default_context(cafile=path))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{name or 'the default'} certificate bundle {path!r} cannot be loaded: {error}") from error


def _at_least_1_2(made: ssl.SSLContext) -> ssl.SSLContext:
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
