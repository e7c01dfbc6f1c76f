"""What the user of a running emulator holds in hand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from cloudvision._json import JSON
from cloudvision.emulator.accounts import Account, Accounts
from cloudvision.emulator.bill import Bill, Books
from cloudvision.emulator.fault import Fault, check_service
from cloudvision.emulator.faults import Faults, QuotaRule
from cloudvision.emulator.photographs import Photographs
from cloudvision.emulator.placed import Placed, reply_of
from cloudvision.emulator.reader import Warmth
from cloudvision.quotas import Quota


class Emulator:
    """What `running` gives.

    Attributes:
        url: where it listens, such as "http://127.0.0.1:40123".
        accounts: the known accounts with their keys; the first is that of `environment`.
        faults: what is to go wrong, for more than `misbehave` can say.
    """

    def __init__(
        self,
        url: str,
        *,
        accounts: Accounts,
        faults: Faults,
        environments: Callable[[Account], dict[str, str]],
        books: Books,
        placed: Placed,
        photographs: Photographs,
        warmth: Warmth,
    ) -> None:
        self.url = url
        self.accounts = accounts.all
        self.faults = faults
        self._environments = environments
        self._books = books
        self._placed = placed
        self._photographs = photographs
        self._warmth = warmth

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead the SDKs and our providers here, as the first account; names as in `.env.example`."""
        return self.environment_of(self.accounts[0])

    def environment_of(self, account: Account) -> dict[str, str]:
        """The same for one of `accounts`."""
        return self._environments(account)

    @property
    def engine(self) -> str:
        """State of the text recognition: "loading", "ready", or what is wrong with it."""
        return self._warmth.state

    def wait_for_engine(self, timeout_s: float | None = None) -> str:
        """`engine`, once it is loaded or `timeout_s` seconds have passed."""
        return self._warmth.wait(timeout_s)

    def bill(self) -> Bill:
        """What has been billed so far."""
        return self._books.bill()

    def place(self, picture: bytes | str | os.PathLike[str], answer: JSON, *, service: str) -> None:
        """Have `service` answer one picture with `answer`.

        Args:
            picture: the bytes as the service receives them, their SHA-256 as 64 hex digits, or a file.
            answer: the body, or `{"status", "headers", "body"}` with a body that is an object, or text sent as it is.
            service: such as "rekognition".

        Raises:
            ConfigError: an unknown service, or an answer with a status or headers that cannot be sent.
        """
        check_service(service)
        if isinstance(picture, str) and len(picture) == 64 and not set(picture.lower()) - set("0123456789abcdef"):
            digest = picture
        else:
            data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
            digest = hashlib.sha256(data).hexdigest()
        self._placed.put(service, digest, reply_of(answer))

    def put_object(self, bucket: str, key: str, data: bytes) -> None:
        """Let there be an S3 object that DetectText can be told to read."""
        self._placed.put_object(bucket, key, data)

    def place_folder(self, folder: str | os.PathLike[str]) -> int:
        """Place all of a folder's files `<service>/<sha256>.json`; see `Placed.load`.

        Raises:
            ConfigError: an unknown service, or a file that cannot be placed.
        """
        for file in Path(folder).glob("*/*.json"):
            check_service(file.parent.name)
        return self._placed.load(Path(folder))

    def misbehave(self, *script: Fault | str, rate: float | None = None) -> None:
        """Meet the coming requests with these faults, one after the other; with `rate`, that share of all requests.

        A name stands for a `Fault` with its defaults.
        """
        faults = [Fault(entry) if isinstance(entry, str) else entry for entry in script]
        if rate is None:
            self.faults.script(faults)
            return
        for fault in faults:
            self.faults.rate(rate, fault)

    def limit(
        self,
        *,
        per_second: float | None = None,
        per_minute: float | None = None,
        service: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        """Allow each account that many requests, on top of the tier's quota."""
        quota = Quota(per_second=per_second, per_minute=per_minute)
        self.faults.limit(QuotaRule(quota, service=service, retry_after=retry_after))

    def behave(self) -> None:
        """Forget all faults and quotas that were asked for."""
        self.faults.clear()

    def reset(self) -> None:
        """As at the start: no faults, no placed answers, no picture read, an empty bill."""
        self.faults.clear()
        self._placed.clear()
        self._photographs.clear()
        self._books.clear()
