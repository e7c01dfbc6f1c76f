"""More to do than can be done, clients that hang up, a server that is told to stop: with a model that can be held back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloudvision.errors import ConfigError, ImageError
from cloudvision.images import Image
from cloudvision.serve import Settings, running
from cloudvision.serve.answer import Answer
from tests.pictures import png
from tests.serving import Client, HeldBack, Reply, lined_up, serving_held_back

PATH = "/predict/held"


def metric(client: Client, name: str, **labels: str) -> float | None:
    text = client.get("/metrics").body.decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"cloudvision_serve_{name}" and labels.items() <= sample.labels.items():
                return sample.value
    return None


def test_a_full_line_answers_503_and_says_when_to_come_again() -> None:
    model = HeldBack()
    with (
        serving_held_back(model, settings=Settings(queue=2, threads=1)) as client,
        ThreadPoolExecutor(3) as pool,
    ):
        first = pool.submit(client.post, PATH, png(0))
        assert model.begun.acquire(timeout=20)
        waiting = [pool.submit(client.post, PATH, png(n)) for n in (1, 2)]
        lined_up(client, 2)
        refused = client.post(PATH, png(3))
        assert (503, ["error"]) == (refused.status, list(refused.json))
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert "Retry-After" in client.post("/image", png(3)).headers
        model.go.set()
        assert [200, 200, 200] == [each.result().status for each in (first, *waiting)]
        assert 200 == client.post(PATH, png(3)).status
        assert 2 == metric(client, "refused_pictures_total", model="held")
        assert 0 == metric(client, "line_pictures", model="held")
        assert 1 == metric(client, "requests_total", route="predict", status="503")


def test_more_pictures_than_the_line_holds_are_refused_for_good() -> None:
    with serving_held_back(HeldBack(), settings=Settings(queue=2, threads=1)) as client:
        reply = client.upload(PATH, *[("file", f"{n}.png", png(n)) for n in range(3)])
        assert (413, None) == (reply.status, reply.headers.get("Retry-After"))


def test_who_hangs_up_is_dropped_from_the_line() -> None:
    model = HeldBack()
    with serving_held_back(model, settings=Settings(queue=8, threads=1)) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, PATH, png(0))
        assert model.begun.acquire(timeout=20)
        address = urlsplit(client.url)
        with socket.create_connection((address.hostname, address.port)) as leaver:
            body = png(1)
            leaver.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (PATH.encode(), len(body)))
            leaver.sendall(body)
            lined_up(client, 1)
        while metric(client, "abandoned_pictures_total", model="held") != 1:
            pass
        last = pool.submit(client.post, PATH, png(2))
        lined_up(client, 2)
        model.go.set()
        assert [200, 200] == [first.result().status, last.result().status]
        assert 2 == len(model.prepared), "the picture that nobody waits for was decoded"


def test_pictures_that_wait_together_are_run_together() -> None:
    model = HeldBack()
    settings = Settings(queue=16, threads=1, max_delay_s=5.0)
    with serving_held_back(model, batch=4, settings=settings) as client, ThreadPoolExecutor(6) as pool:
        first = pool.submit(client.post, PATH, png(0))
        assert model.begun.acquire(timeout=20)
        others = [pool.submit(client.post, PATH, png(n)) for n in range(1, 6)]
        lined_up(client, 5)
        model.go.set()
        assert [200] * 6 == [each.result().status for each in (first, *others)]
        assert [1, 4, 1] == model.batches
        assert 4 + 1 + 1 == metric(client, "batch_pictures_sum", model="held")
        assert 3 == metric(client, "batch_pictures_count", model="held")
        assert 6 == metric(client, "wait_seconds_count", model="held")


def test_requests_that_have_begun_are_answered_before_the_server_ends() -> None:
    model = HeldBack()
    replies: list[Reply] = []
    with serving_held_back(model, settings=Settings(queue=8, threads=1, grace_s=20)) as client:
        asking = [threading.Thread(target=lambda n=n: replies.append(client.post(PATH, png(n)))) for n in range(3)]
        for thread in asking:
            thread.start()
        assert model.begun.acquire(timeout=20)
        lined_up(client, 2)
        letting_go = threading.Thread(target=when_nobody_listens, args=(client, model.go.set))
        letting_go.start()
    for thread in (letting_go, *asking):
        thread.join(20)
    assert [200, 200, 200] == [reply.status for reply in replies]


def when_nobody_listens(client: Client, then: Callable[[], None]) -> None:
    address = urlsplit(client.url)
    try:
        while True:
            socket.create_connection((address.hostname, address.port), timeout=5).close()
    except OSError:
        then()


class Spoilt(HeldBack):
    """Breaks on pictures 1 pixel wide, and takes the batch down with it."""

    def run(self, batch: Sequence[Image], *, alone: bool) -> Sequence[Answer | ImageError]:
        if any(image.width == 1 for image in batch):
            raise RuntimeError("a bug")
        return super().run(batch, alone=alone)


def test_a_bug_met_by_one_picture_costs_neither_the_others_nor_the_server() -> None:
    model = Spoilt()
    settings = Settings(queue=16, threads=1, max_delay_s=5.0)
    with serving_held_back(model, batch=4, settings=settings) as client, ThreadPoolExecutor(4) as pool:
        first = pool.submit(client.post, PATH, png(0))
        assert model.begun.acquire(timeout=20)
        others = [pool.submit(client.post, PATH, png(n, side=side)) for n, side in ((1, 9), (2, 1), (3, 9))]
        lined_up(client, 3)
        model.go.set()
        assert [200, 200, 500, 200] == [each.result().status for each in (first, *others)]
        assert "a bug" not in others[1].result().body.decode()


def test_a_model_is_told_when_it_has_the_machine_to_itself() -> None:
    model = HeldBack()
    with serving_held_back(model, settings=Settings(threads=2)) as client, ThreadPoolExecutor(2) as pool:
        both = [pool.submit(client.post, PATH, png(n)) for n in (0, 1)]
        assert model.begun.acquire(timeout=20)
        assert model.begun.acquire(timeout=20)
        model.go.set()
        assert [200, 200] == [each.result().status for each in both]
        assert not model.alone[1], "the other worker was busy"
        # The other worker may still be on its way to rest when its answer is here.
        assert any(200 == client.post(PATH, png(2)).status and model.alone[-1] for _ in range(200))


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    for wrong in ({"queue": 0}, {"max_batch": 0}, {"threads": -1}, {"max_delay_s": -1.0}, {"api_key": " "}):
        with pytest.raises(ConfigError):
            Settings(**wrong)
    for models in ([], ["nobody"], ["gate:fast", "gate:fast"], ["a b=gate"], [str(tmp_path)]):
        with pytest.raises(ConfigError), running(models):
            pass
