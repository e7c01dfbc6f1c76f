"""S3 prefixes as lists, and objects that the gate looks at, against moto's server."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from cloudvision.case import Unusable
from cloudvision.errors import ConfigError, FetchError, NotAnImageError, TooLargeError
from cloudvision.gate.verdict import Verdict
from cloudvision.images import Image, Remote
from cloudvision.outcome import Analysed, Skipped
from cloudvision.pipeline import Pipeline
from cloudvision.providers._aws_s3 import S3
from cloudvision.providers.fake import Fake
from cloudvision.raw import Raw
from cloudvision.sources import Passed, expand
from tests.command import Run, lines
from tests.loopback import serving
from tests.moto_server import env
from tests.pictures import png

numbers = itertools.count()


@pytest.fixture
def s3(moto_url: str) -> S3:
    return S3.from_env(env(moto_url))


@pytest.fixture
def bucket(moto_url: str) -> Bucket:
    return Bucket(moto_url)


class Bucket:
    """A new bucket with three pictures, one object that is none, and one folder marker."""

    def __init__(self, url: str) -> None:
        import boto3

        self.client: Any = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        self.name = f"pictures-{next(numbers)}"
        self.client.create_bucket(Bucket=self.name)
        for n, key in enumerate(("dir/a b.png", "dir/sub/B.JPG", "dir/notes.txt", "dir/", "other/c.jpeg")):
            self.put(key, png(n))

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def remote(self, s3: S3) -> Remote:
        return next(one for one in s3.objects(self.name, "dir/") if one.key == "dir/a b.png")


class Asked(Fake):
    """Remembers in which form each picture came."""

    def __init__(self) -> None:
        super().__init__(price=1000)
        self.pictures: list[Image | Remote] = []

    def call(self, image: Image | Remote, /) -> Raw:
        self.pictures.append(image)
        return super().call(image)


class Judge:
    def __init__(self, score: float) -> None:
        self.score = score

    def judge(self, image: Image, /) -> Verdict:
        return Verdict(self.score >= 0.5, self.score, 0.5, "fast", "told 1")


def test_a_prefix_is_the_list_of_its_pictures_by_the_ending_of_their_keys(bucket: Bucket, s3: S3) -> None:
    passed = Passed()
    found = list(expand([f"s3://{bucket.name}/dir/"], passed=passed, s3=s3))
    assert [f"s3://{bucket.name}/dir/a b.png", f"s3://{bucket.name}/dir/sub/B.JPG"] == [one.source for one in found]  # type: ignore[union-attr]
    assert 2 == passed.files
    assert 3 == len(list(expand([f"s3://{bucket.name}"], s3=s3)))


def test_a_listing_is_read_page_by_page_as_it_is_needed(bucket: Bucket, s3: S3) -> None:
    for n in range(4):
        bucket.put(f"many/{n}.png", b"x")
    listed = s3.objects(bucket.name, "many/", page_size=2)
    assert "many/0.png" == next(listed).key
    bucket.put("many/9.png", b"x")  # nobody has looked that far
    assert ["many/1.png", "many/2.png", "many/3.png", "many/9.png"] == [one.key for one in listed]


def test_the_etag_makes_answers_of_objects_come_back(bucket: Bucket, s3: S3) -> None:
    provider = Asked()
    pipeline = Pipeline(provider)
    for _ in range(2):
        for source in expand([f"s3://{bucket.name}/dir/"], s3=s3):
            assert isinstance(pipeline.run(source), Analysed)
    assert 2 == provider.calls
    bucket.put("dir/a b.png", png(77))  # other bytes, other ETag
    for source in expand([f"s3://{bucket.name}/dir/"], s3=s3):
        pipeline.run(source)
    assert 3 == provider.calls


@pytest.mark.parametrize("versioned", [True, False])
def test_the_gate_looks_at_the_object_and_the_service_gets_its_name(bucket: Bucket, s3: S3, versioned: bool) -> None:
    provider, remote = Asked(), bucket.remote(s3)
    if not versioned:
        remote = Remote(remote.source, bucket=remote.bucket, key=remote.key)
    no = Pipeline(provider, gate=Judge(0.1), load_object=s3.load).run(remote)
    assert isinstance(no, Skipped)
    assert 64 == len(no.digest)
    assert [] == provider.pictures
    yes = Pipeline(provider, gate=Judge(0.9), load_object=s3.load).run(remote)
    assert isinstance(yes, Analysed)
    assert yes.verdict is not None
    assert [remote] == provider.pictures


def test_without_a_gate_nothing_is_downloaded(bucket: Bucket, s3: S3) -> None:
    def refuse(_remote: Remote) -> Image:
        raise AssertionError("downloaded")

    assert isinstance(Pipeline(Asked(), load_object=refuse).run(bucket.remote(s3)), Analysed)


def test_a_provider_that_cannot_read_s3_gets_the_bytes(bucket: Bucket, s3: S3) -> None:
    provider = Asked()
    pipeline = Pipeline(provider, load_object=s3.load, send_objects=False)
    assert isinstance(pipeline.run(bucket.remote(s3)), Analysed)
    assert [png(0)] == [one.data for one in provider.pictures if isinstance(one, Image)]
    assert isinstance(pipeline.run(png(0)), Analysed)
    assert 1 == provider.calls  # the same bytes from elsewhere


def test_what_cannot_be_read_fails_by_name(bucket: Bucket, s3: S3) -> None:
    remote = bucket.remote(s3)
    with pytest.raises(TooLargeError, match=r"a b\.png"):
        s3.load(remote, max_bytes=100)
    bucket.put("dir/a b.png", b"<html>")
    with pytest.raises(FetchError, match="was changed since it was listed") as changed:
        s3.load(remote)
    assert not changed.value.transient
    with pytest.raises(NotAnImageError):
        s3.load(bucket.remote(s3))
    with pytest.raises(FetchError, match="NoSuchKey") as missing:
        s3.load(Remote("s3://x/y", bucket=bucket.name, key="y"))
    assert not missing.value.transient


def test_a_bucket_that_is_not_there_ends_the_run_with_a_reason(s3: S3) -> None:
    with pytest.raises(ConfigError, match="cannot list s3://no-such-bucket/: S3 says NoSuchBucket"):
        list(expand(["s3://no-such-bucket/"], s3=s3))


@pytest.mark.parametrize(("status", "transient"), [("503 Slow Down", True), ("403 Forbidden", False)])
def test_only_trouble_of_the_service_is_worth_another_try(status: str, transient: bool) -> None:
    code = b"<Error><Code>SlowDown</Code></Error>" if transient else b"<Error><Code>AccessDenied</Code></Error>"
    with serving(lambda request: request.answer(code, status=status)) as server:
        with pytest.raises(FetchError) as caught:
            S3.from_env(env(server.url(""))).load(Remote("s3://b/k", bucket="bucket", key="k"))
        assert transient is caught.value.transient
        assert 1 == len(server.requests)


def test_wrong_keys_end_the_run() -> None:
    code = b"<Error><Code>InvalidAccessKeyId</Code></Error>"
    with (
        serving(lambda request: request.answer(code, status="403 Forbidden")) as server,
        pytest.raises(ConfigError, match="InvalidAccessKeyId"),
    ):
        S3.from_env(env(server.url(""))).load(Remote("s3://b/k", bucket="bucket", key="k"))


def test_prefixes_stand_in_lists_too_and_one_that_cannot_be_listed_fails_by_itself(
    bucket: Bucket, s3: S3, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(f"picture\na.jpg\ns3://{bucket.name}/dir/\ns3://nobody-has-it/\ns3:///key\ns3://{bucket.name}/k\n")
    passed = Passed()
    found = list(expand([f"@{rows}:picture"], passed=passed, s3=s3))
    names = [one.source if isinstance(one, Remote | Unusable) else str(one) for one in found]
    objects = [f"s3://{bucket.name}/dir/{key}" for key in ("a b.png", "sub/B.JPG")]
    assert ["a.jpg", *objects, "s3://nobody-has-it/", "s3:///key", f"s3://{bucket.name}/k"] == names
    assert [False, False, False, True, True, False] == [isinstance(one, Unusable) for one in found]
    assert 2 == passed.files


@pytest.fixture
def in_aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in env(moto_url).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("in_aws")
def test_a_run_over_a_prefix_from_the_command_line(
    run: Run, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = f"s3://{bucket.name}/dir/"
    Path("list.txt").write_text(f"{prefix}\n")
    assert 0 == run("run", prefix, "--provider", "aws-rekognition", "--gate", "-o", "gated.jsonl")
    assert "2 files in folders or under S3 prefixes" in capsys.readouterr().err
    assert {"skipped"} == {line["outcome"] for line in lines("gated.jsonl")}  # plain colours
    for listed in (prefix, "@list.txt"):
        assert 0 == run("run", listed, "--provider", "aws-rekognition", "--no-gate", "-o", "all.jsonl")
        assert ["analysed"] * 2 == [line["outcome"] for line in lines("all.jsonl")]
    capsys.readouterr()
    assert 0 == run("estimate", prefix, "--provider", "aws-rekognition", "--no-gate", "--json")
    figures = json.loads(capsys.readouterr().out)
    assert (0, 2) == (figures["calls"]["expected"], figures["answered"]["expected"])


@pytest.mark.usefixtures("in_aws")
def test_the_gate_judges_objects(run: Run, bucket: Bucket, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run("gate", "judge", f"s3://{bucket.name}/dir/", "--json")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [f"s3://{bucket.name}/dir/a b.png", f"s3://{bucket.name}/dir/sub/B.JPG"] == [one["source"] for one in told]
    assert 1 == run("gate", "judge", f"s3://{bucket.name}/not-there.png", "--limit", "1")
    assert "NoSuchKey" in capsys.readouterr().err
