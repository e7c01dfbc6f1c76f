"""The fake: product code, with which users test their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudvision import images
from cloudvision.errors import ConfigError, RejectedError, ThrottledError, UnavailableError, UnexpectedAnswerError
from cloudvision.images import Remote
from cloudvision.providers._options import Options
from cloudvision.providers.fake import Fake
from cloudvision.raw import Raw
from cloudvision.results import Analysis, Label
from tests.pictures import png

ONE, TWO = images.load(png(1)), images.load(png(2))


def test_the_same_picture_always_has_the_same_answer_and_another_has_another() -> None:
    fake = Fake()
    first, second, other = (fake.parse(fake.call(image)) for image in (ONE, images.load(png(1)), TWO))
    assert first == second
    assert first.text == f"picture {ONE.digest[:8]}"
    assert other.text != first.text


def test_an_answer_can_be_given_for_a_picture_as_meaning_as_body_or_as_error() -> None:
    meant = Analysis(tags=(Label("cat", 0.9),))
    body = Raw("not json")
    fake = Fake(answers={ONE.digest: meant, TWO.digest: body, "s3://b/k": RejectedError("no", provider="fake")})
    assert fake.parse(fake.call(ONE)).tags == meant.tags
    assert fake.call(TWO) == body
    with pytest.raises(UnexpectedAnswerError):
        fake.parse(body)
    with pytest.raises(RejectedError):
        fake.call(Remote("s3://b/k", bucket="b", key="k"))


def test_a_script_comes_first_and_then_the_usual_answer() -> None:
    fake = Fake(script=[ThrottledError("wait", provider="fake", retry_after=2.0), None, Raw("x")])
    with pytest.raises(ThrottledError):
        fake.call(ONE)
    usual = fake.parse(fake.call(ONE))
    assert fake.call(ONE).body == "x"
    assert fake.parse(fake.call(ONE)) == usual
    assert fake.calls == 4


def test_an_error_that_is_raised_often_does_not_drag_its_history_along() -> None:
    fake = Fake(answers={ONE.digest: UnavailableError("down", provider="fake")})
    depths = []
    for _ in range(3):
        with pytest.raises(UnavailableError) as caught:
            fake.call(ONE)
        depths.append(len(caught.traceback))
    assert depths[0] == depths[2]


def test_latency_is_slept_through_the_function_given() -> None:
    slept: list[float] = []
    raw = Fake(latency_s=0.25, sleep=slept.append).call(ONE)
    assert (slept, raw.latency_s) == ([0.25], 0.25)


def test_calls_of_many_threads_are_all_counted_and_recorded_when_asked() -> None:
    fake = Fake(record=True)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fake.call, [ONE] * 200))
    assert (fake.calls, len(fake.sources)) == (200, 200)


def test_nothing_is_recorded_unless_asked() -> None:
    fake = Fake()
    fake.call(ONE)
    assert fake.sources == []


def test_each_call_costs_the_price_given() -> None:
    fake = Fake(price=1500)
    assert fake.worst_cost(ONE) == fake.cost(fake.call(ONE)) == 1500


def test_settings_it_does_not_have_are_refused() -> None:
    with pytest.raises(ConfigError, match="fake has no setting features"):
        Fake.from_env(Options(features=("read",)), env={})
