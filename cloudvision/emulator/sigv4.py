"""AWS Signature Version 4, seen from the service: is this request signed by a key that we know, for here and now?

After "Signature Version 4 signing process" of the AWS General Reference. Codes and wording of the refusals are those that
AWS's services of protocol JSON 1.1 send, with status 400.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from cloudvision.emulator.accounts import Account, Accounts
from cloudvision.emulator.service import Call

SKEW = timedelta(minutes=5)
"""How far the clocks may differ."""

UNKNOWN = "The security token included in the request is invalid."
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details."
)
_STAMP = "%Y%m%dT%H%M%SZ"


class SignatureError(Exception):
    """Why a request is refused, as AWS says it; never leaves the emulator."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class _Signed:
    access_key_id: str
    scope: str
    headers: tuple[str, ...]
    signature: str


def account_of(call: Call, accounts: Accounts, *, service: str, now: float) -> Account:
    """The account that signed the request.

    Args:
        call: the request; of a body that was not kept, the signature is taken on trust.
        accounts: the known keys, and the region that a signature must be for.
        service: that it must be for, such as "rekognition".
        now: seconds since the epoch.

    Raises:
        SignatureError: not signed, or not by a known key, or not for this region, service and time.
    """
    signed = _parsed(call.headers.get("authorization", ""))
    account = accounts.by_access_key(signed.access_key_id)
    if account is None or "x-amz-security-token" in call.headers:
        raise SignatureError("UnrecognizedClientException", UNKNOWN)
    stamp = call.headers.get("x-amz-date", "")
    _check_scope(signed.scope, stamp, region=accounts.region, service=service)
    _check_time(stamp, now)
    if call.whole and not hmac.compare_digest(signed.signature, _signature(call, signed, stamp, account)):
        raise SignatureError("InvalidSignatureException", _MISMATCH)
    return account


def _parsed(authorization: str) -> _Signed:
    if not authorization:
        raise SignatureError("MissingAuthenticationTokenException", "Missing Authentication Token")
    algorithm, _, rest = authorization.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not parts.get(name)]
    if algorithm != "AWS4-HMAC-SHA256" or missing:
        wants = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise SignatureError("IncompleteSignatureException", f"{wants} Authorization={algorithm}".strip())
    access_key_id, _, scope = parts["Credential"].partition("/")
    return _Signed(access_key_id, scope, tuple(parts["SignedHeaders"].split(";")), parts["Signature"])


def _check_scope(scope: str, stamp: str, *, region: str, service: str) -> None:
    parts = scope.split("/")
    if len(parts) != 4 or parts[3] != "aws4_request":
        raise SignatureError("IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements.")
    day, given_region, given_service, _ = parts
    problem = ""
    if given_region != region:
        problem = wrong_region(given_region)
    elif given_service != service:
        problem = f"Credential should be scoped to correct service: '{service}'."
    elif day != stamp[:8]:
        problem = (
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: '{day}' != '{stamp[:8]}'."
        )
    if problem:
        raise SignatureError("InvalidSignatureException", problem)


def wrong_region(given: str) -> str:
    """What AWS says to a signature for another region."""
    return f"Credential should be scoped to a valid region, not '{given}'."


def _check_time(stamp: str, now: float) -> None:
    try:
        signed = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise SignatureError("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.") from None
    here = datetime.fromtimestamp(now, UTC)
    if signed < here - SKEW:
        limit = f"{here - SKEW:{_STAMP}} ({here:{_STAMP}} - 5 min.)"
        raise SignatureError("InvalidSignatureException", f"Signature expired: {stamp} is now earlier than {limit}")
    if signed > here + SKEW:
        limit = f"{here + SKEW:{_STAMP}} ({here:{_STAMP}} + 5 min.)"
        raise SignatureError(
            "InvalidSignatureException", f"Signature not yet current: {stamp} is still later than {limit}"
        )


def _signature(call: Call, signed: _Signed, stamp: str, account: Account) -> str:
    headers = "".join(f"{name}:{_trimmed(call.headers.get(name, ''))}\n" for name in signed.headers)
    digest = hashlib.sha256(call.body).hexdigest()
    names = ";".join(signed.headers)
    canonical = "\n".join((call.method, call.path, _canonical_query(call.query), headers, names, digest))
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{signed.scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(_key(account.secret_access_key, signed.scope), to_sign.encode(), hashlib.sha256).hexdigest()


@functools.lru_cache(maxsize=64)
def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _trimmed(value: str) -> str:
    return re.sub(" +", " ", value.strip())


def _canonical_query(query: str) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(query, True))
    return "&".join(f"{name}={value}" for name, value in pairs)
