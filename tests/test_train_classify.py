"""From pictures with labels to a classifier's folder, on pictures that are made here."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from cloudvision.annotations import read_annotations
from cloudvision.errors import ConfigError
from cloudvision.images import load
from cloudvision.models import InputSettings, Model

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'cloudvision-gate[train]'")
onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'cloudvision-gate[train]'")

from cloudvision.training.classify import About, Settings, Trained, train_classifier  # noqa: E402
from cloudvision.training.classify_augment import Changes, change  # noqa: E402
from cloudvision.training.classify_backbone import open_backbone  # noqa: E402
from cloudvision.training.classify_data import Example, examples_of  # noqa: E402
from cloudvision.training.classify_fit import Progress, Recipe  # noqa: E402
from cloudvision.training.classify_parts import part  # noqa: E402
from cloudvision.training.classify_synthesis import Views, paste_all  # noqa: E402
from cloudvision.training.network import Shape  # noqa: E402

COLOURS = {"green": (30, 160, 40), "red": (190, 30, 30), "white": (230, 230, 220)}
TINY = Shape(widths=(4, 8, 8, 8, 8), depths=(1, 1, 1, 1))
SETTINGS = Settings(
    backbone="scratch",
    size=InputSettings(64, 64),
    recipe=Recipe(epochs=4, batch=12, least_steps=12, rate=1e-2, average=0.8, shape=TINY, changes=Changes(colour=0.05)),
)


def picture(label: str, number: int) -> bytes:
    """Grain of one colour, with a grey block that means nothing."""
    rng = np.random.default_rng(number)
    pixels = np.clip(rng.normal(COLOURS[label], 25, (72, 96, 3)), 0, 255).astype(np.uint8)
    pixels[10 + number % 20 :, 60:80] = 127
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def examples(count: int = 10, *names: str) -> list[Example]:
    return [Example(picture(name, n), (name,)) for name in names or COLOURS for n in range(count)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("trained") / "colours"
    about = About(version="v1.2.0", sentences={"red": "Stop."}, command="cloudvision train DIR")
    return train_classifier(examples(), out, settings=replace(SETTINGS, background="white"), about=about)


def test_a_classifier_learns_and_its_folder_says_how_good_it_is(trained: Trained) -> None:
    assert trained.judged is not None
    assert trained.judged.accuracy == 1.0
    assert trained.judged.confusion().tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert trained.parts == (18, 6, 6)
    config = json.loads((trained.path / "config.json").read_text())
    assert config["backbone"] == trained.backbone == "trained from random numbers"
    assert config["training"]["metrics"]["accuracy"] == 1.0
    assert config["training"]["torch_to_onnx"] < 1e-4
    card = (trained.path / "MODEL_CARD.md").read_text()
    assert "| green | 2 | 1.000 | 1.000 | 1.000 |" in card
    assert "0.541 to 1.000" in card  # Clopper-Pearson for six of six


@pytest.mark.parametrize("quantised", [False, True])
def test_its_folder_runs_without_torch(trained: Trained, quantised: bool) -> None:
    model = Model.open(trained.path, quantised=quantised)
    assert (model.kind, model.labels) == ("classify", ("green", "red", "white"))
    assert (model.description.background, model.description.version) == ("white", "v1.2.0")
    assert model.description.sentences == (("red", "Stop."),)
    for label in COLOURS:
        said = model.predict(load(picture(label, 99))).labels
        assert said is not None
        assert said[0].name == label


def test_the_same_seed_gives_the_same_model_also_to_a_run_that_was_cut_off(trained: Trained, tmp_path: Path) -> None:
    def cut_off(at: Progress) -> None:
        if at.epoch == 2:
            raise InterruptedError

    settings, work = replace(SETTINGS, background="white"), tmp_path / "work"
    with pytest.raises(InterruptedError):
        train_classifier(examples(), tmp_path / "out", settings=settings, work=work, told=cut_off)
    seen: list[int] = []
    train_classifier(examples(), tmp_path / "out", settings=settings, work=work, told=lambda at: seen.append(at.epoch))
    assert seen == [3, 4]
    assert (trained.path / "model.onnx").read_bytes() == (tmp_path / "out" / "model.onnx").read_bytes()


def test_several_labels_a_picture(tmp_path: Path) -> None:
    left, right = (np.frombuffer(b"\x20\x90\x20", np.uint8), np.frombuffer(b"\xb0\x20\x20", np.uint8))
    given = []
    for n in range(40):
        pixels = np.random.default_rng(n).integers(90, 160, (64, 64, 3), dtype=np.uint8)
        has = [name for bit, name in enumerate(("leaf", "rose")) if n >> bit & 1]
        if "leaf" in has:
            pixels[:, :30] = left
        if "rose" in has:
            pixels[:, 34:] = right
        given.append(Example(pixels, tuple(has)))
    settings = replace(SETTINGS, multilabel=True, quantise=False)
    found = train_classifier(given, tmp_path / "m", settings=settings)
    assert found.judged is not None
    assert min(one.average_precision for one in found.judged.by_label()) > 0.9
    assert Model.open(found.path).kind == "multilabel"


def test_what_cannot_be_trained_is_said_before(tmp_path: Path) -> None:
    def refusal(given: list[Example], settings: Settings = SETTINGS, **labels: tuple[str, ...]) -> str:
        with pytest.raises(ConfigError) as refused:
            train_classifier(given, tmp_path / "m", settings=settings, labels=labels.get("labels"))
        assert not (tmp_path / "m").exists()
        return str(refused.value)

    assert "there is only 'red'" in refusal(examples(3, "red"))
    assert "blue has 0" in refusal(examples(3), labels=("blue", *COLOURS))
    assert "multilabel" in refusal([*examples(3), Example(picture("red", 1), ("red", "green"))])
    assert "multiples of 64" in refusal(examples(3), replace(SETTINGS, size=InputSettings(100, 64)))
    assert "no backbone 'resnet18'" in refusal(examples(3), replace(SETTINGS, backbone="resnet18"))
    assert "one of the labels" in refusal(examples(3), replace(SETTINGS, background="nothing"))
    damaged = [*examples(3, "red"), *(Example(b"\xff\xd8\xff" + bytes(n), ("green",)) for n in range(40, 43))]
    assert "green has 0; 3 were left out" in refusal(damaged)


def test_one_damaged_picture_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(picture("red", 5)[:900])
    given = [*examples(3), Example(tmp_path / "bad.jpg", ("red",))]
    found = train_classifier(given, tmp_path / "m", settings=replace(SETTINGS, quantise=False, recipe=short()))
    assert len(found.problems) == 1
    assert "bad.jpg" in found.problems[0]


def short() -> Recipe:
    return replace(SETTINGS.recipe, epochs=1, least_steps=1)


def test_groups_are_not_parted(tmp_path: Path) -> None:
    given = [Example(picture(name, n), (name,), f"{name}{n // 4}") for name in COLOURS for n in range(12)]
    found = train_classifier(given, tmp_path / "m", settings=replace(SETTINGS, quantise=False, recipe=short()))
    assert found.parts == (24, 0, 12)  # one of three groups of four judges, and none is left to stop by


def test_groups_that_show_many_labels_are_kept_back_too() -> None:
    rng = np.random.default_rng(0)
    truth = np.eye(8, dtype=bool)[rng.integers(8, size=300)]  # as pictures that are pasted on backgrounds
    groups = [f"background {n}" for n in rng.integers(30, size=300)]
    parts = part(truth, groups, stop=0.15, judge=0.2, seed=0)
    names = [{groups[i] for i in members} for members in (parts.learn, parts.stop, parts.judge)]
    assert [len(one) for one in names] == [20, 4, 6]
    assert not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]
    alone = part(np.eye(2, dtype=bool)[[0] * 9 + [1]], [str(n) for n in range(10)], stop=0.15, judge=0.2, seed=0)
    assert 9 in alone.learn  # the only one of its class


def test_the_gates_own_backbone_is_the_default_and_is_named() -> None:
    looked_at = [np.asarray(PIL.Image.open(io.BytesIO(picture(name, 0)))) for name in COLOURS]
    found = open_backbone(Settings().backbone, looked_at, side=64, shape=TINY)
    assert "gate's own" in found.origin
    assert found.learned


def test_a_backbone_that_cannot_be_had_is_said_and_the_next_one_taken() -> None:
    with pytest.raises(ConfigError, match="timm:"):
        open_backbone("timm:no_such_network", [], side=64, shape=TINY)
    found = open_backbone("timm:no_such_network,scratch", [], side=64, shape=TINY)
    assert found.origin.startswith("trained from random numbers (not to be had: ")


def test_changes_keep_the_size_and_can_be_turned_off() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    off = Changes(shift=0, zoom=0, rotate=0, shear=0, colour=0, cut_out=0)
    assert np.array_equal(pixels, change(pixels, np.random.default_rng(1), size=(64, 64), changes=off))
    changed = change(pixels, np.random.default_rng(1), size=(48, 32), changes=Changes())
    assert changed.shape == (32, 48, 3)


def test_cut_outs_are_pasted_in_perspective_on_other_backgrounds() -> None:
    thing = PIL.Image.new("RGBA", (80, 40), (250, 10, 10, 255))
    thing.paste((0, 0, 0, 0), (0, 0, 40, 40))  # the left half is cut away
    buffer = io.BytesIO()
    thing.save(buffer, "PNG")
    backgrounds = [np.full((90, 90, 3), (0, 0, 40 * n), dtype=np.uint8) for n in range(6)]
    made = paste_all(
        [Example(buffer.getvalue(), ("note",))], backgrounds, background="nothing", count=12, views=Views(spin=(0, 5))
    )
    assert [("note",)] * 12 + [("nothing",)] * 12 == [example.labels for example in made]
    reds = []
    for example in made:
        red, _, blue = load(example.picture).pixels().astype(int).transpose(2, 0, 1)  # type: ignore[arg-type]
        reds.append(((red > 100) & (blue < 100)).mean())
    assert min(reds[:12]) > 0.005
    assert max(reds[:12]) < 0.3  # half of a 2 to 1 rectangle that fills the picture at most
    assert max(reds[12:]) == 0
    assert len({example.group for example in made}) > 3


def test_files_are_read_as_annotations_say(tmp_path: Path) -> None:
    for name in ("red", "green"):
        (tmp_path / name / "shoot").mkdir(parents=True)
        (tmp_path / name / "1.jpg").write_bytes(picture(name, 1))
        (tmp_path / name / "shoot" / "2.jpg").write_bytes(picture(name, 2))
    found = examples_of(read_annotations(tmp_path), multilabel=False)
    assert {(("red",), "shoot"), (("red",), ""), (("green",), "shoot"), (("green",), "")} == {
        (example.labels, example.group) for example in found
    }
    (tmp_path / "green" / "same.jpg").write_bytes(picture("red", 1))
    with pytest.raises(ConfigError, match="several"):
        examples_of(read_annotations(tmp_path), multilabel=False)
