"""The straight line: from a source to its outcome, through the ledger and the gate to the provider.

::

    source --load--> Image --ledger.answer(key)--hit------------------------------------.
                       | miss       (--near-duplicates: or that of one that looks alike)|
                       gate.judge --not worth it--> Skipped (a share is called: audit)  |
                                    | worth it                                          |
          retry: breaker; reserve(worst cost); limiter; provider.call; settle | release | uncertain
                                    '----------------------> Raw --provider.parse--> Analysed

    an expected error that is not fatal --> Failed; a fatal one is raised; a bug is a traceback
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cloudvision import images
from cloudvision.alike import Alike
from cloudvision.auditing import learn
from cloudvision.breaker import CircuitBreaker
from cloudvision.case import Case, Source, Unusable, name_of
from cloudvision.errors import (
    CloudVisionError,
    ImageError,
    ProviderError,
)
from cloudvision.gate.backoff import Backoff
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image, Remote
from cloudvision.ledger import Entry, Ledger, Stored
from cloudvision.ledger_store import LedgerStore
from cloudvision.limit import Limiter
from cloudvision.looking import Judge, judged
from cloudvision.near import NearIndex
from cloudvision.outcome import Analysed, Failed, Outcome, Skipped
from cloudvision.paying import Payer
from cloudvision.policy import Policy
from cloudvision.provider import Provider, ReadsDocuments, criterion_of
from cloudvision.recording import Recorder
from cloudvision.retry import RetryPolicy
from cloudvision.stop import StopSignal
from cloudvision.telemetry import Telemetry

__all__ = ["Ahead", "Analysed", "Failed", "Judge", "Outcome", "Pipeline", "Policy", "Skipped", "Source"]

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ahead:
    """What `Pipeline.run` would do with a source now.

    Args:
        image: the source, loaded.
        answered: the answer is in the ledger.
        called: the provider would be called; False where there is an answer, or the gate says no.
        verdict: what the gate says; None where it is not asked.
        looks: the perceptual hash of a picture that has no answer of its own, where near-duplicates are looked for.
    """

    image: Image | Remote
    answered: bool
    called: bool
    verdict: Verdict | None
    looks: int | None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Built once, used by many threads.

    Args:
        provider: who is asked.
        gate: looks first; None to ask the provider for every picture.
        ledger: where answers and spend are kept; by default one in memory, gone with the pipeline.
        run: id of the run that the entries belong to (`Ledger.begin_run`); None keeps answers but no progress.
        policy: budget, retries, audit.
        limiter: how fast calls may leave, shared by all threads.
        breaker: holds everybody back while the service is down, shared by all threads; its clock is that of the retries.
        polls: how fast polls of long-running operations may leave; apart from the calls.
        load: turns a source into a picture; None for `images.load`, with documents where the provider reads them.
        load_object: downloads an S3 object; None where nothing is to be downloaded, and the gate passes objects by.
        send_objects: the provider reads S3 objects itself; False to send it the downloaded bytes.
        stop: thrown to end all waiting.
        rng: randomness of the retry waits.
        began: seconds since the epoch; what is older counts as "before" for `Policy.again`.
        telemetry: spans and metrics; by default those of the process, which are nowhere unless they are set up.
        near: lets a picture take the answer of one that looks alike, with a warning in it; None for equal bytes only.
        backoff: lowers the gate's threshold when the audit shows that it misses too much.
    """

    provider: Provider
    gate: Judge | None = None
    ledger: LedgerStore = field(default_factory=Ledger)
    run_id: int | None = None
    policy: Policy = Policy()
    limiter: Limiter = field(default_factory=Limiter)
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    load: Callable[[images.Source], Image] | None = None
    load_object: Callable[[Remote], Image] | None = None
    send_objects: bool = True
    stop: StopSignal = field(default_factory=StopSignal)
    rng: random.Random = field(default_factory=random.Random)
    began: float = field(default_factory=time.time)
    telemetry: Telemetry = field(default_factory=Telemetry)
    near: NearIndex | None = None
    polls: Limiter = field(default_factory=Limiter)
    backoff: Backoff = field(default_factory=Backoff)

    def run(self, source: Source, *, position: int | None = None) -> Outcome:
        """Take one source to its outcome, and write it down.

        Args:
            source: path, URL, bytes, array, PIL image, `Image` or `Remote`.
            position: its index in the list of the run.

        Raises:
            CloudVisionError: a fatal one only (no key, budget reached, stopped): the next source would fail alike.
        """
        outcome = self.telemetry.source(
            lambda: self._run(source, position), provider=self.provider.name, position=position
        )
        return self._learned(outcome)

    def _run(self, source: Source, position: int | None) -> Outcome:
        case, record, alike, paid = Case(name_of(source), position), self._recorder(), self._alike(), False
        try:
            self.stop.check()
            image = self._retrying(lambda: self._loaded(source), self.policy.download)
            case = replace(case, source=image.source, digest=image.digest, key=self._key(image))
            stored, worst = self.ledger.answer(case.key), self.provider.worst_cost(image)
            case = replace(case, looks=alike.looks(image, case.key))
            with alike.alone(case, stored, check=self.stop.check) as waited:
                stored = self.ledger.answer(case.key) if waited else stored
                if stored is None and (found := alike.find(case)) is not None:
                    return record.analysed_as(*found, case, avoided=worst)
                if stored is None or self._outdated(stored):
                    case = replace(self._judged(case, image), call_again=stored is not None)
                    if case.verdict and not case.verdict.worth and not case.audited:
                        return record.skipped(case, avoided=worst)
                    stored, paid = self._retrying(lambda: self._payer().pay(case, image))
                outcome = record.analysed(case, stored, paid=paid, avoided=0 if paid else worst)
                alike.remember(case, outcome)
                return outcome
        except CloudVisionError as error:
            if error.fatal:
                raise
            return record.failed(case, error)

    def look_ahead(self, source: Source) -> Ahead:
        """Load and judge a source like `run`, and stop short of calling anybody. Nothing is written down.

        Raises:
            CloudVisionError: the source cannot be loaded.
        """
        self.stop.check()
        image = self._retrying(lambda: self._loaded(source), self.policy.download)
        case = Case(image.source, digest=image.digest, key=self._key(image))
        stored, alike = self.ledger.answer(case.key), self._alike()
        case = replace(case, looks=alike.looks(image, case.key))
        if (stored is not None and not self._outdated(stored)) or (stored is None and alike.find(case) is not None):
            return Ahead(image, answered=True, called=False, verdict=None, looks=case.looks)
        case = self._judged(case, image)
        called = case.verdict is None or case.verdict.worth or case.audited
        return Ahead(image, answered=False, called=called, verdict=case.verdict, looks=case.looks)

    def replay(self, entry: Entry) -> Outcome | None:
        """The outcome that an earlier, interrupted pass wrote down; None where it has to be done again."""
        outcome = self._recorder().replay(entry)
        return None if outcome is None else self._learned(outcome)

    # -- the steps, in the order of the line ---------------------------------------------------------------------------

    def _loaded(self, source: Source) -> Image | Remote:
        if isinstance(source, Unusable):
            raise ImageError(source.source, source.reason)
        if isinstance(source, Remote) and not self.send_objects and self.load_object is not None and source.bucket:
            return self.load_object(source)
        if isinstance(source, Image | Remote):
            return source
        if self.load is not None:
            return self.load(source)
        return images.load(source, documents=isinstance(self.provider, ReadsDocuments))

    def _key(self, image: Image | Remote) -> str:
        fingerprint = hashlib.sha256(self.provider.fingerprint.encode()).hexdigest()[:16]
        # A picture that we cannot name by its content gets a key of its own: its answer is kept, and never hit.
        return f"{self.provider.name}/{fingerprint}/{image.digest or f'once-{uuid.uuid4().hex}'}"

    def _outdated(self, stored: Stored) -> bool:
        """True for an outcome that the caller wants to have anew."""
        if self.policy.again == "no" or stored.created >= self.began:
            return False
        if self.policy.again == "all" or stored.raw is None:
            return True
        try:
            self.provider.parse(stored.raw)
        except ProviderError:
            return True
        return False

    def _judged(self, case: Case, image: Image | Remote) -> Case:
        if self.gate is None:
            return case
        if isinstance(image, Remote):
            if self.load_object is None or image.bucket is None:
                return case
            load, remote = self.load_object, image
            image = self._retrying(lambda: load(remote), self.policy.download)
            case = replace(case, digest=image.digest)
        verdict = judged(self.gate, image)
        if verdict is None:
            return case
        verdict = self.backoff.adjusted(verdict)
        audited = not verdict.worth and _drawn(image.digest) < self.policy.audit
        return replace(case, verdict=verdict, audited=audited, propensity=1.0 if verdict.worth else self.policy.audit)

    def _learned(self, outcome: Outcome) -> Outcome:
        criterion = criterion_of(self.provider.name, self.policy.criterion)
        if learn(self.backoff, outcome, audit=self.policy.audit, criterion=criterion) is not None:
            self.telemetry.backed_off(self.provider.name)
        return outcome

    def _alike(self) -> Alike:
        return Alike(self.near, self.ledger, self._outdated)

    def _recorder(self) -> Recorder:
        return Recorder(self.provider, self.ledger, self.run_id)

    def _payer(self) -> Payer:
        return Payer(
            self.provider,
            self.ledger,
            self.run_id,
            self.policy,
            self.limiter,
            self.breaker,
            self.stop,
            self.telemetry,
            self.began,
            self.polls,
        )

    def _retrying(self, step: Callable[[], T], policy: RetryPolicy | None = None) -> T:
        return (policy or self.policy.retry).call(step, clock=self.breaker.patience, sleep=self._wait, rng=self.rng)

    def _wait(self, seconds: float) -> None:
        log.debug("tried again in %.1f s", seconds)
        self.telemetry.retried(self.provider.name)
        self.stop.sleep(seconds)


def _drawn(digest: str) -> float:
    """A number in [0, 1) that depends on the picture alone."""
    return int(hashlib.sha256(f"audit {digest}".encode()).hexdigest()[:13], 16) / 16**13
