"""Near-duplicates: who takes whose answer, and who does not."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from cloudvision import images
from cloudvision.cli import main
from cloudvision.errors import ConfigError, StoppedError
from cloudvision.estimate import estimate
from cloudvision.ledger import Ledger
from cloudvision.outcome import Analysed, Skipped
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.providers.fake import Fake
from cloudvision.stop import StopSignal
from tests.ledgers import ANSWER, Opener, held
from tests.pictures import png
from tests.test_pipeline import Judge

pytest.importorskip("imagehash", reason="needs the extra near")

from cloudvision.near import Near, NearIndex


def photo(seed: int = 0) -> Pillow.Image:
    """Soft blobs of light and dark, as a photograph has them; each seed gives another one."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Pillow.fromarray(coarse).resize((640, 480), Pillow.Resampling.BICUBIC)


def jpeg(picture: Pillow.Image, name: str, *, quality: int = 95) -> images.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return images.load(stream.getvalue(), name=name)


FIRST = jpeg(photo(), "first.jpg")
AGAIN = jpeg(photo().resize((400, 300)), "again.jpg", quality=60)
OTHER = jpeg(photo(1), "other.jpg")


def analysed(pipeline: Pipeline, image: images.Image, **more: int) -> Analysed:
    outcome = pipeline.run(image, **more)
    assert isinstance(outcome, Analysed)
    return outcome


def test_a_picture_encoded_anew_takes_the_answer_of_the_first_and_says_so() -> None:
    fake = Fake(price=1000)
    pipeline = Pipeline(fake, near=NearIndex(4))
    first, again = analysed(pipeline, FIRST), analysed(pipeline, AGAIN)
    assert 1 == fake.calls
    assert first.analysis.lines == again.analysis.lines
    assert ("again.jpg", AGAIN.digest) == (again.source, again.digest)
    assert again.analysis.provenance is not None
    assert (True, 0.0) == (again.analysis.provenance.cached, again.analysis.provenance.cost_usd)
    assert () == first.analysis.warnings
    (warning,) = again.analysis.warnings
    assert warning.startswith("near-duplicate of first.jpg (distance ")


def test_another_picture_is_called() -> None:
    fake = Fake()
    pipeline = Pipeline(fake, near=NearIndex(16))
    assert () == analysed(pipeline, FIRST).analysis.warnings
    assert () == analysed(pipeline, OTHER).analysis.warnings
    assert 2 == fake.calls


def test_unless_asked_for_only_equal_bytes_share_an_answer() -> None:
    fake = Fake()
    pipeline = Pipeline(fake)
    for picture in (FIRST, AGAIN, FIRST):
        assert () == analysed(pipeline, picture).analysis.warnings
    assert 2 == fake.calls


def test_of_pictures_that_look_alike_at_the_same_moment_one_is_called_for() -> None:
    begun = threading.Event()
    # The call lasts until another one begins, or for as long as that one would have needed to.
    fake = Fake(latency_s=0.2, sleep=begun.wait)
    pipeline = Pipeline(fake, near=NearIndex(4))
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda picture: analysed(pipeline, picture), (FIRST, AGAIN, FIRST, OTHER)))
    assert 2 == fake.calls
    first, again, twin, other = (bool(outcome.analysis.warnings) for outcome in outcomes)
    assert (first, first) == (not again, twin)  # whichever came first; its twin of equal bytes has the same answer
    assert not other


def test_whoever_waits_for_a_picture_like_its_own_stops_with_the_run() -> None:
    index, stop = NearIndex(4), StopSignal()
    stop.set()
    looks = index.hash_of(FIRST)
    assert looks is not None
    with (
        index.alone(looks, like="fake/1/a", check=stop.check),
        index.alone(looks, like="fake/2/a", check=stop.check),
        pytest.raises(StoppedError),
        index.alone(looks, like="fake/1/b", check=stop.check),
    ):
        pytest.fail("two at a time")
    with index.alone(looks, like="fake/1/b", check=stop.check):
        pass


