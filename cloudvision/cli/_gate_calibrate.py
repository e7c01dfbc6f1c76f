"""`cloudvision gate calibrate`: a threshold whose recall is certified on the user's own pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from cloudvision._json import tagged
from cloudvision.cli._scored import Scored, score
from cloudvision.cli._talk import say
from cloudvision.gate import Gate
from cloudvision.gate.calibrate import Certificate, certify
from cloudvision.gate.drift import reference_of
from cloudvision.gate.gate import DEFAULT, find
from cloudvision.gate.labels import read_labels
from cloudvision.gate.metrics import confusion
from cloudvision.gate.reliability import calibration_error, reliability
from cloudvision.gate.rewrite import chosen, rewrite


def gate_calibrate(
    labels: Annotated[Path, typer.Argument(help="A label file, or a folder with true/ and false/.")],
    recall: Annotated[
        float, typer.Option(help="Share of what is worth a call to be called.", min=0.5, max=0.999)
    ] = 0.95,
    confidence: Annotated[float, typer.Option(help="How sure that must be.", min=0.51, max=0.999)] = 0.95,
    group: Annotated[
        str | None,
        typer.Option(
            help="Column that names the source of each picture: then sources, not pictures, are drawn at random."
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="A shipped gate by name, or a model folder.")] = DEFAULT,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a model folder with the new threshold.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the resampling of groups and of the draw by weight.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the highest threshold whose recall is certified on pictures like these.

    Certified means: on data exchangeable with these labels. Without --group that is the stream they were drawn from; with it,
    new sources of the same kind.
    """
    found_labels = read_labels(labels, group=group)
    gate = Gate.load(model)
    scored = score(gate, found_labels)
    certificate = certify(
        scored.scores,
        scored.truth,
        recall=recall,
        confidence=confidence,
        groups=None if group is None else scored.groups,
        weights=scored.weights if scored.weighted else None,
        seed=seed,
        data_sha256=scored.sha256,
    )
    if output is not None:
        rewrite(find(model), output, certificate=certificate, reference=reference_of(scored.scores))
    curve = reliability(scored.scores, scored.truth)
    if as_json:
        values = {"model": gate.model, **asdict(certificate), "calibration_error": calibration_error(curve)}
        bins = [asdict(one) for one in curve]
        print(json.dumps(tagged({**values, "reliability": bins}), indent=2))
        return
    _show(certificate, scored, before=gate.threshold)
    if output is not None:
        say(f"wrote {output}: use it with --gate-model {output}")


def _show(certificate: Certificate, scored: Scored, *, before: float) -> None:
    skipped = float((scored.weights * (scored.scores < certificate.threshold)).sum() / scored.weights.sum())
    print(f"threshold   {certificate.threshold:.6f} (the model's own: {before:.6f})")
    print(f"certified   {chosen(certificate)}")
    if certificate.left_out:
        print(f"weights     {certificate.left_out} positives were left out, so that the others stand for one each")
    if certificate.groups is not None:
        print(f"groups      {certificate.positives} positives vary like {certificate.independent:.0f} independent ones")
    if not scored.weighted:
        here = confusion(scored.scores, scored.truth, threshold=certificate.threshold)
        print(f"here        recall {here.recall:.3f}, specificity {here.specificity:.3f} on these very pictures")
    print(f"skips       {skipped:.1%} of the calls")
    print(f"data        SHA-256 {certificate.data_sha256}")
    curve = reliability(scored.scores, scored.truth)
    print(f"reliability expected calibration error {calibration_error(curve):.3f}")
    print("            mean score  share worth a call  pictures")
    for one in curve:
        print(f"            {one.score:10.2f}  {one.share:18.2f}  {one.pictures:8d}")
    if np.isclose(certificate.threshold, 0.0):
        say("the threshold is 0: everything is called, nothing less keeps this promise")
