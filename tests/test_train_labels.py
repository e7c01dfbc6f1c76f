"""Training on yes or no alone: what is split how, what is gone on from, what is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cloudvision.errors import ConfigError
from cloudvision.gate import Criterion, Gate
from cloudvision.images import load
from tests.labelled import folder, label_file, picture

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'cloudvision-gate[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'cloudvision-gate[train]'")

from cloudvision._onnxruntime import quiet  # noqa: E402
from cloudvision.training import batches, data, parts, train_labels  # noqa: E402
from cloudvision.training.blog_network import BlogNet, BlogRecipe  # noqa: E402
from cloudvision.training.export import to_onnx  # noqa: E402
from cloudvision.training.fit import Recipe, train  # noqa: E402
from cloudvision.training.network import Shape, TextNet  # noqa: E402
from cloudvision.training.start import start_from  # noqa: E402

TINY = Shape(widths=(4, 8, 8, 8, 8), depths=(1, 1, 1, 1), pyramid=8, hidden=8)
RECIPE = Recipe(epochs=2, batch=4, side=64, small_side=64, workers=0, patience=1)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("labelled"), each=10, groups=5)


@pytest.fixture(scope="module")
def labelled(pictures: Path) -> parts.Labelled:
    return parts.read(pictures, group=None, criterion=Criterion())


def job(pictures: Path, tmp_path: Path, **more: object) -> train_labels.Job:
    values: dict[str, object] = {"network": "text", "recipe": RECIPE, "blog": BlogRecipe(epochs=1), "start": "scratch"}
    values |= {"shape": TINY, "criterion": Criterion(), "place": pictures} | more
    return train_labels.Job(out=tmp_path / "mine", work=tmp_path / "work", **values)  # type: ignore[arg-type]


def test_labels_become_a_folder_that_the_gate_opens(pictures: Path, labelled: parts.Labelled, tmp_path: Path) -> None:
    task = job(pictures, tmp_path)
    found = train_labels.run(task, labelled, command="the command")
    gate = Gate.load(task.out)
    assert gate.model == "mine 1"
    assert 0 <= gate.judge(load(labelled.samples[0].path)).score <= 1
    config = json.loads((task.out / "config.json").read_text("utf-8"))
    assert config["training"]["command"] == "the command"
    assert config["training"]["data_sha256"] == labelled.digest
    assert len(config["training"]["held_out"]) == 1
    assert "not certified: not enough positives: 57 more needed" in config["threshold_chosen"]
    assert "certificate" not in config
    card = (task.out / "MODEL_CARD.md").read_text("utf-8")
    assert f"Results on {found.pictures} pictures of 1 groups, 2 of them worth a call" in card
    assert "trained from random numbers" in card
    first = (task.out / "model.onnx").read_bytes()
    train_labels.run(replace(task, out=tmp_path / "again"), labelled, command="the command")
    assert first == (tmp_path / "again" / "model.onnx").read_bytes(), "what is trained already is not trained again"


def test_where_the_shipped_weights_do_not_fit_it_begins_with_random_ones_and_says_so(
    pictures: Path, labelled: parts.Labelled, tmp_path: Path
) -> None:
    task = job(pictures, tmp_path, start="shipped", recipe=replace(RECIPE, epochs=1))
    train_labels.run(task, labelled, command="the command")
    assert "since the shipped gate's do not fit" in (task.out / "MODEL_CARD.md").read_text("utf-8")


def test_the_baseline_becomes_a_folder_too(tmp_path: Path) -> None:
    place = folder(tmp_path / "few", each=5, groups=5)
    task = job(place, tmp_path, network="blog", threshold=0.4325)
    train_labels.run(task, parts.read(place, group=None, criterion=Criterion()), command="the command")
    gate = Gate.load(task.out)
    assert gate.threshold == 0.4325
    assert 0 <= gate.judge(load(place / "true" / "source-0" / "0.png")).score <= 1
    assert "450,633 parameters" in (task.out / "MODEL_CARD.md").read_text("utf-8")


def test_the_baseline_exports_what_torch_computes() -> None:
    net = BlogNet().eval()
    x = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = net(torch.from_numpy(x).permute(0, 3, 1, 2).float()).numpy()
    session = quiet().InferenceSession(to_onnx(net), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(expected, session.run(["logit"], {"pixels": x})[0], atol=1e-4)


def test_a_run_that_was_cut_off_goes_on_and_ends_the_same(labelled: parts.Labelled, tmp_path: Path) -> None:
    pixels = data.cache_pixels(labelled.samples, side=64, folder=tmp_path)
    some = batches.Pictures(labelled.samples, pixels, Criterion(), ())
    members, held = np.arange(4, 20), np.arange(4)

    def trained(file: str, **more: object) -> TextNet:
        torch.manual_seed(0)
        net = TextNet(TINY)
        recipe = replace(RECIPE, patience=None)
        return train(some, recipe=recipe, members=members, held=held, net=net, checkpoint=tmp_path / file, **more)  # type: ignore[arg-type]

    def cut_off(epoch: int) -> None:
        raise KeyboardInterrupt

    whole = trained("whole.npz")
    with pytest.raises(KeyboardInterrupt):
        trained("part.npz", told=cut_off)
    again = trained("part.npz")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    (tmp_path / "part.npz").write_bytes(b"torn")
    with pytest.raises(ConfigError, match="cannot be gone on from"):
        trained("part.npz")


def test_the_weights_of_an_exported_network_start_another_that_computes_the_same() -> None:
    torch.manual_seed(1)
    first = TextNet(TINY)
    for norm in (layer for layer in first.modules() if isinstance(layer, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    seen = [np.asarray(picture(n, text="Open")) for n in range(3)]
    second = TextNet(TINY)
    start_from(second, to_onnx(first), seen, side=64)
    x = torch.from_numpy(np.stack([np.asarray(picture(9, text="Sale", side=128))])).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        np.testing.assert_allclose(first.eval()(x).worth, second.eval()(x).worth, atol=1e-3)
    assert all(
        abs(float(norm.weight.detach().std())) > 0
        for norm in second.modules()
        if isinstance(norm, torch.nn.BatchNorm2d)
    )
    with pytest.raises(ConfigError, match="another network"):
        start_from(TextNet(), to_onnx(first), seen, side=64)


def test_groups_are_never_parted(labelled: parts.Labelled) -> None:
    found = parts.part(labelled, seed=3)
    groups = [{labelled.samples[i].group for i in members} for members in (found.train, found.stop, found.judge)]
    assert found.by == "group"
    assert [3, 1, 1] == [len(some) for some in groups]
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]


def test_with_few_groups_a_picture_is_not_parted_from_its_copies(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = []
    for number in range(20):
        picture(number % 10, text="Open" * (number % 2)).save(tmp_path / f"{number}.png")
        rows.append({"path": f"{number}.png", "worth": bool(number % 2)})
    labelled = parts.read(label_file(tmp_path / "l.csv", rows), group=None, criterion=Criterion())
    found = parts.part(labelled, seed=0)
    assert found.by == "picture"
    seen = [{labelled.sha256[i] for i in members} for members in (found.train, found.stop, found.judge)]
    assert not seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2]


def test_a_part_with_one_class_is_said_before_training(tmp_path: Path) -> None:
    place = folder(tmp_path, each=10, groups=5)
    for path in (place / "true").glob("source-[1-4]/*"):
        path.unlink()
    labelled = parts.read(place, group=None, criterion=Criterion())
    with pytest.raises(ConfigError, match="both classes are needed"):
        parts.part(labelled, seed=0)


def test_a_picture_of_which_only_yes_or_no_is_known_keeps_its_truth(labelled: parts.Labelled, tmp_path: Path) -> None:
    pixels = data.cache_pixels(labelled.samples, side=64, folder=tmp_path)
    some = batches.Pictures(labelled.samples, pixels, Criterion(), ())
    batch = some[7, 64, 0, tuple(range(20))]
    assert batch.worth.tolist() == [1.0] * 10 + [0.0] * 10
    assert not batch.dense
    assert not batch.maps.any()