def test_an_estimate_counts_pictures_that_look_alike_once() -> None:
    for near, calls in ((NearIndex(4), 2), (None, 3)):
        found = estimate(Pipeline(Fake(price=1000), near=near), [FIRST, AGAIN, OTHER])
        assert (calls, 3 - calls) == (found.calls.expected, found.answered.expected)


def test_an_answer_of_its_own_goes_before_that_of_a_near_duplicate() -> None:
    fake, ledger = Fake(), Ledger()
    analysed(Pipeline(fake, ledger=ledger), AGAIN)
    analysed(Pipeline(fake, ledger=ledger), FIRST)
    pipeline = Pipeline(fake, ledger=ledger, near=NearIndex(4, store=ledger))
    assert () == analysed(pipeline, FIRST).analysis.warnings
    assert () == analysed(pipeline, AGAIN).analysis.warnings
    assert 2 == fake.calls


def test_a_near_duplicate_is_not_shown_to_the_gate_and_a_skipped_picture_lends_nothing() -> None:
    fake, ledger, near = Fake(), Ledger(), NearIndex(4)
    refusing = Judge(0.1)
    assert isinstance(Pipeline(fake, gate=refusing, ledger=ledger, near=near).run(FIRST), Skipped)
    assert isinstance(Pipeline(fake, gate=refusing, ledger=ledger, near=near).run(AGAIN), Skipped)
    analysed(Pipeline(fake, ledger=ledger, near=near), FIRST)
    assert analysed(Pipeline(fake, gate=refusing, ledger=ledger, near=near), AGAIN).analysis.warnings
    assert (1, 2) == (fake.calls, refusing.looked)


def test_answers_of_another_provider_or_other_options_are_not_taken() -> None:
    ledger = Ledger()
    near = NearIndex(4, store=ledger)
    one, two = Fake(fingerprint="1"), Fake(fingerprint="2")
    analysed(Pipeline(one, ledger=ledger, near=near), FIRST)
    assert () == analysed(Pipeline(two, ledger=ledger, near=near), AGAIN).analysis.warnings
    two.name = "other"
    assert () == analysed(Pipeline(two, ledger=ledger, near=near), AGAIN).analysis.warnings
    assert (1, 2) == (one.calls, two.calls)


def test_the_index_survives_a_restart(open_ledger: Opener) -> None:
    fake = Fake()
    for picture, warned in ((FIRST, False), (AGAIN, True)):
        ledger = open_ledger()
        outcome = analysed(Pipeline(fake, ledger=ledger, near=NearIndex(4, store=ledger)), picture)
        assert warned == bool(outcome.analysis.warnings)
    assert 1 == fake.calls


def test_what_is_paid_for_anew_is_not_taken_from_an_older_answer() -> None:
    fake, ledger = Fake(), Ledger()
    near = NearIndex(4, store=ledger)
    analysed(Pipeline(fake, ledger=ledger, near=near), FIRST)
    assert () == analysed(Pipeline(fake, ledger=ledger, near=near, policy=Policy(again="all")), AGAIN).analysis.warnings
    assert 2 == fake.calls


def test_a_run_that_goes_on_tells_the_same_of_a_near_duplicate() -> None:
    ledger = Ledger()
    run = ledger.begin_run("same", command="c", provider="fake").id
    pipeline = Pipeline(Fake(price=1000), ledger=ledger, run_id=run, near=NearIndex(4))
    analysed(pipeline, FIRST, position=0)
    told = analysed(pipeline, AGAIN, position=1)
    first, entry = ledger.progress(run)
    assert (True, 0, 1000, first.key) == (entry.cached, entry.cost, entry.avoided, entry.key)
    assert pipeline.replay(entry) is None
    assert told == analysed(pipeline, AGAIN, position=1)


@pytest.mark.parametrize("pattern", ["first.jpg", "again.jpg"])
def test_a_purged_answer_takes_its_hash_with_it(open_ledger: Opener, pattern: str) -> None:
    ledger, fake = open_ledger(), Fake()
    run = ledger.begin_run("same", command="c", provider="fake").id
    near = NearIndex(4, store=ledger)
    pipeline = Pipeline(fake, ledger=ledger, run_id=run, near=near)
    analysed(pipeline, FIRST, position=0)
    analysed(pipeline, AGAIN, position=1)
    assert 1 == len(list(ledger.hashes("")))
    assert 1 == ledger.purge(source=pattern).answers
    assert [] == list(ledger.hashes(""))
    assert () == analysed(pipeline, AGAIN, position=1).analysis.warnings
    assert 2 == fake.calls


