"""Go through a list of URLs or paths, pay for each picture at most once, and go on after an interruption.

python samples/url_list.py list.txt out.jsonl
"""

import sys
from pathlib import Path

import cloudvision


def main(list_file: str, out: str, *, allow_private_hosts: bool = False) -> None:
    sources = Path(list_file).read_text(encoding="utf-8").split()
    provider = cloudvision.open_provider("local-ocr")
    with (
        cloudvision.Fetcher(allow_private_hosts=allow_private_hosts) as fetcher,
        cloudvision.Ledger("cloudvision.db") as ledger,
    ):
        run = ledger.begin_run(list_file, command=f"url_list {list_file}", provider=provider.name)
        pipeline = cloudvision.Pipeline(
            provider,
            gate=cloudvision.Gate.load(),
            ledger=ledger,
            run_id=run.id,
            load=lambda source: cloudvision.load(source, fetcher=fetcher),
        )
        sink = cloudvision.open_sink(out, provider=provider.name)
        for outcome in cloudvision.run_many(pipeline, sources, workers=4):
            sink.write(outcome)
            match outcome:
                case cloudvision.Analysed(analysis=analysis):
                    print("read   ", outcome.source, repr(analysis.text[:60]))
                case cloudvision.Skipped(verdict=verdict):
                    print("skipped", outcome.source, f"score {verdict.score:.2f}")
                case cloudvision.Failed(error=error):
                    print("failed ", error)
        sink.close()
        ledger.finish_run(run.id)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
