"""Train the gate's fast stage.

    python -m cloudvision.training.train_gate CORPUS -o FOLDER

Trains on all folds of sources but one and scores that one, for as many folds as asked; calibrates and takes the threshold
on those scores; trains once more on everything; writes FOLDER/model.onnx, config.json and MODEL_CARD.md. What is done lies
in `--work` and is not done again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloudvision.gate.criterion import Criterion
from cloudvision.gate.folder import ModelFolder
from cloudvision.gate.preprocess import Preprocessing
from cloudvision.training import augment, weights
from cloudvision.training.batches import Pictures
from cloudvision.training.card import Facts, write_card
from cloudvision.training.data import cache_pixels, data_digest, folds, read_corpus
from cloudvision.training.evidence import Evidence, gather
from cloudvision.training.export import INPUT, OUTPUT, to_onnx
from cloudvision.training.fit import Recipe, predict, train
from cloudvision.training.model_folder import write_stage
from cloudvision.training.network import Shape, TextNet

VERSION = "1"


@dataclass(frozen=True, slots=True)
class Job:
    """One call of this program."""

    corpus: Path
    out: Path
    work: Path
    recipe: Recipe
    shape: Shape
    folds: int
    run: int
    all_sources: bool
    recall: float

    @property
    def place(self) -> Path:
        """A folder of this very recipe, data and network: another one starts afresh."""
        what = (asdict(self.recipe), asdict(self.shape), data_digest(self.corpus), self.folds)
        return self.work / hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]


def run(job: Job, *, command: str) -> None:
    samples = read_corpus(job.corpus)
    pixels = cache_pixels(samples, side=job.recipe.side, folder=job.work)
    pictures = Pictures(samples, pixels, Criterion(), augment.fonts(), strength=job.recipe.strength)
    fold = folds(samples, count=job.folds, seed=job.recipe.seed)

    held = [np.flatnonzero(fold == k) for k in range(job.run)]
    logits = [_fold(job, pictures, fold=fold, k=k) for k in range(job.run)]
    evidence = gather(
        samples,
        which=np.concatenate(held),
        logits=np.concatenate(logits),
        criterion=pictures.criterion,
        recall=job.recall,
        data_sha256=data_digest(job.corpus),
    )

    everything = np.arange(len(samples))
    if job.all_sources:
        net = _trained(job, pictures, name="all", members=everything, held=everything[:0])
    else:
        net = TextNet(job.shape)
        weights.load(net, job.place / "fold-0.npz")
    facts = Facts(
        name="fast",
        version=VERSION,
        shape=job.shape,
        parameters=sum(p.numel() for p in net.parameters()),
        recipe=job.recipe,
        command=command,
        data_digest=data_digest(job.corpus),
        pictures=len(samples),
        sources=len({sample.group for sample in samples}),
        folds=job.folds,
        folds_run=job.run,
        trained_on_all=job.all_sources,
    )
    write_folder(job.out, net=net, facts=facts, evidence=evidence, criterion=pictures.criterion)


def _fold(job: Job, pictures: Pictures, *, fold: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Logits of fold k, from a network trained on the others."""
    file = job.place / f"fold-{k}-logits.npy"
    held = np.flatnonzero(fold == k)
    if not file.is_file():
        print(f"fold {k + 1} of {job.folds}: {len(held)} pictures held out", flush=True)
        net = _trained(job, pictures, name=f"fold-{k}", members=np.flatnonzero(fold != k), held=held)
        np.save(file, predict(net, pictures.pixels, held, side=job.recipe.side))
    return np.asarray(np.load(file, allow_pickle=False), dtype=np.float64)


def _trained(
    job: Job, pictures: Pictures, *, name: str, members: NDArray[np.int64], held: NDArray[np.int64]
) -> TextNet:
    done = job.place / f"{name}.npz"
    net = TextNet(job.shape)
    if done.is_file():
        weights.load(net, done)
        return net
    part = job.place / f"{name}-standing.npz"
    net = train(pictures, recipe=job.recipe, members=members, held=held, net=net, checkpoint=part)
    weights.save(net, done)
    return net


def write_folder(out: Path, *, net: TextNet, facts: Facts, evidence: Evidence, criterion: Criterion) -> None:
    onnx = to_onnx(net)
    folder = ModelFolder(
        path=out,
        name=facts.name,
        version=facts.version,
        stage="fast",
        input_name=INPUT,
        output_name=OUTPUT,
        preprocessing=Preprocessing(side=facts.recipe.side, multiple=32),
        calibration=evidence.calibration,
        threshold=evidence.threshold,
        criterion=criterion,
        onnx=onnx,
    )
    training = {
        "command": facts.command,
        "data_sha256": facts.data_digest,
        "recipe": asdict(facts.recipe),
        "held_out": [] if facts.trained_on_all else sorted(set(evidence.groups)),
    }
    write_stage(folder, evidence=evidence, training=training, card=write_card(facts, evidence, onnx_bytes=len(onnx)))


def main() -> None:
    defaults = Recipe()
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("corpus", type=Path)
    p.add_argument("-o", "--out", type=Path, required=True)
    p.add_argument("--work", type=Path, default=Path("/tmp/cloudvision-gate"), help="cache and checkpoints")
    p.add_argument("--epochs", type=int, default=defaults.epochs)
    p.add_argument("--threads", type=int, default=defaults.threads)
    p.add_argument("--seed", type=int, default=defaults.seed)
    p.add_argument("--folds", type=int, default=5)
    p.add_argument("--run-folds", type=int, default=5, help="how many of them to train and score")
    p.add_argument("--ship-fold", action="store_true", help="ship the first fold's network, not one trained on all")
    p.add_argument("--recall", type=float, default=0.95)
    a = p.parse_args()
    job = Job(
        corpus=a.corpus,
        out=a.out,
        work=a.work,
        recipe=Recipe(epochs=a.epochs, threads=a.threads, seed=a.seed),
        shape=Shape(),
        folds=a.folds,
        run=a.run_folds,
        all_sources=not a.ship_fold,
        recall=a.recall,
    )
    options = f"--epochs {a.epochs} --seed {a.seed} --folds {a.folds} --run-folds {a.run_folds}"
    command = f"python -m cloudvision.training.train_gate CORPUS -o FOLDER {options}{' --ship-fold' * a.ship_fold}"
    run(job, command=command)


if __name__ == "__main__":
    main()
