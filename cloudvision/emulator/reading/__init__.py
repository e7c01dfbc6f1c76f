"""From a file to a document: pages, words, lines, paragraphs and ruled tables, and the fields of receipts and invoices.

Everything is found by rules over what a local text recogniser reads, on this machine and without a network.
"""
