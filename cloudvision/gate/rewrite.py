"""A model folder with another threshold: the same weights, a new config.json, a card that says why."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cloudvision.errors import ConfigError
from cloudvision.gate.calibrate import Certificate
from cloudvision.gate.cascade import is_cascade
from cloudvision.gate.drift import Reference
from cloudvision.gate.folder import read_config

_FILES = ("model.onnx", "MODEL_CARD.md")


def entries(certificate: Certificate, reference: Reference) -> dict[str, Any]:
    """What a config.json holds of its calibration: threshold, certificate, and what scores looked like there."""
    promised = {name: value for name, value in asdict(certificate).items() if name != "threshold"}
    return {
        "threshold": rounded(certificate.threshold),
        "threshold_chosen": chosen(certificate),
        "certificate": promised,
        "calibration_scores": asdict(reference),
    }


def rounded(threshold: float) -> float:
    """Down to six places: rounded up it would lose a positive."""
    return max(0.0, math.floor(threshold * 1e6) / 1e6)


def chosen(certificate: Certificate) -> str:
    """The certificate in a sentence."""
    sources = "" if certificate.groups is None else f" of {certificate.groups} groups"
    return (
        f"highest whose recall is at least {certificate.recall} with confidence {certificate.confidence} on data exchangeable"
        f" with {certificate.positives} positives{sources} ({certificate.missed} missed); {certificate.method}"
    )


def reference_in(config: dict[str, Any]) -> Reference | None:
    """What the calibration scores looked like; None where a config.json does not say, or says it in another way."""
    try:
        kept = config["calibration_scores"]
        return Reference(int(kept["pictures"]), tuple(map(float, kept["scores"])), tuple(map(float, kept["shares"])))
    except (KeyError, TypeError, ValueError):
        return None


def target_in(config: dict[str, Any]) -> float:
    """The recall that a config.json is certified for; 0.95 where it is not."""
    try:
        target = float(config["certificate"]["recall"])
    except (KeyError, TypeError, ValueError):
        return 0.95
    return target if 0 < target < 1 else 0.95


def rewrite(path: Path, out: Path, *, certificate: Certificate, reference: Reference) -> None:
    """Write `out`, a copy of the model folder or cascade at `path`, with a certified threshold.

    Raises:
        ConfigError: `out` is there and not empty, cannot be written, or `path` is no model folder.
    """
    config = read_config(path)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is there already; name a new folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if is_cascade(config):
            for name, part in config["stages"].items():
                shutil.copytree(path / part["folder"], out / name)
            stages = {name: part | {"folder": name} for name, part in config["stages"].items()}
            config = config | {"stages": stages}
        for name in _FILES:
            if (path / name).is_file():
                shutil.copyfile(path / name, out / name)
        # Another name: entries of a ledger tell by it which gate judged, and whose calibration scores theirs compare with.
        version = f"{str(config['version']).partition('-')[0]}-{certificate.data_sha256[:8] or 'own'}"
        new = config | entries(certificate, reference) | {"version": version}
        (out / "config.json").write_text(json.dumps(new, indent=2) + "\n", encoding="utf-8")
        with (out / "MODEL_CARD.md").open("a", encoding="utf-8") as card:
            card.write(_section(certificate))
    except OSError as exc:
        raise ConfigError(f"cannot write {exc.filename or out}: {exc.strerror}") from exc


def _section(certificate: Certificate) -> str:
    return f"""
## Calibrated anew

The threshold in config.json, {rounded(certificate.threshold)}, replaces the one above: {chosen(certificate)}.
SHA-256 of the calibration set: `{certificate.data_sha256}`. It promises nothing for pictures of another kind.
"""
