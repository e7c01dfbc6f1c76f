"""Train a classifier on pictures with labels, and write a model folder: `cloudvision train --kind classify`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cloudvision.errors import ConfigError
from cloudvision.models import Description
from cloudvision.training import weights
from cloudvision.training.classify_backbone import Backbone, open_backbone
from cloudvision.training.classify_data import Example, Pictures, check_counts, labels_of, look
from cloudvision.training.classify_fit import Material, Progress, probabilities, train
from cloudvision.training.classify_folder import Facts, Graphs, write_folder
from cloudvision.training.classify_graph import quantise, run_graph, to_onnx
from cloudvision.training.classify_network import Classifier
from cloudvision.training.classify_parts import Parts, part
from cloudvision.training.classify_scores import Judged
from cloudvision.training.classify_settings import LEAST, About, Settings, check

__all__ = ["About", "Settings", "Trained", "train_classifier"]

_LOOKED_AT = 32  # pictures from which a backbone may take its means and variances
_CALIBRATING = 64  # pictures from which the quantised graph takes its ranges
_COMPARED = 100  # pictures, at least, on which the two graphs are compared, where there are so many
_LOSS = 0.01  # of accuracy, that a graph of eight bits may lose


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out.

    Args:
        path: the model folder.
        judged: what the model says of pictures that it was not trained on; None where none were kept back.
        parts: how many pictures learned, stopped and judged.
        problems: pictures that were left out, and why.
        backbone: what the training began with, in words.
        quantised: accuracy (0 to 1) that the graph of eight bits loses; None without it.
    """

    path: Path
    labels: tuple[str, ...]
    judged: Judged | None
    parts: tuple[int, int, int]
    problems: tuple[str, ...]
    backbone: str
    quantised: float | None


def train_classifier(
    examples: Sequence[Example],
    out: Path,
    *,
    settings: Settings | None = None,
    labels: Sequence[str] | None = None,
    about: About | None = None,
    work: Path | None = None,
    told: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train on `examples` and write the folder `out`.

    The same examples, settings and machine give the same model. One at a time in a process: PyTorch has one seed for all of it.

    Args:
        out: a new or an empty folder.
        labels: all classes, in the order that the model is to have; by default those of the examples, sorted.
        work: pixels and checkpoints are kept there: a run that was cut off goes on from it, and finished weights are used
            again. Without one all is kept in memory.
        told: hears of every epoch; what it raises ends the training.

    Raises:
        ConfigError: too few classes or pictures, a wrong size or backbone, or a folder that is not empty.
    """
    s, told_of = settings or Settings(), about or About()
    names = tuple(labels) if labels is not None else labels_of(examples)
    check(examples, names, s, out)
    torch.manual_seed(s.recipe.seed)
    torch.set_num_threads(s.recipe.threads)
    place = work / _key(asdict(s)) if work else None
    pictures = look(examples, names, size=s.size, folder=place)
    usable = [Example(b"", tuple(np.array(names)[row])) for row in pictures.truth]
    try:
        check_counts(usable, names, multilabel=s.multilabel, least=LEAST)
    except ConfigError as error:
        if not pictures.problems:
            raise
        raise ConfigError(f"{error}; {len(pictures.problems)} were left out: {pictures.problems[0]}") from error
    parts = part(pictures.truth, pictures.groups, stop=s.stop, judge=s.judge, seed=s.recipe.seed)
    looked_at = pictures.large[parts.learn[:: max(1, len(parts.learn) // _LOOKED_AT)]]
    backbone = open_backbone(s.backbone, list(looked_at), side=s.size.width, shape=s.recipe.shape)
    net = Classifier(backbone.net, features=backbone.features, labels=len(names))
    net = _fitted(net, backbone, pictures, parts, s, place=place, told=told)
    graphs, judged = _graphs(net, pictures, parts, s)
    facts = Facts(
        backbone=backbone.origin,
        parameters=sum(p.numel() for p in net.parameters()),
        recipe=asdict(s.recipe),
        parts=(len(parts.learn), len(parts.stop), len(parts.judge)),
        groups=len(set(pictures.groups)),
        data_sha256=pictures.digest,
        problems=pictures.problems,
        command=told_of.command,
    )
    described = Description(
        kind="multilabel" if s.multilabel else "classify",
        name=told_of.name or out.name,
        labels=names,
        input=s.size,
        version=told_of.version,
        background=s.background,
        sentences=tuple(told_of.sentences.items()),
    )
    write_folder(out, described, graphs=graphs, judged=judged, facts=facts)
    if place is not None:  # the pixels are large, and made anew in no time; the weights stay
        for file in ("large.npy", "seen.npy"):
            (place / file).unlink(missing_ok=True)
    return Trained(
        path=out,
        labels=names,
        judged=judged if len(parts.judge) else None,
        parts=facts.parts,
        problems=pictures.problems,
        backbone=backbone.origin,
        quantised=graphs.loss if graphs.quantised is not None else None,
    )


def _key(*what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def _fitted(
    net: Classifier,
    backbone: Backbone,
    pictures: Pictures,
    parts: Parts,
    s: Settings,
    *,
    place: Path | None,
    told: Callable[[Progress], None] | None,
) -> Classifier:
    kept = place / _key(pictures.digest, pictures.labels, pictures.groups) if place else None
    if kept is not None and (kept / "done.npz").is_file():
        weights.load(net, kept / "done.npz")
        return net.eval()
    material = Material(
        large=pictures.large,
        truth=pictures.truth,
        learn=parts.learn,
        stop_seen=pictures.seen[parts.stop],
        stop_truth=pictures.truth[parts.stop],
        multilabel=s.multilabel,
    )
    checkpoint = kept / "standing.npz" if kept else None
    net = train(net, material, recipe=s.recipe, gentle=backbone.learned, checkpoint=checkpoint, told=told)
    if kept is not None:
        weights.save(net, kept / "done.npz")
        (kept / "standing.npz").unlink(missing_ok=True)
    return net


def _graphs(net: Classifier, pictures: Pictures, parts: Parts, s: Settings) -> tuple[Graphs, Judged]:
    """The graphs, and what the fp32 one says of the pictures that judge (of those that learned, where none do)."""
    onnx = to_onnx(net, size=s.size, multilabel=s.multilabel)
    which = parts.judge if len(parts.judge) else parts.learn
    seen, truth = pictures.seen[which], pictures.truth[which]
    found = Judged(pictures.labels, run_graph(onnx, seen), truth, s.multilabel)
    apart = float(np.abs(found.scores - probabilities(net, seen, multilabel=s.multilabel)).max())
    if not s.quantise:
        return Graphs(onnx, None, apart=apart, loss=None, compared=0), found
    small = quantise(onnx, pictures.seen[_spread(parts.learn)])
    # Of few pictures that judge one alone would be more than a hundredth: then those that learned are compared too.
    if len(which) < _COMPARED:
        seen, truth = pictures.seen, pictures.truth
    both = (Judged(pictures.labels, run_graph(graph, seen), truth, s.multilabel).accuracy for graph in (onnx, small))
    loss = next(both) - next(both)
    return Graphs(onnx, small if loss <= _LOSS else None, apart=apart, loss=loss, compared=len(truth)), found


def _spread(members: NDArray[np.int64]) -> NDArray[np.int64]:
    return members[np.linspace(0, len(members) - 1, min(len(members), _CALIBRATING)).astype(np.int64)]
