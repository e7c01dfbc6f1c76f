"""`cloudvision customvision`: the whole way by the commands that a user types, against the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudvision.emulator import Emulator, running
from cloudvision.quotas import QUOTAS, Quota
from tests.command import Run, lines
from tests.custom_vision_clients import GREEN, ColourTrainer, picture, training
from tests.customvision_rig import folder
from tests.emulation import MadeUpReader

pytest.importorskip("azure.cognitiveservices.vision.customvision", reason="needs the extra azure")


@pytest.fixture(scope="module")
def trainer() -> ColourTrainer:
    return ColourTrainer()


@pytest.fixture(scope="module")
def emulator(trainer: ColourTrainer) -> Iterator[Emulator]:
    with running(reader=MadeUpReader(), trainer=trainer) as running_:
        yield running_


@pytest.fixture
def say(run: Run, emulator: Emulator, trainer: ColourTrainer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run `cloudvision customvision`, with the emulator for the service and an empty account."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CUSTOM_VISION_PROJECT_ID", "fruit")
    # Ten calls a second would be most of the time of these tests, and this service takes more.
    monkeypatch.setitem(QUOTAS["azure-custom-vision-training"], "S0", Quota(per_second=1000))
    folder(Path("pictures"), apple=6, pear=6)
    yield lambda *words: run("customvision", *words)
    emulator.faults.clear()
    trainer.refusal = ""
    client = training(emulator)
    for project in client.get_projects():
        for iteration in client.get_iterations(project.id):
            if iteration.publish_name:
                client.unpublish_iteration(project.id, iteration.id)
        client.delete_project(project.id)


@pytest.fixture
def fruit(say: Run, capsys: pytest.CaptureFixture[str]) -> Run:
    """A project with pictures in it."""
    assert 0 == say("create", "fruit", "--domain", "general compact", "--platform", "onnx")
    assert 0 == say("upload", "pictures")
    capsys.readouterr()
    return say


def test_from_a_folder_to_a_published_and_an_exported_model(
    fruit: Run, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == fruit("train")
    assert capsys.readouterr().out.startswith("Iteration 1  Completed  ")
    assert 0 == fruit("evaluate", "--threshold", "0.6")
    table = capsys.readouterr().out.splitlines()
    assert ["overall", "1.000", "0.400", "0.500"] == table[1].split()
    assert ["overall", "apple", "pear"] == [row.split()[0] for row in table[1:]]
    for _ in range(2):
        assert 0 == fruit("publish", "v1.0.0")
    assert 0 == fruit("train", "--force", "--json")
    assert '"Iteration 2"' in capsys.readouterr().out
    Path("one.png").write_bytes(picture(GREEN, 9))
    assert 0 == fruit("predict", "one.png", "--iteration", "v1.0.0")
    assert capsys.readouterr().out.startswith("one.png  pear 0.9")
    assert 0 == fruit("compare", "v1.0.0", "latest", "pictures", "--json")
    compared = json.loads(capsys.readouterr().out)
    assert ("no difference can be told from 12 pictures", 12) == (
        compared["verdict"],
        compared["comparison"]["a"]["right"],
    )
    assert 0 == fruit("export", "onnx", "-o", "model.zip", "--allow-private-hosts")
    assert b"PK ONNX" == Path("model.zip").read_bytes()
    assert 2 == fruit("export", "onnx", "-o", "model.zip", "--allow-private-hosts")
    assert 0 == fruit("publish", "v1.1.0")
    assert 0 == fruit("unpublish", "--roll-back")
    assert "v1.1.0 is no longer published; the newest version is v1.0.0" in capsys.readouterr().err
    assert 0 == fruit("unpublish", "v1.0.0")
    assert 2 == fruit("delete", "fruit", "-i", "Iteration 1", "--yes", "--confirm", "fruit")
    assert 0 == fruit("delete", "fruit", "-i", "Iteration 1", "--yes", "--confirm", "Iteration 1")
    assert 2 == fruit("evaluate", "-i", "Iteration 1")


def test_an_upload_tells_what_is_wrong_and_goes_on_where_it_was(
    say: Run, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == say("create", "fruit")
    project = capsys.readouterr().out.strip()
    folder(Path("few"), apple=4, pear=5)
    (Path("few") / "apple" / "bad.jpg").write_bytes(b"<html>")
    assert 2 == say("upload", "few")
    told = capsys.readouterr().err
    assert "cannot be used: few/apple/bad.jpg: is named like a picture and is none" in told
    assert "nothing uploaded: 'apple' has 4 of the 5 images that each tag needs (--few uploads all the same)" in told
    assert 0 == training(emulator).get_image_count(project)
    assert 1 == say("upload", "few", "--few", "--json", "--report", "report.jsonl")
    assert {"uploaded": 9, "left_out": 1} == {
        name: value for name, value in json.loads(capsys.readouterr().out).items() if value in (1, 9)
    }
    assert [("uploaded", "OK")] * 9 == [(row["state"], row["status"]) for row in lines("report.jsonl")]
    (Path("few") / "apple" / "bad.jpg").unlink()
    assert 0 == say("upload", "few")
    assert "0 uploaded, 0 there already, 9 done before, 0 failed\n" == capsys.readouterr().out
    assert [f"customvision-{project}.jsonl"] == [path.name for path in Path().glob("*.jsonl") if "vision" in path.name]


def test_a_look_uploads_nothing(say: Run, emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == say("create", "fruit", "--json")
    project = json.loads(capsys.readouterr().out)["id"]
    assert 0 == say("upload", "pictures", "--check", "--json")
    assert {"apple": 6, "pear": 6} == json.loads(capsys.readouterr().out)["labels"]
    assert 0 == training(emulator).get_image_count(project)


def test_what_failed_is_listed_and_the_exit_code_is_1(
    say: Run, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == say("create", "fruit")
    emulator.faults.spoil_images(1.0, "ErrorLimitExceed")
    assert 1 == say("upload", "pictures")
    shown = capsys.readouterr()
    assert shown.out.endswith("0 uploaded, 0 there already, 0 done before, 12 failed\n")
    assert "pictures/apple/0.png: the project holds as many images as its tier takes" in shown.err


def test_an_advanced_training_tells_its_cost_first(
    fruit: Run, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == fruit("train", "--hours", "3")
    assert "billed as a whole: 30.00 USD" in capsys.readouterr().err
    before = emulator.bill().total("custom-vision advanced training hours")
    assert 0 == fruit("train", "--hours", "3", "--yes")
    assert 3 == emulator.bill().total("custom-vision advanced training hours") - before
    assert 0 == fruit("train", "--hours", "3", "--yes")
    assert "nothing has changed since Iteration 1" in capsys.readouterr().err


def test_a_failed_training_is_exit_code_1(
    fruit: Run, trainer: ColourTrainer, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer.refusal = "all alike"
    assert 1 == fruit("train")
    assert "the training of 'Iteration 1' failed: all alike" in capsys.readouterr().err


WRONG = [
    (["create", "x", "--domain", "Fod"], "no domain 'Fod' for multiclass; there are: 'General'"),
    (["create", "x", "--platform", "wasm"], "unknown platform 'wasm'; known: onnx, tensorflow"),
    (["evaluate", "-p", "nothing"], "no project 'nothing'; there are: 'fruit'"),
    (["evaluate"], "no trained iteration in 'fruit'"),
    (["unpublish"], "say which version to take back, or --roll-back"),
    (["upload", "gone"], "there is no gone"),
    (["delete", "fruit"], "say --yes --confirm NAME to delete 'fruit'"),
    (["delete", "fruit", "--yes", "--confirm", "Fruit"], "'Fruit' is not the project's name"),
]


def test_what_is_wrong_is_said_and_the_exit_code_is_2(say: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == say("create", "fruit")
    for words, says in WRONG:
        assert 2 == say(*words), words
        assert says in capsys.readouterr().err
    assert 0 == say("delete", "fruit", "--yes", "--confirm", "fruit")


def test_without_a_key_or_a_project_the_variables_are_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run("customvision", "create", "fruit")
    assert "CUSTOM_VISION_TRAINING_ENDPOINT is not set" in capsys.readouterr().err
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    assert 2 == run("customvision", "train")
    assert "--project NAME, or set CUSTOM_VISION_PROJECT_ID" in capsys.readouterr().err
    monkeypatch.setenv("CUSTOM_VISION_TRAINING_KEY", "wrong-key-nobody-may-see")
    assert 2 == run("customvision", "train", "-p", "x")
    told = capsys.readouterr().err
    assert "CUSTOM_VISION_TRAINING_KEY is wrong" in told
    assert "nobody-may-see" not in told
