"""`cloudvision gate`: from paid answers to a calibrated gate of one's own, by the commands that a user types."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudvision.cli import main
from cloudvision.gate import Gate
from cloudvision.images import load
from tests.labelled import folder, label_file, picture

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty folder; gives its exit code."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["cloudvision", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run_command


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70 pictures with text and 20 without, of 12 groups, as a label file."""
    place = tmp_path_factory.mktemp("many")
    rows: list[dict[str, object]] = []
    for number in range(90):
        worth = number < 70
        picture(number, text="Grand opening" * worth, side=96).save(place / f"{number}.png")
        rows.append({"path": f"{number}.png", "worth": worth, "group": f"g{number % 12}"})
    return label_file(place / "labels.csv", rows)


def test_answers_become_labels_and_a_page(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder(Path("in"), each=2, groups=2)
    assert 0 == run("run", "in", "--provider", "fake", "--no-gate", "-o", "out.jsonl")
    assert 0 == run("gate", "label", "-o", "labels.csv", "--html", "labels.html")
    assert "4 labels:" in capsys.readouterr().err
    with Path("labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {("everything", "1.0")} == {(row["chosen_by"], row["weight"]) for row in rows}
    assert {"in/true/source-0", "in/true/source-1", "in/false/source-0", "in/false/source-1"} == {
        r["group"] for r in rows
    }
    assert "Labels from cloudvision.db" in Path("labels.html").read_text("utf-8")
    assert 0 == run("gate", "label", "--min-words", "3")
    out = capsys.readouterr().out
    assert out.startswith("source,worth,group,weight,")
    assert ",true," not in out
    assert 2 == run("gate", "label", "-o", "labels.txt")
    assert 2 == run("gate", "label", "nowhere.db")


def test_a_threshold_is_certified_and_written_into_a_folder_that_runs(
    run: Run, many: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run("gate", "calibrate", str(many), "--model", "fast", "-o", "mine", "--json")
    told = json.loads(capsys.readouterr().out)
    gate, config = Gate.load("mine"), json.loads(Path("mine/config.json").read_text("utf-8"))
    assert gate.threshold == pytest.approx(told["threshold"], abs=1e-6)
    assert gate.threshold <= told["threshold"]
    assert gate.model == f"{Gate.load('fast').model}-{told['data_sha256'][:8]}"
    assert (told["positives"], told["groups"], told["method"]) == (70, None, "exact binomial")
    assert config["certificate"]["data_sha256"] == told["data_sha256"]
    assert config["calibration_scores"]["pictures"] == 90
    assert "Calibrated anew" in Path("mine/MODEL_CARD.md").read_text("utf-8")
    assert sum(one["pictures"] for one in told["reliability"]) == 90
    assert 2 == run("gate", "calibrate", str(many), "--model", "fast", "-o", "mine"), (
        "a folder that is there is not written over"
    )
    Path("worth.png").write_bytes((many.parent / "0.png").read_bytes())
    assert 0 == run("run", "worth.png", "--provider", "fake", "--gate-model", "mine", "-o", "out.jsonl")
    assert json.loads(Path("out.jsonl").read_text("utf-8"))["gate"]["threshold"] == gate.threshold


def test_a_cascade_is_calibrated_with_both_of_its_looks(run: Run, many: Path) -> None:
    shipped = Gate.load("cascade")
    assert 0 == run("gate", "calibrate", str(many), "--model", "cascade", "-o", "mine")
    mine, image = Gate.load("mine"), load(many.parent / "3.png")
    assert mine.score(image) == shipped.score(image)
    assert mine.threshold != shipped.threshold


def test_groups_are_certified_by_groups_and_too_few_say_so(
    run: Run, many: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run("gate", "calibrate", str(many), "--model", "fast", "--group", "group")
    out = capsys.readouterr().out
    assert "of 12 groups" in out
    assert "mean score  share worth a call" in out
    assert 2 == run("gate", "calibrate", str(many), "--model", "fast", "--recall", "0.99")
    assert "not enough positives: 229 more needed" in capsys.readouterr().err


def test_an_evaluation_prints_every_figure_and_writes_a_page(
    run: Run, many: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run("gate", "evaluate", str(many), "--model", "fast", "--html", "e.html", "--threshold", "0.999999")
    out, err = capsys.readouterr()
    for name in (
        "Recall",
        "Specificity",
        "Precision",
        "NPV",
        "AUC",
        "Average precision",
        "Calls skipped",
        "Saved, USD",
    ):
        assert name in out
    assert "bootstrap over whole groups" in err
    page = Path("e.html").read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 24, "the worst of the missed are shown"
    assert 0 == run("gate", "evaluate", str(many), "--model", "fast", "--json", "--provider", "azure-image-analysis")
    told = json.loads(capsys.readouterr().out)
    assert told["saved_usd"]["value"] == pytest.approx(1.5 * told["skipped"]["value"])
    assert 2 == run("gate", "evaluate", str(many), "--model", "fast", "--provider", "local-ocr")


def test_an_audited_run_tells_its_live_recall_and_that_its_gate_backed_off(
    run: Run, many: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    Path("list.txt").write_text("\n".join(str(many.parent / f"{n}.png") for n in range(65, 90)), "utf-8")
    # The fake reads two words in every picture, and so also in those that the gate skips.
    assert 0 == run("run", "@list.txt", "--provider", "fake", "--audit", "1", "--workers", "1", "-o", "out.jsonl")
    assert "Its threshold goes from" in caplog.text
    capsys.readouterr()
    assert 0 == run("report")
    out = capsys.readouterr().out
    for label in ("live recall", "missed by the gate", "perfect gate's savings", "the gate backed off"):
        assert label in out
    assert 0 == run("report", "--json")
    told, before = json.loads(capsys.readouterr().out)["total"]["gate"], caplog.text.count("Its threshold goes from")
    assert told["live"]["recall"]["low"] == told["live"]["recall"]["value"] < 1
    assert 0 == run(
        "run", "@list.txt", "--provider", "fake", "--audit", "1", "--audit-recall", "0.01", "--ledger", "b.db"
    )
    assert caplog.text.count("Its threshold goes from") == before


def test_a_label_file_that_cannot_be_used_is_named_before_anything_is_loaded(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(0).save("0.png")
    file = label_file(Path("l.csv"), [{"path": "0.png", "worth": "yes", "wieght": 2}])
    for command in (("train", "-o", "mine"), ("calibrate",), ("evaluate",)):
        assert 2 == run("gate", command[0], str(file), *command[1:])
        assert "unknown columns wieght" in capsys.readouterr().err
    assert not Path("mine").exists()


def test_pictures_without_a_weight_certify_nothing(run: Run, many: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with many.open(encoding="utf-8", newline="") as file:
        rows = [dict(row) | {"path": str(many.parent / row["path"]), "weight": ""} for row in csv.DictReader(file)]
    blind = label_file(Path("l.csv"), rows)
    assert 2 == run("gate", "calibrate", str(blind))
    err = capsys.readouterr().err
    assert "90 pictures are left out" in err
    assert "both classes are needed" in err


def test_pictures_that_do_not_decode_are_left_out_and_named(
    run: Run, many: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.png").write_bytes((many.parent / "1.png").read_bytes()[:300])
    rows: list[dict[str, object]] = [{"path": str(many.parent / f"{n}.png"), "worth": n < 70} for n in (0, 1, 80, 81)]
    file = label_file(Path("l.csv"), [*rows, {"path": "bad.png", "worth": True}])
    assert 0 == run("gate", "evaluate", str(file), "--json")
    out, err = capsys.readouterr()
    assert json.loads(out)["pictures"] == 4
    assert "left out: bad.png" in err