def test_hashes_come_out_by_prefix_and_one_without_an_answer_is_not_kept(open_ledger: Opener) -> None:
    ledger = open_ledger()
    ledger.keep_hash("fake/f/gone", 2**64 - 1, source="gone.png")
    for number in range(5):
        ledger.settle(held(ledger, f"fake/f/{number}"), ANSWER, cost=0)
        ledger.keep_hash(f"fake/f/{number}", 2**64 - 1 - number, source=f"{number} 1.png")
    ledger.settle(held(ledger, "fake/g/0"), ANSWER, cost=0)
    ledger.keep_hash("fake/g/0", 0, source="g.png")
    kept = [(f"fake/f/{number}", 2**64 - 1 - number, f"{number} 1.png") for number in range(5)]
    assert kept == sorted(ledger.hashes("fake/f/", chunk=2))


def test_trimming_a_file_deletes_hashes_with_their_answers(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db", max_answers=1) as ledger:
        for key in ("fake/f/a", "fake/f/b"):
            ledger.settle(held(ledger, key), ANSWER, cost=0)
            ledger.keep_hash(key, 1, source=key)
        ledger.finish_run(1)
    with sqlite3.connect(tmp_path / "l.db") as db:
        assert db.execute("SELECT key FROM answers").fetchall() == db.execute("SELECT key FROM hashes").fetchall()
    db.close()


def test_plain_and_broken_pictures_are_like_no_other() -> None:
    near = NearIndex(16)
    broken = images.Image("broken.png", b"\x89PNG\r\n\x1a\n", "PNG", 10, 10, 1, "0" * 64)
    assert [None, None, None] == [near.hash_of(one) for one in (images.load(png(0)), images.load(png(255)), broken)]


def test_the_nearest_is_found_within_the_distance_and_what_is_forgotten_is_not() -> None:
    near = NearIndex(3)
    numbers = [int(n) for n in np.random.default_rng(0).integers(0, 2**64, 3000, dtype=np.uint64)]
    for place, number in enumerate(numbers):
        near.add(number, key=f"p/f/{place}", source=f"{place}.jpg")
    assert Near("p/f/2500", "2500.jpg", 3) == near.find(numbers[2500] ^ 0b111, like="p/f/x")
    assert near.find(numbers[2500] ^ 0b1111, like="p/f/x") is None
    near.forget("p/f/7")
    assert near.find(numbers[7], like="p/f/x") is None
    assert Near("p/f/2999", "2999.jpg", 0) == near.find(numbers[2999], like="p/f/x")


@pytest.mark.parametrize("distance", [-1, 17])
def test_a_distance_that_says_nothing_is_refused(distance: int) -> None:
    with pytest.raises(ValueError, match="0 to 16 bits"):
        NearIndex(distance)


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagehash", None)
    with pytest.raises(ConfigError, match=r"pip install 'cloudvision-gate\[near\]'"):
        NearIndex(4)


@pytest.mark.parametrize(("flags", "calls"), [((), 2), (("--near-duplicates", "4"), 1)])
def test_the_command_takes_the_distance(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    calls: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    for picture in (FIRST, AGAIN):
        (tmp_path / picture.source).write_bytes(picture.data)
    command = ["cloudvision", "run", "first.jpg", "again.jpg", "--provider", "fake", "--no-gate", "-o", "out.jsonl"]
    monkeypatch.setattr(sys, "argv", [*command, "--workers", "1", *flags])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert calls == sum(not row["cached"] for row in rows)
    assert (calls == 1) == ("near-duplicate of first.jpg" in json.dumps(rows[1]))
    assert (calls == 1) == ("1 answers come with warnings" in capsys.readouterr().err)
