"""Bars, readable on light and dark ground."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Bar = tuple[str, float, str]
"""What it is called, how long it is, and whose: "own", "peer" or "limit"."""

ROW, GAP, LEFT, WIDTH, RIGHT = 20, 34, 250, 400, 110

# Without a scheme that is known, grey text shows on both.
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #6b7580 }
.title { font-weight: 600; fill: #57606a }
.own { fill: #d9822b }
.peer { fill: #8c98a4 }
.limit { fill: none; stroke: #8c98a4; stroke-dasharray: 3 2 }
@media (prefers-color-scheme: light) { text { fill: #3d444d } .title { fill: #1f2328 } }
@media (prefers-color-scheme: dark) { text { fill: #b6bfc8 } .title { fill: #f0f3f6 } }
"""


def bars(
    charts: Iterable[tuple[str, list[Bar]]],
    unit: Callable[[float], str],
    alternative: str,
) -> str:
    """Charts one below the other, each with a scale of its own."""
    parts = []
    top = 8
    for title, rows in charts:
        parts.append(f'<text class="title" x="8" y="{top + 14}">{escape(title)}</text>')
        top += 22
        longest = max(length for _, length, _ in rows)
        for name, length, kind in rows:
            width = max(1.0, WIDTH * length / longest)
            parts.append(
                f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>'
            )
            parts.append(
                f'<rect class="{kind}" x="{LEFT}" y="{top + 2}" width="{width:.1f}" height="{ROW - 5}" rx="2"/>'
            )
            parts.append(
                f'<text x="{LEFT + width + 6:.1f}" y="{top + 13}">{escape(unit(length))}</text>'
            )
            top += ROW
        top += GAP - ROW
    size = f'width="{LEFT + WIDTH + RIGHT}" height="{top}"'
    view = f'viewBox="0 0 {LEFT + WIDTH + RIGHT} {top}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img">',
            f"<title>{escape(alternative)}</title>",
            f"<style>{STYLE}</style>",
            *parts,
            "</svg>\n",
        ]
    )
