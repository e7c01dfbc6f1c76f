"""What a command line names and asks about: the list, the provider, the gate; without a word on how fast or how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from cloudvision import images
from cloudvision.case import Source
from cloudvision.cli._identity import identity
from cloudvision.fetch import Fetcher
from cloudvision.gate import Gate
from cloudvision.gate.backoff import Backoff
from cloudvision.gate.folder import read_config
from cloudvision.gate.gate import find
from cloudvision.gate.rewrite import target_in
from cloudvision.images import Remote
from cloudvision.ledger_store import LedgerStore
from cloudvision.near import NearIndex
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.provider import DETAILS, Details, Provider, open_provider
from cloudvision.providers._aws_s3 import S3
from cloudvision.providers._options import Options
from cloudvision.sources import ListsObjects, Passed, expand, is_prefix
from cloudvision.stop import StopSignal


@dataclass(frozen=True, slots=True)
class Work:
    """The values of the flags that `run` and `estimate` have in common."""

    names: tuple[str, ...]
    provider: Provider
    options: Options
    gate: Gate | None
    policy: Policy
    limit: int | None
    near_duplicates: int | None
    audit_recall: float = 0.95

    @property
    def details(self) -> Details:
        """What can be told of the provider."""
        return DETAILS[self.provider.name]

    @property
    def identity(self) -> str:
        """The same for the same work: an unfinished run of it goes on where it was, and an estimate finds its runs."""
        return identity(self.names, provider=self.provider, gate=self.gate, audit=self.policy.audit, limit=self.limit)

    def sources(self, passed: Passed) -> Iterator[Source]:
        """The list, read as it is needed."""
        return self._expanded(passed, None)

    def length(self) -> int | None:
        """Number of sources, where it can be known without touching a picture or a stream."""
        if any(_is_open_ended(name) or is_prefix(name) for name in self.names):
            return None
        try:
            return sum(1 for _ in self._expanded(Passed(), _NotListed()))
        except _NotListedError:
            return None

    def _expanded(self, passed: Passed, s3: ListsObjects | None) -> Iterator[Source]:
        documents = self.details.reads_documents
        return islice(expand(self.names, passed=passed, s3=s3, documents=documents), self.limit)

    def line(self, ledger: LedgerStore, fetcher: Fetcher, stop: StopSignal) -> Pipeline:
        """The straight line that all sources go through, as far as nobody is called."""
        documents = self.details.reads_documents
        return Pipeline(
            self.provider,
            gate=self.gate,
            ledger=ledger,
            policy=self.policy,
            load=partial(images.load, fetcher=fetcher, documents=documents),
            load_object=partial(S3.from_env().load, documents=documents),
            send_objects=self.details.reads_s3,
            stop=stop,
            near=None if self.near_duplicates is None else NearIndex(self.near_duplicates, store=ledger),
            backoff=Backoff(recall=self.audit_recall),
        )


class _NotListedError(Exception):
    """A list holds an S3 prefix: counting it would mean to list it."""


class _NotListed:
    """Refuses to list an S3 prefix."""

    def objects(self, bucket: str, prefix: str, /) -> Iterator[Remote]:
        raise _NotListedError(f"{bucket}/{prefix}")


def work_of(
    source: list[str],
    provider: str,
    policy: Policy,
    *,
    gate: str | None,
    features: str,
    model: str | None,
    pages: str | None,
    locale: str | None,
    shrink: bool,
    min_confidence: float | None,
    store: bool,
    timeout_s: float,
    near_duplicates: int | None,
    limit: int | None,
    audit_recall: float | None = None,
) -> Work:
    """The work that the flags describe. `gate` is a name or a folder.

    Raises:
        ConfigError: the provider is not known, or has no such setting.
    """
    options = Options(
        features=tuple(name.strip() for name in features.split(",") if name.strip()),
        model=model,
        language=locale,
        pages=pages,
        shrink=shrink,
        min_confidence=min_confidence,
        store=store,
        timeout_s=timeout_s,
    )
    asked = open_provider(provider, options)
    looks = None if gate is None else Gate.load(gate)
    target = audit_recall or (0.95 if gate is None else target_in(read_config(find(gate))))
    return Work(tuple(source), asked, options, looks, policy, limit, near_duplicates, target)


def gate_for(provider: str, wanted: bool | None, model: str) -> str | None:
    """The gate to open, None for none: the gate looks for text, and is of use before providers that read it."""
    reads_text = provider not in DETAILS or DETAILS[provider].reads_text
    return model if wanted or (wanted is None and reads_text) else None


def _is_open_ended(name: str) -> bool:
    # A pipe, such as @<(grep ...) or @/dev/stdin, can be read only once.
    piped = name.startswith("@") and Path(name[1:]).exists() and not Path(name[1:]).is_file()
    return piped or name == "-" or (not name.startswith("@") and Path(name).is_dir())
