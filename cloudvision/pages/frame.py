"""What every page has: head, style, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#59636e;--rule:#d8dee4;--back:#fff;--card:#f6f8fa;--yes:#0a7c72;
--no:#c2571a;--line:#3056d3;--soft:#eef1f4}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--rule:#30363d;--back:#0d1117;--card:#161b22;
--yes:#2fb5a8;--no:#e8884a;--line:#7c9cff;--soft:#1c222a}}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:var(--ink);
background:var(--back)}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2.2rem}p.under{color:var(--dim);margin-top:0}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--rule);
vertical-align:top}th{font-weight:600}th.n,td.n{text-align:right;font-variant-numeric:tabular-nums}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(28rem,100%),1fr));gap:1.2rem}
figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:.8rem}
figcaption{font-weight:600;margin-bottom:.3rem}figcaption small{display:block;font-weight:400;color:var(--dim)}
svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:var(--dim)}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.8rem}
.sheet figure{padding:.4rem}.sheet img{width:100%;height:9rem;object-fit:contain;background:var(--soft);display:block}
.sheet figcaption{font-weight:400;font-size:.8rem;overflow-wrap:anywhere;margin:.3rem 0 0}
.wide{overflow-x:auto}.matrix{margin-top:1rem}.matrix td{padding:.9rem}.matrix b{font-size:1.6rem}
"""
_FIGURE = re.compile(r"[-\d.,]+( to [-\d.,]+)?")


def page(title: str, *, under: str, parts: Iterable[str]) -> str:
    """A whole page. `under` is a line of plain text below the title, `parts` are HTML."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f'<h1>{escape(title)}</h1><p class="under">{escape(under)}</p>{"".join(parts)}</body></html>\n'
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Plain text in cells; a column of figures alone is set to the right."""
    body = [tuple(row) for row in rows]
    kinds = [' class="n"' if _are_figures(row[n] for row in body) else "" for n in range(len(head))]
    titles = "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, head, strict=True))
    cells = "".join(
        f"<tr>{''.join(f'<td{kind}>{escape(text)}</td>' for kind, text in zip(kinds, row, strict=True))}</tr>"
        for row in body
    )
    return f'<div class="wide"><table><thead><tr>{titles}</tr></thead><tbody>{cells}</tbody></table></div>'


def matrix(columns: tuple[str, str], rows: Sequence[tuple[str, Sequence[tuple[str, str, str]]]]) -> str:
    """Two by two large counts: (name of the row, ((count, words, colour of the page), ...))."""
    titles = "".join(f"<th>{escape(name)}</th>" for name in ("", *columns))
    cells = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(
            f'<td style="border-left:4px solid var(--{colour})"><b>{escape(count)}</b><br>{escape(words)}</td>'
            for count, words, colour in row
        )
        + "</tr>"
        for name, row in rows
    )
    return f'<table class="matrix"><tr>{titles}</tr>{cells}</table>'


def figure(title: str, drawing: str, *, under: str = "") -> str:
    """A drawing with its title."""
    small = f"<small>{escape(under)}</small>" if under else ""
    return f"<figure><figcaption>{escape(title)}{small}</figcaption>{drawing}</figure>"


def grid(figures: Iterable[str]) -> str:
    """Figures side by side where there is room."""
    return f'<div class="grid">{"".join(figures)}</div>'


def _are_figures(column: Iterable[str]) -> bool:
    texts = list(column)
    return any(text[:1].isdigit() for text in texts) and all(_FIGURE.fullmatch(text) for text in texts)
