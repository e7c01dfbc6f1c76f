"""The flags that several commands share, with one wording each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudvision.near import MAX_DISTANCE

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="File, folder, glob, URL, s3://bucket/key, s3://bucket/dir/, @list.txt, @rows.csv:column, @rows.jsonl:field, -",
    ),
]

# who is asked for what
ProviderName = Annotated[str, typer.Option("--provider", help="Who is asked; see `cloudvision providers`.")]
AccountsFile = Annotated[
    Path | None, typer.Option("--accounts", help="Several accounts or regions that share the calls: a TOML file.")
]
UseGate = Annotated[
    bool | None,
    typer.Option("--gate/--no-gate", help="Look first with the local gate; by default for providers that read text."),
]
GateModel = Annotated[
    str, typer.Option("--gate-model", help="Which gate: a shipped one by name, or a model folder.", show_default=True)
]
Features = Annotated[str, typer.Option("--features", help="What to analyse, separated by commas.")]
Model = Annotated[
    str | None, typer.Option("--model", help="Model or model version; for onnx, the folder of the model.")
]
MinConfidence = Annotated[
    float | None, typer.Option("--min-confidence", help="Leave out what is less sure than this.", min=0, max=1)
]
Store = Annotated[bool, typer.Option("--store", help="Let the service keep the pictures, where it can.")]
Pages = Annotated[str | None, typer.Option("--pages", help="Page ranges of documents, such as 1-3,5.")]
Locale = Annotated[str | None, typer.Option("--locale", help="Language of the text or of the answer, such as en.")]
Shrink = Annotated[bool, typer.Option("--shrink", help="Send large pictures smaller: quicker, not cheaper.")]

# what is done with the list
LedgerName = Annotated[str, typer.Option("--ledger", help="Keeps answers, spend and progress: file or redis://...")]
Audit = Annotated[float, typer.Option("--audit", help="Share of skips that are called all the same.", min=0, max=1)]
AuditRecall = Annotated[
    float | None,
    typer.Option(
        "--audit-recall",
        help="Where the audit shows less, the gate calls more; default: what it is certified for, or 0.95.",
        min=0.01,
        max=0.999,
    ),
]
NearDuplicates = Annotated[
    int | None,
    typer.Option(
        "--near-duplicates",
        help="Let pictures that differ in so many of 64 bits share an answer.",
        min=0,
        max=MAX_DISTANCE,
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", help="Stop after so many sources.", min=1)]

# how pictures are downloaded
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds that one call or download may take.", min=0.1)]
PrivateHosts = Annotated[bool, typer.Option("--allow-private-hosts", help="Let URLs lead to private addresses.")]
ObeyRobots = Annotated[bool, typer.Option("--robots", help="Obey the robots.txt of hosts that URLs lead to.")]
HostConnections = Annotated[
    int, typer.Option("--host-connections", help="Most downloads of one host at a time.", min=1)
]
HostRate = Annotated[float | None, typer.Option("--host-rate", help="Most requests a second to one host.", min=0.001)]
