"""Who may call: made-up accounts, each with keys for all four services.

Keys are computed from the account's name, so that lines copied from one start of the emulator work with the next. They
open nothing but an emulator.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

REGION = "us-east-1"
"""AWS region of an emulator that is not told another."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account.

    Args:
        name: stands in the bill.
        access_key_id, secret_access_key: for AWS's signature.
        key: for the Azure services, in whatever header they want it.
        token: an Entra ID token that the Azure services take in its place.
    """

    name: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    key: str = field(repr=False)
    token: str = field(repr=False)

    @classmethod
    def named(cls, name: str) -> Account:
        """The account of that name; always the same keys."""
        return cls(
            name=name,
            access_key_id="AKIA" + base64.b32encode(_derived(name, "id")).decode()[:16],
            secret_access_key=base64.b64encode(_derived(name, "secret")).decode()[:40],
            key=_derived(name, "key").hex()[:32],
            token="emulated." + base64.urlsafe_b64encode(_derived(name, "token")).decode().rstrip("="),
        )


class Accounts:
    """The known accounts, by what a request carries. The first one is the one that is told to the user."""

    def __init__(self, names: Iterable[str] = ("emulator",), *, region: str = REGION) -> None:
        self.all = tuple(Account.named(name) for name in names)
        self.region = region
        self._by_access_key = {account.access_key_id: account for account in self.all}
        self._by_key = {account.key: account for account in self.all}
        self._by_token = {account.token: account for account in self.all}

    def by_access_key(self, access_key_id: str) -> Account | None:
        """The account with that AWS access key."""
        return self._by_access_key.get(access_key_id)

    def by_key(self, key: str) -> Account | None:
        """The account with that Azure key."""
        return self._by_key.get(key)

    def by_token(self, token: str) -> Account | None:
        """The account with that Entra ID token."""
        return self._by_token.get(token)


def _derived(name: str, purpose: str) -> bytes:
    return hashlib.sha256(f"cloudvision emulator {purpose} {name}".encode()).digest()
