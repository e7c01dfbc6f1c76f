"""`cloudvision gate evaluate`: how good a gate is on labelled pictures."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Annotated

import numpy as np
import PIL.Image
import typer

from cloudvision import images, prices
from cloudvision._json import encode, tagged
from cloudvision.cli._scored import Scored, score
from cloudvision.cli._talk import say
from cloudvision.errors import ConfigError
from cloudvision.gate import Gate
from cloudvision.gate.evaluate import Evaluation, evaluate
from cloudvision.gate.gate import DEFAULT
from cloudvision.gate.labels import read_labels
from cloudvision.pages.of_evaluation import Judged, Missed, evaluation_page, rows
from cloudvision.provider import DETAILS

_SHOWN, _SIDE = 24, 240


def gate_evaluate(
    labels: Annotated[Path, typer.Argument(help="A label file, or a folder with true/ and false/.")],
    model: Annotated[str, typer.Option(help="A shipped gate by name, or a model folder.")] = DEFAULT,
    threshold: Annotated[float | None, typer.Option(help="Instead of the model's own.", min=0, max=1)] = None,
    group: Annotated[str | None, typer.Option(help="Column that names the source of each picture.")] = None,
    provider: Annotated[str, typer.Option(help="At whose list price calls are saved.")] = "aws-rekognition",
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page with plots to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recall, specificity, precision, NPV, AUC, calls skipped and savings of a gate, each with a 95 % interval."""
    call_usd, price = _price(provider)
    found_labels = read_labels(labels, group=group)
    gate = Gate.load(model, threshold=threshold)
    scored = score(gate, found_labels)
    found = evaluate(
        scored.scores,
        scored.truth,
        threshold=gate.threshold,
        groups=scored.groups,
        weights=scored.weights if scored.weighted else None,
        call_usd=call_usd,
    )
    if html is not None:
        judged = Judged(scored.scores, scored.truth, scored.groups, scored.weights)
        text = evaluation_page(
            found, judged, model=gate.model, data=str(labels), price=price, worst=_worst(scored, found)
        )
        try:
            html.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise ConfigError(f"cannot write {html}: {exc.strerror}") from exc
    if as_json:
        print(json.dumps(tagged(encode(found)), indent=2).replace("NaN", "null"))
        return
    say(f"{gate.model}, threshold {found.threshold:.4f}: {found.pictures} pictures of {found.groups} groups,"
        f" {found.positives} worth a call; intervals at 95 %: {found.method}")  # fmt: skip
    for name, value, interval, meaning in rows(found, price=price):
        print(f"{name:30}{value:>9}  ({interval})  {meaning}")
    tp, fp, tn, fn = (f"{count:,.0f}" for count in found.counts)
    print(
        f"{'Confusion matrix':30}true positives {tp}, false positives {fp}, true negatives {tn}, false negatives {fn}"
    )
    print(f"{'Expected calibration error':30}{found.calibration_error:>9.3f}")


def _price(provider: str) -> tuple[float, str]:
    """US dollars for one unit of the provider's first operation at the first tier, and its name."""
    if provider not in DETAILS or not DETAILS[provider].prices:
        known = ", ".join(sorted(name for name, details in DETAILS.items() if details.prices))
        raise ConfigError(f"no price for {provider!r}: give one of {known}")
    operation = DETAILS[provider].prices[0]
    return prices.price(operation, 1) / prices.MICROS, operation


def _worst(scored: Scored, found: Evaluation) -> list[Missed]:
    """Small JPEGs of the positives with the lowest scores below the threshold."""
    missed = np.flatnonzero(scored.truth & (scored.scores < found.threshold))
    out = []
    for index in missed[np.argsort(scored.scores[missed], kind="stable")][:_SHOWN]:
        path = scored.labels[int(index)].path
        buffer = io.BytesIO()
        PIL.Image.fromarray(images.load(path).pixels(max_side=_SIDE)).save(buffer, "JPEG", quality=80)
        out.append(Missed(str(path), float(scored.scores[index]), buffer.getvalue()))
    return out
