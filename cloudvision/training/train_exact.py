"""Train the gate's exact stage.

    python -m cloudvision.training.train_exact CORPUS -o FOLDER

Looks at every picture once with the trunk of a text detector (extra `local`; a twentieth of a second each, kept in `--work`),
trains a read-out on all folds of sources but one and scores that one, for each fold; calibrates on those scores; trains once
more on everything; writes FOLDER/model.onnx, config.json and MODEL_CARD.md.
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
from cloudvision.training.data import Sample, data_digest, folds, read_corpus
from cloudvision.training.detector import PIXELS, Trunk, detector_file, trunk
from cloudvision.training.evidence import Evidence, gather
from cloudvision.training.exact_card import ExactFacts, exact_card
from cloudvision.training.exact_graph import OPSET, OUTPUT, join
from cloudvision.training.features import cache_features
from cloudvision.training.fit_readout import Cells, ReadOutRecipe, draw_cells, logits, train_readout
from cloudvision.training.model_folder import write_stage
from cloudvision.training.readout import ReadOutNet, ReadOutShape

VERSION = "1"


@dataclass(frozen=True, slots=True)
class Job:
    """One call of this program."""

    corpus: Path
    out: Path
    work: Path
    recipe: ReadOutRecipe
    shape: ReadOutShape
    folds: int
    recall: float

    @property
    def place(self) -> Path:
        """A folder of this very recipe, data and network: another one starts afresh."""
        what = (asdict(self.recipe), asdict(self.shape), data_digest(self.corpus), self.folds)
        return self.work / ("exact-" + hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12])


def run(job: Job, *, command: str) -> Evidence:
    samples = read_corpus(job.corpus)
    preprocessing = Preprocessing(side=job.recipe.side, multiple=32)
    eyes = trunk(detector_file(), opset=OPSET)
    features = cache_features(samples, Trunk(eyes), preprocessing=preprocessing, folder=job.work)
    cells = draw_cells(samples, features, np.random.default_rng(job.recipe.seed))

    def trained(members: NDArray[np.int64], cells: Cells = cells) -> ReadOutNet:
        return train_readout(
            samples, features, cells, members=members, criterion=Criterion(), recipe=job.recipe, shape=job.shape
        )

    fold = folds(samples, count=job.folds, seed=job.recipe.seed)
    scored = np.zeros(len(samples))
    job.place.mkdir(parents=True, exist_ok=True)
    for k in range(job.folds):
        file, held = job.place / f"fold-{k}-logits.npy", np.flatnonzero(fold == k)
        if not file.is_file():
            np.save(file, logits(trained(np.flatnonzero(fold != k)), features, held))
            print(f"fold {k + 1} of {job.folds}: {len(held)} pictures held out", flush=True)
        scored[held] = np.load(file, allow_pickle=False)
    evidence = gather(
        samples,
        which=np.arange(len(samples)),
        logits=scored,
        criterion=Criterion(),
        recall=job.recall,
        data_sha256=data_digest(job.corpus),
    )
    net = trained(np.arange(len(samples)))
    _write(job, samples, net=net, onnx=join(eyes, net), evidence=evidence, command=command)
    return evidence


def _write(
    job: Job, samples: tuple[Sample, ...], *, net: ReadOutNet, onnx: bytes, evidence: Evidence, command: str
) -> None:
    digest = data_digest(job.corpus)
    folder = ModelFolder(
        path=job.out,
        name="exact",
        version=VERSION,
        stage="exact",
        input_name=PIXELS,
        output_name=OUTPUT,
        preprocessing=Preprocessing(side=job.recipe.side, multiple=32),
        calibration=evidence.calibration,
        threshold=evidence.threshold,
        criterion=Criterion(),
        onnx=onnx,
    )
    training = {
        "command": command,
        "data_sha256": digest,
        "trunk": "PP-OCRv6_det_small (Apache-2.0), frozen",
        "recipe": asdict(job.recipe),
        "held_out": [],
    }
    facts = ExactFacts(
        version=VERSION,
        recipe=job.recipe,
        shape=job.shape,
        learned=sum(p.numel() for p in net.parameters()),
        onnx_bytes=len(onnx),
        command=command,
        data_digest=digest,
        pictures=len(samples),
        folds=job.folds,
    )
    write_stage(folder, evidence=evidence, training=training, card=exact_card(facts, evidence))


def main() -> None:
    defaults = ReadOutRecipe()
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("corpus", type=Path)
    p.add_argument("-o", "--out", type=Path, required=True)
    p.add_argument("--work", type=Path, default=Path("/tmp/cloudvision-gate"), help="cache; 5 GB for 5,500 pictures")
    p.add_argument("--side", type=int, default=defaults.side)
    p.add_argument("--seed", type=int, default=defaults.seed)
    p.add_argument("--folds", type=int, default=5)
    p.add_argument("--recall", type=float, default=0.95)
    a = p.parse_args()
    job = Job(
        corpus=a.corpus,
        out=a.out,
        work=a.work,
        recipe=ReadOutRecipe(side=a.side, seed=a.seed),
        shape=ReadOutShape(),
        folds=a.folds,
        recall=a.recall,
    )
    options = f"--side {a.side} --seed {a.seed} --folds {a.folds}"
    run(job, command=f"python -m cloudvision.training.train_exact CORPUS -o FOLDER {options}")


if __name__ == "__main__":
    main()
