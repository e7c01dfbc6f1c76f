"""What may be shown: URLs without passwords and signatures, text without what drives a terminal."""

from __future__ import annotations

import re

# Any name with one of these in it: X-Amz-Signature, X-Amz-Credential, X-Amz-Security-Token, sig (Azure), Signature,
# token, access_token, api_key, subscription-key, password, AWSAccessKeyId, code, jwt, hmac, hash ...
_SECRET = re.compile(
    r"sig|token|key|secret|passw|pwd|cred|auth|session|code|jwt|hmac|hash|policy|cookie|ticket|nonce", re.IGNORECASE
)
# A long run of letters and digits is a secret under whatever name.
_RANDOM = re.compile(r"[A-Za-z0-9+/_%=-]{24,}")
_PARAMETER = re.compile(r"([^&;=]+)=([^&;]*)")

# A password with a raw "/" or "?" in it ends what looks like the authority: "user:pass".
_NO_PORT = re.compile(r"(?<!\[):(?!\d{1,5}$)[^\]]*$")

# C0 and C1 but tab and newline, DEL, and the marks that turn the direction of writing around: a file may be named so that
# a terminal changes its title, runs a macro, or shows "gpj.exe" as "exe.jpg".
_DRIVING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""`text` for a terminal: what would drive it is spelled out, such as "\x1b" for an escape character."""
    return _DRIVING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def printable_source(url: str) -> str:
    """`url` for logs, errors and results: user names and passwords cut out, secrets in the query replaced by "***".

    The path stays, and so do short values of harmless parameters (`?width=300`), so that the line can be recognised.
    The fragment, which is never sent, is dropped. Works on text, so a URL that cannot be parsed is cleaned too.
    """
    rest, _, _ = url.partition("#")
    rest, mark, query = rest.partition("?")
    scheme, slashes, rest = rest.partition("://") if "://" in rest else ("", "", rest)
    authority, slash, path = rest.partition("/")
    # The last @ counts: a password may hold one.
    host = _NO_PORT.sub(":***", authority.rpartition("@")[2])
    return "".join((scheme, slashes, host, slash, path, mark, _PARAMETER.sub(_redacted, query)))


def _redacted(match: re.Match[str]) -> str:
    name, value = match[1], match[2]
    if _SECRET.search(name) or _RANDOM.search(value):
        return f"{name}=***"
    return match[0]
