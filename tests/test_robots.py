"""robots.txt: which rules count, what a missing one means, and that it is asked for once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.robotparser import RobotFileParser

import pytest

from cloudvision.cli import main
from cloudvision.errors import BlockedAddressError, FetchError
from cloudvision.fetch import USER_AGENT, Fetcher
from cloudvision.politeness import Politeness
from cloudvision.robots import TOKEN, Robots, allowed, parse
from tests.loopback import Request, serving
from tests.pictures import png

EXAMPLE = """# RFC 9309, section 5.1, and more
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: CloudVision-Gate/1.0
Disallow: /private
Allow: /private/open*.png$
Disallow: /*?session=
Sitemap: https://example.com/sitemap.xml

user-agent: cloudvision-gate  # a second group for us
disallow: /b%7Er/\u00fc

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("token", "path", "may"),
    [
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/other.html", False),
        ("other", "/example/page.html", False),
        ("other", "/a/b.gif", False),
        ("other", "/a/b.gif?x=1", True),
        ("quxbot", "/example/page.html", True),
        (TOKEN, "/example/a.gif", True),
        (TOKEN, "/private/a.png", False),
        (TOKEN, "/privately", False),
        (TOKEN, "/private/open/a.png", True),
        (TOKEN, "/private/open/a.png.exe", False),
        (TOKEN, "/a.png?session=1", False),
        (TOKEN, "/a.png?other=1", True),
        (TOKEN, "/b~r/%C3%BC.png", False),
        (TOKEN, "/b~r/a.png", True),
    ],
)
def test_the_longest_rule_of_our_groups_counts(token: str, path: str, may: bool) -> None:
    assert may is allowed(parse(EXAMPLE, token=token), path)


@pytest.mark.parametrize(
    "text", ["", "Disallow: /", "User-agent: *\nDisallow:\n", "\x00\xff", "<html>not found</html>"]
)
def test_a_text_without_rules_for_us_allows_everything(text: str) -> None:
    assert allowed(parse(text), "/a.png")


def test_the_token_is_the_one_that_the_user_agent_says() -> None:
    assert USER_AGENT.startswith(f"{TOKEN}/")


def test_plain_prefixes_mean_what_the_standard_library_takes_them_for() -> None:
    text = "User-agent: *\nDisallow: /a/\nDisallow: /b\n"
    standard = RobotFileParser()
    standard.parse(text.splitlines())
    for path in ("/", "/a", "/a/", "/a/x.png", "/b", "/bc.png", "/c/a/"):
        assert standard.can_fetch(TOKEN, path) is allowed(parse(text), path)


def test_a_rule_of_many_stars_costs_nothing() -> None:
    rules = parse("User-agent: *\nDisallow: /" + "*a" * 3000 + "$\n")
    assert allowed(rules, "/" + "a" * 2999 + "b")


@pytest.mark.parametrize(
    ("status", "retry_after_s", "message"),
    [("404 Not Found", 0.0, None), ("403 Forbidden", 0.0, None), ("503 Busy", 601.0, "cannot be read for now")],
)
def test_a_missing_file_allows_and_a_broken_host_forbids_for_now(
    status: str, retry_after_s: float, message: str | None
) -> None:
    now = [0.0]
    answers = [status, "200 OK"]
    with serving(lambda request: request.answer(status=answers.pop(0))) as server:
        robots = Robots(Fetcher(allow_private_hosts=True, env={}).fetch, clock=lambda: now[0])
        if message is None:
            robots.check(server.url(), "x")
            assert 1 == len(server.requests)
            return
        for _ in range(2):
            with pytest.raises(FetchError, match=message) as caught:
                robots.check(server.url(), "the source")
            assert not caught.value.transient
        assert 1 == len(server.requests)
        now[0] = retry_after_s
        robots.check(server.url(), "x")


def polite(robots_txt: str) -> Callable[[Request], None]:
    def handler(request: Request) -> None:
        path = request.line.split()[1]
        if path == "/robots.txt":
            request.answer(robots_txt.encode())
        elif path == "/hop":
            request.answer(status="302 Found", location="/secret/a.png")
        else:
            request.answer(b"picture")

    return handler


def test_a_download_obeys_also_after_a_redirect_and_asks_for_the_rules_once() -> None:
    with (
        serving(polite(f"User-agent: {TOKEN}\nDisallow: /secret/\n")) as server,
        Fetcher(allow_private_hosts=True, env={}) as plain,
        Fetcher(allow_private_hosts=True, turn=Robots(plain.fetch).before(Politeness().turn), env={}) as fetcher,
        ThreadPoolExecutor(8) as pool,
    ):
        assert [b"picture"] * 20 == list(pool.map(fetcher.fetch, [server.url(f"/{n}.png") for n in range(20)]))
        for path in ("/secret/a.png", "/hop"):
            with pytest.raises(
                FetchError, match=r"robots\.txt of the host disallows it for cloudvision-gate"
            ) as caught:
                fetcher.fetch(server.url(path))
            assert not caught.value.transient
    paths = [request.line.split()[1] for request in server.requests]
    assert 1 == paths.count("/robots.txt")
    assert "/secret/a.png" not in paths


def test_the_rules_of_a_private_host_are_not_asked_for() -> None:
    with serving(polite("")) as server, Fetcher(env={}) as guarded:
        with pytest.raises(BlockedAddressError):
            Robots(guarded.fetch).check(server.url(), "x")
        assert [] == server.requests


def test_a_run_with_robots_fails_by_name_what_the_host_disallows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(picture_or_rules) as server:
        urls = [server.url("/open.png"), server.url("/closed/a.png")]
        flags = ["--provider", "fake", "--no-gate", "--allow-private-hosts", "--robots", "--host-rate", "1000"]
        monkeypatch.setattr(sys, "argv", ["cloudvision", "run", *urls, *flags, "-o", "out.jsonl"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert 1 == ended.value.code
    first, second = map(json.loads, Path("out.jsonl").read_text().splitlines())
    assert ("analysed", "failed") == (first["outcome"], second["outcome"])
    assert "robots.txt" in second["error"]["message"]


def picture_or_rules(request: Request) -> None:
    rules = b"User-agent: *\nDisallow: /closed/\n"
    request.answer(rules if "/robots.txt" in request.line else png())
