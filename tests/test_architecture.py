"""The rooms: imports go downward, SDKs stay in their adapters, nothing heavy is imported by accident."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

import cloudvision

PACKAGE = Path(cloudvision.__file__).parent

# Lower first. A module may import from ranks below its own, and from its own folder.
RANKS: tuple[tuple[str, ...], ...] = (
    ("errors", "_json", "geometry"),
    ("layout",),
    ("results", "raw", "stop", "pending", "polling"),
    ("_field_values",),
    ("_document_view",),
    ("documents", "saved", "_retry_after", "_onnxruntime"),
    ("_address", "_tls", "_proxy", "_printable", "_version"),
    ("_wire", "_body", "_fetch_errors"),
    ("_http",),
    ("fetch",),
    ("_sniff", "_exif", "_jpeg"),
    ("_pillow",),
    ("_decode",),
    ("_array", "_pdf", "_prepare", "_read"),
    ("images",),
    ("annotations", "models", "prices", "quotas"),
    ("providers", "gate", "ledger", "limit", "near", "retry", "breaker"),
    ("provider", "outcome", "politeness", "robots"),
    ("failover",),
    ("long_failover",),
    ("accounts",),
    ("_instruments",),
    ("telemetry",),
    ("policy", "case", "looking", "auditing"),
    ("recording", "alike"),
    ("asking",),
    ("paying",),
    ("pipeline",),
    ("batch", "sinks", "sources", "report", "labels"),
    ("pages",),
    ("estimate",),
    ("training",),
    ("_form", "_web"),
    ("customvision", "emulator", "serve"),
    ("cli",),
)
PARTS = {
    "_bill": "estimate",
    "_changes": "ledger",
    "_heartbeat": "ledger",
    "_ledger_answers": "ledger",
    "_ledger_care": "ledger",
    "_ledger_connection": "ledger",
    "_ledger_file": "ledger",
    "_ledger_pending": "ledger",
    "_ledger_rows": "ledger",
    "_ledger_runs": "ledger",
    "_ledger_schema": "ledger",
    "_ledger_sql": "ledger",
    "_redis_answers": "ledger",
    "_redis_care": "ledger",
    "_redis_connection": "ledger",
    "_redis_run_scripts": "ledger",
    "_redis_runs": "ledger",
    "_redis_scripts": "ledger",
    "ledger_store": "ledger",
    "redis_ledger": "ledger",
    "_ledger_starts": "ledger",
    "_owner": "ledger",
    "_pace": "limit",
    "_report_gate": "report",
}
SDKS = {
    "azure": ("providers/azure_", "providers/_azure", "customvision/", "cli/_telemetry"),
    "boto3": ("providers/aws_", "providers/_aws"),
    "botocore": ("providers/aws_", "providers/_aws"),
    "onnxruntime": ("_onnxruntime",),
    "opentelemetry": ("_instruments", "telemetry", "cli/_telemetry"),
    "imagehash": ("near",),
    "pypdfium2": ("_pdf",),
    "redis": ("_redis_connection",),
    "rapidocr": ("providers/local_ocr", "providers/_rapidocr"),
    "starlette": ("_web", "emulator/", "serve/"),
    "uvicorn": ("_web", "emulator/", "serve/"),
    "httptools": ("emulator/", "serve/"),
    "prometheus_client": ("serve/",),
    "uvloop": ("serve/",),
    "torch": ("training/",),
    "timm": ("training/",),
    "typer": ("cli/",),
    "rich": ("cli/",),
    "dotenv": ("cli/",),
}


@functools.cache
def modules() -> tuple[tuple[Path, ast.Module], ...]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return tuple((path.relative_to(PACKAGE), ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


@functools.cache
def imported(tree: ast.Module) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the package in full"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def room(dotted: str) -> str:
    name = dotted.split(".")[1] if "." in dotted else ""
    return PARTS.get(name, name)


def is_room(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()


def rank(name: str) -> int:
    found = [index for index, names in enumerate(RANKS) if name in names]
    assert found, f"{name} has no rank: add it to RANKS where it belongs"
    return found[0]


@pytest.mark.parametrize(
    "path", [path for path, _ in modules() if path.name != "__init__.py" or len(path.parts) > 1], ids=str
)
def test_imports_go_downward(path: Path) -> None:
    own = room("cloudvision." + path.parts[0].removesuffix(".py"))
    for name in imported(dict(modules())[path]):
        if name.startswith("cloudvision.") and (other := room(name)) != own and is_room(other):
            assert rank(other) < rank(own), f"{path} imports {name}, which is not below it"


@pytest.mark.parametrize("sdk", sorted(SDKS))
def test_an_sdk_is_imported_by_its_own_adapter_alone(sdk: str) -> None:
    users = {str(path) for path, tree in modules() if any(name.split(".")[0] == sdk for name in imported(tree))}
    assert not {user for user in users if not user.startswith(SDKS[sdk])}


def test_importing_the_library_imports_no_extra() -> None:
    heavy = (
        "redis, azure, boto3, botocore, rapidocr, cv2, torch, typer, rich, pyarrow, pillow_heif, starlette, uvicorn, moto, "
        "responses, imagehash, prometheus_client"
    )
    code = (
        "import sys, cloudvision, cloudvision.pipeline, cloudvision.provider;"
        "[cloudvision.provider.open_provider(name) for name in cloudvision.provider.PROVIDERS];"
        f"print([m for m in {heavy.split(', ')!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_module_has_a_name_that_explains_nothing() -> None:
    forbidden = {"utils", "helpers", "helper", "common", "manager", "base", "misc"}
    assert not {
        path for path, _ in modules() if forbidden & {part.removesuffix(".py").strip("_") for part in path.parts}
    }


def test_the_library_prints_nothing_and_pickles_nothing() -> None:
    for path, tree in modules():
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        allowed = path.parts[0] in ("cli", "training")
        assert allowed or "print" not in calls, path
        assert not {name for name in imported(tree) if name.split(".")[0] in ("pickle", "dill", "joblib")}, path
        assert "torch.load" not in calls, path


def test_everything_public_is_named_and_there() -> None:
    assert sorted(cloudvision.__all__) == sorted(set(cloudvision.__all__))
    for name in cloudvision.__all__:
        assert getattr(cloudvision, name) is not None
