"""Read invoices (PDFs, scans, photographs) with Azure Document Intelligence into a table, and spend no more than allowed.

python samples/invoices.py invoices/ > invoices.csv

Stop it, or kill it, at any time: the same command goes on, and pays for no document twice.
"""

import csv
import sys
from pathlib import Path

import cloudvision


def main(folder: str, *, budget_usd: float = 5.0, stop: cloudvision.StopSignal | None = None) -> None:
    options = cloudvision.Options(model="prebuilt-invoice")
    pipeline = cloudvision.Pipeline(
        cloudvision.open_provider("azure-document-intelligence", options),
        ledger=cloudvision.Ledger("invoices.db"),
        policy=cloudvision.Policy(budget=cloudvision.Budget(ledger=round(budget_usd * 1e6))),
        stop=stop or cloudvision.StopSignal(),
    )
    table = csv.writer(sys.stdout)
    table.writerow(("file", "vendor", "number", "date", "total", "cost in USD"))
    for outcome in cloudvision.run_many(pipeline, sorted(Path(folder).iterdir())):
        match outcome:
            case cloudvision.Analysed(analysis=analysis):
                cost = analysis.provenance.cost_usd if analysis.provenance else 0.0
                for invoice in cloudvision.Invoice.all_in(analysis):
                    row = (invoice.vendor_name, invoice.invoice_id, invoice.invoice_date, invoice.total)
                    table.writerow((outcome.source, *row, cost))
            case cloudvision.Failed(error=error):
                print(error, file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
