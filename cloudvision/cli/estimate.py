"""`cloudvision estimate`: what a list would cost and skip, before a cent is spent."""

from __future__ import annotations

import json
import time
from functools import partial
from itertools import islice
from typing import Annotated

import typer

from cloudvision import estimate as figures
from cloudvision import images, sources
from cloudvision.cli._downloads import Downloads
from cloudvision.cli._identity import identity
from cloudvision.cli._talk import say
from cloudvision.gate import Gate
from cloudvision.ledger_store import open_ledger
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.provider import DETAILS, open_provider
from cloudvision.providers._aws_s3 import S3
from cloudvision.providers._options import Options


def estimate(
    source: Annotated[list[str], typer.Argument(help="As for `cloudvision run`.")],
    provider: Annotated[str, typer.Option(help="Who would be asked; see `cloudvision providers`.")] = "local-ocr",
    gate: Annotated[bool, typer.Option(help="Look first with the local gate.")] = True,
    features: Annotated[str, typer.Option(help="What to analyse, separated by commas.")] = "",
    model: Annotated[str | None, typer.Option(help="Model or model version.")] = None,
    pages: Annotated[str | None, typer.Option(help="Page ranges of documents, such as 1-3,5.")] = None,
    locale: Annotated[str | None, typer.Option(help="Language of the text or of the answer, such as en.")] = None,
    shrink: Annotated[
        bool, typer.Option("--shrink", help="Send large pictures smaller: quicker, not cheaper.")
    ] = False,
    ledger: Annotated[str, typer.Option(help="Keeps answers; the estimate too.")] = "cloudvision.db",
    audit: Annotated[float, typer.Option(help="Share of skips that are called all the same.", min=0, max=1)] = 0.0,
    limit: Annotated[int | None, typer.Option(help="Stop after so many sources.", min=1)] = None,
    sample: Annotated[int, typer.Option(help="Pictures that are loaded and judged.", min=1)] = figures.SAMPLE,
    seed: Annotated[int, typer.Option(help="Of the draw: the same seed draws the same sources.")] = 0,
    month_position: Annotated[int, typer.Option(help="Units already used this month, for price tiers.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Threads.", min=1, max=512)] = 8,
    timeout: Annotated[float, typer.Option(help="Seconds that one download may take.", min=0.1)] = 60.0,
    allow_private_hosts: Annotated[bool, typer.Option(help="Let URLs lead to private addresses.")] = False,
    robots: Annotated[bool, typer.Option("--robots", help="Obey the robots.txt of hosts that URLs lead to.")] = False,
    host_connections: Annotated[int, typer.Option(help="Most downloads of one host at a time.", min=1)] = 8,
    host_rate: Annotated[float | None, typer.Option(help="Most requests a second to one host.", min=0.001)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Tell what `cloudvision run` with the same flags would call, skip and cost. Nobody is called; no key is needed."""
    options = Options(
        features=tuple(name.strip() for name in features.split(",") if name.strip()),
        model=model,
        language=locale,
        pages=pages,
        shrink=shrink,
    )
    asked, looker, names = open_provider(provider, options), Gate.load() if gate else None, tuple(source)
    passed, documents = sources.Passed(), DETAILS[provider].reads_documents
    downloads = Downloads(allow_private_hosts, timeout, host_connections, host_rate, robots)
    with open_ledger(ledger) as opened, downloads.open(sleep=time.sleep) as fetcher:
        pipeline = Pipeline(
            asked,
            gate=looker,
            ledger=opened,
            policy=Policy(audit=audit),
            load=partial(images.load, fetcher=fetcher, documents=documents),
            load_object=partial(S3.from_env().load, documents=documents),
            send_objects=DETAILS[provider].reads_s3,
        )
        found = figures.estimate(
            pipeline,
            islice(sources.expand(names, passed=passed, documents=documents), limit),
            sample=sample,
            position=month_position,
            seed=seed,
            workers=workers,
        )
        opened.add_estimate(identity(names, provider=asked, gate=looker, audit=audit, limit=limit), found.foreseen())
    if as_json:
        print(json.dumps(found.to_json(), indent=2))
    else:
        for label, value in figures.rows(found):
            print(f"{label:24}{value}")
    if passed.files:
        say(f"{passed.files} files in folders or under S3 prefixes are no pictures and were passed over")
