"""Train a gate on any labelled pictures: `cloudvision gate train`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from cloudvision.errors import ConfigError
from cloudvision.gate import metrics
from cloudvision.gate.criterion import Criterion
from cloudvision.gate.evaluate import Evaluation
from cloudvision.gate.folder import Calibration
from cloudvision.gate.gate import find
from cloudvision.gate.labels import data_digest
from cloudvision.gate.preprocess import Preprocessing
from cloudvision.training import augment, parts, trained_folder, weights
from cloudvision.training.batches import Pictures, Plan, aspects_of
from cloudvision.training.blog_network import SIDE, BlogNet, BlogRecipe, parameters, predict_blog, train_blog
from cloudvision.training.calibrate import platt
from cloudvision.training.data import Pixels, cache_pixels
from cloudvision.training.export import to_onnx
from cloudvision.training.fit import Recipe, predict, train
from cloudvision.training.network import Shape, TextNet
from cloudvision.training.start import start_from

Network = Literal["text", "blog"]
Start = Literal["shipped", "scratch"]
_LOOKED_AT = 32  # pictures from which the start takes its means and variances


@dataclass(frozen=True, slots=True)
class Job:
    """One training of one network.

    Args:
        place: label file, folder with true/ and false/, or corpus.
        work: cache, checkpoints and finished networks; what lies there of the same job is not done again.
        group: column of the label file that names the source.
        start: "shipped" begins with the weights of the gate that the package ships.
        recall, confidence: what the threshold is certified for, where there are enough positives.
        threshold: instead of a certified one.
    """

    place: Path
    out: Path
    work: Path
    network: Network
    recipe: Recipe
    blog: BlogRecipe
    shape: Shape
    criterion: Criterion
    group: str | None = None
    start: Start = "shipped"
    recall: float = 0.95
    confidence: float = 0.95
    threshold: float | None = None


def run(job: Job, labelled: parts.Labelled, *, command: str) -> Evaluation:
    """Train on three fifths, stop by one fifth, judge and calibrate on the last one, and write the folder.

    Raises:
        ConfigError: too few pictures of either class, or weights to start from that do not fit.
    """
    torch.set_num_threads(job.recipe.threads)
    parted = parts.part(labelled, seed=job.recipe.seed)
    what = json.dumps(
        [labelled.digest, job.network, job.start, asdict(job.recipe), asdict(job.blog), asdict(job.shape)]
    )
    place = job.work / hashlib.sha256(what.encode()).hexdigest()[:12]
    print(
        f"{len(labelled.samples)} pictures, {int(labelled.truth.sum())} worth a call; split by {parted.by}:"
        f" {len(parted.train)} train, {len(parted.stop)} stop, {len(parted.judge)} judge; {place} holds what is done",
        flush=True,
    )
    if job.network == "blog":
        logits, onnx, told = _blog(job, labelled, parted, place)
        side, multiple = SIDE, SIDE
        calibration = Calibration(1.0, 0.0)  # its scores are the sigmoid's own, as published
    else:
        logits, onnx, told = _text(job, labelled, parted, place)
        side, multiple = job.recipe.side, 32
        calibration = platt(logits, labelled.truth[parted.judge])
    judged = trained_folder.Judged(
        scores=np.array([calibration.probability(float(logit)) for logit in logits]),
        truth=labelled.truth[parted.judge],
        groups=tuple(labelled.samples[i].group for i in parted.judge),
        weights=labelled.weights[parted.judge],
        digest=data_digest((labelled.sha256[i], bool(labelled.truth[i])) for i in parted.judge),
    )
    return trained_folder.write(
        job.out,
        onnx=onnx,
        preprocessing=Preprocessing(side=side, multiple=multiple),
        calibration=calibration,
        criterion=job.criterion,
        threshold=trained_folder.choose(
            judged,
            recall=job.recall,
            confidence=job.confidence,
            fixed=job.threshold,
            by_group=parted.by == "group",  # then the pictures that judge are no random draw of all pictures
        ),
        judged=judged,
        facts=trained_folder.Facts(
            name=job.out.name,
            network=job.network,
            parameters=told.parameters,
            start=told.start,
            recipe=told.recipe,
            command=command,
            data_sha256=labelled.digest,
            pictures=len(labelled.samples),
            groups=len({sample.group for sample in labelled.samples}),
            parted_by=parted.by,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Told:
    parameters: int
    start: str
    recipe: dict[str, object]


def _text(job: Job, labelled: parts.Labelled, parted: parts.Parts, place: Path) -> tuple[metrics.Scores, bytes, _Told]:
    pixels = cache_pixels(labelled.samples, side=job.recipe.side, folder=place)
    recipe = replace(job.recipe, batch=_batch(job.recipe, pixels, parted))
    pictures = Pictures(labelled.samples, pixels, job.criterion, augment.fonts(), strength=recipe.strength)
    net, start = _begun(job, [pixels[int(i)] for i in parted.train[:: max(1, len(parted.train) // _LOOKED_AT)]])
    print(start, flush=True)
    done = place / "done.npz"
    if done.is_file():
        weights.load(net, done)
    else:
        net = train(
            pictures, recipe=recipe, members=parted.train, held=parted.stop, net=net, checkpoint=place / "standing.npz"
        )
        weights.save(net, done)
    logits = predict(net, pixels, parted.judge, side=recipe.side)
    return logits, to_onnx(net), _Told(sum(p.numel() for p in net.parameters()), start, asdict(recipe))


def _begun(job: Job, looked_at: list[NDArray[np.uint8]]) -> tuple[TextNet, str]:
    """The network as it is before it is trained, and in words what it begins with."""
    torch.manual_seed(job.recipe.seed)
    net = TextNet(job.shape)
    if job.start == "scratch":
        return net, "trained from random numbers"
    try:
        start_from(net, (find("fast") / "model.onnx").read_bytes(), looked_at, side=job.recipe.side)
    except ConfigError as error:
        torch.manual_seed(job.recipe.seed)  # what was filled in half is thrown away
        return TextNet(job.shape), f"trained from random numbers, since the shipped gate's do not fit ({error})"
    return net, "trained on from the weights of the gate that the package ships"


def _blog(job: Job, labelled: parts.Labelled, parted: parts.Parts, place: Path) -> tuple[metrics.Scores, bytes, _Told]:
    pixels = cache_pixels(labelled.samples, side=SIDE, folder=place)
    fit = Preprocessing(side=SIDE, multiple=SIDE)
    squares = np.concatenate([fit.apply(pixels[i]) for i in range(len(labelled.samples))])
    net, done = BlogNet(), place / "done.npz"
    if done.is_file():
        weights.load(net, done)
    else:
        # Its recipe knows no stopping early: what would stop it trains with the rest.
        members = np.concatenate([parted.train, parted.stop])
        net = train_blog(
            squares[members],
            labelled.truth[members],
            recipe=job.blog,
            told=lambda epoch, loss: print(f"epoch {epoch}/{job.blog.epochs} loss {loss:.4f}", flush=True),
        )
        weights.save(net, done)
    logits = predict_blog(net, squares[parted.judge])
    return logits, to_onnx(net.cpu()), _Told(parameters(net), "trained from random numbers", asdict(job.blog))


def _batch(recipe: Recipe, pixels: Pixels, parted: parts.Parts) -> int:
    """The recipe's batch, or a smaller one of which there are four an epoch at least."""
    size = min(recipe.batch, max(2, len(parted.train) // 4))
    aspects = aspects_of(pixels)[parted.train]
    if not len(Plan(aspects, size=2, side=recipe.side, seed=0)):
        raise ConfigError(f"not enough pictures: {len(parted.train)} are left to train on")
    while size > 2 and len(Plan(aspects, size=size, side=recipe.side, seed=0)) < 4:
        size //= 2
    return max(2, size)
