"""What the emulated prebuilt-receipt finds on real receipts, asked by the vendor's own SDK over the loopback interface.

    python benchmarks/receipts.py FOLDER [--limit N]

FOLDER holds pictures and keys.csv (columns file, company, date, address, total). A total is right when it is the same
amount; a date when it is the same day; a name when at least 90 % of its letters and digits are (the keys themselves have
slips: "FTOF" for "FACE TO FACE"), and the number of those that are exactly the same is printed beside it; an address at
85 %. Needs the extras `emulator` and `azure`.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import difflib
import re
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from azure.ai.formrecognizer import DocumentAnalysisClient
from azure.core.credentials import AzureKeyCredential

from cloudvision.emulator import running

_DATES = ("%d/%m/%Y", "%d/%m/%y", "%d-%m-%Y", "%d-%m-%y", "%d/%b/%Y", "%d %b %Y", "%Y-%m-%d", "%d%m%Y")
SAME_NAME, SAME_ADDRESS = 0.9, 0.85
CLIENTS = 2


def letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, letters(one), letters(other), autojunk=False).ratio()


def day(text: str) -> datetime.date:
    for form in _DATES:
        try:
            return datetime.datetime.strptime(text.strip("()").title(), form).date()
        except ValueError:
            continue
    raise ValueError(f"no date: {text}")


def judge(fields: Mapping[str, Any], key: Mapping[str, str]) -> dict[str, bool]:
    """What is right of one receipt."""
    found = {name: field.value for name, field in fields.items()}
    name = str(found.get("MerchantName", ""))
    address = fields["MerchantAddress"].content if "MerchantAddress" in fields else ""
    wanted = round(float(re.sub(r"[^\d.]", "", key["total"])) * 100)
    return {
        "total": round(float(found.get("Total", -1)) * 100) == wanted,
        "date": found.get("TransactionDate") == day(key["date"]),
        "company name": likeness(name, key["company"]) >= SAME_NAME,
        "company name, exactly": letters(name) == letters(key["company"]),
        "address": likeness(address, key["address"]) >= SAME_ADDRESS,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=None)
    given = parser.parse_args()
    with (given.folder / "keys.csv").open(encoding="utf-8") as stream:
        keys = list(csv.DictReader(stream))[: given.limit]
    right: Counter[str] = Counter()
    seconds: list[float] = []
    with running() as emulator, ThreadPoolExecutor(CLIENTS) as pool:
        env = emulator.environment
        credential = AzureKeyCredential(env["DOCUMENT_INTELLIGENCE_KEY"])

        def ask(key: Mapping[str, str]) -> tuple[Mapping[str, Any], float]:
            begun = time.perf_counter()
            with DocumentAnalysisClient(env["DOCUMENT_INTELLIGENCE_ENDPOINT"], credential) as client:
                poller = client.begin_analyze_document("prebuilt-receipt", (given.folder / key["file"]).read_bytes())
                documents = poller.result().documents or []
            return (documents[0].fields if documents else {}), time.perf_counter() - begun

        for key, (fields, took) in zip(keys, pool.map(ask, keys), strict=True):
            judged = judge(fields, key)
            right.update({name: 1 for name, good in judged.items() if good})
            seconds.append(took)
            if wrong := [name for name, good in judged.items() if not good and "exactly" not in name]:
                said = {name: field.content for name, field in fields.items() if name != "Items"}
                print(f"{key['file']}: {', '.join(wrong)}; found {said}")
        print(f"billed: {dict(emulator.bill().units[emulator.accounts[0].name])}")
    for name in ("total", "date", "company name", "company name, exactly", "address"):
        print(f"{name}: {right[name]} of {len(keys)} ({right[name] / len(keys):.0%})")
    print(f"seconds a receipt, {CLIENTS} at once: median {statistics.median(seconds):.1f}, longest {max(seconds):.1f}")


if __name__ == "__main__":
    main()
