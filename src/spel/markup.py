"""Small pictures and tables as HTML, for values that show themselves in notebooks.

Only inline styles and inline SVG are used: notebooks keep them, nothing is fetched, and colours are
laid over the page's own, so that they stand on light and dark pages alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

POSITIVE, NEGATIVE = "#e0761a", "#2f7fd0"
PALETTE = ("#2f7fd0", "#e0761a", "#1f9e74", "#c95ba0", "#b39700", "#7a6ff0", "#d1483f", "#5b9bb5")
LINE = "rgba(128,128,128,0.45)"
MOST_RECTANGLES = 2000
"""Largest number of rectangles in a picture; larger ones are drawn more coarsely."""

Point = tuple[int, int]


def block(title: str, *parts: str) -> str:
    """A titled block of pictures and tables."""
    style = "font:13px system-ui,sans-serif;line-height:1.4;max-width:100%;overflow-x:auto"
    head = f'<div style="font-weight:600;margin:2px 0 4px">{escape(title)}</div>'
    return f'<div style="{style}" tabindex="0">{head}{"".join(parts)}</div>'


def row(*parts: str) -> str:
    """Parts side by side."""
    style = "display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start;margin:4px 0"
    return f'<div style="{style}">{"".join(parts)}</div>'


def captioned(picture: str, caption: str) -> str:
    """A picture with a line of text below it."""
    return f'<div>{picture}<div style="opacity:0.75;font-size:12px">{escape(caption)}</div></div>'


def note(text: str) -> str:
    """A quiet line of text."""
    return f'<div style="opacity:0.75">{escape(text)}</div>'


def swatch(color: str) -> str:
    """A small square of a colour."""
    return svg(12, 12, [f'<rect width="12" height="12" rx="2" fill="{color}"/>'])


def line(words: Iterable[tuple[str, str]]) -> str:
    """Names with their values, side by side."""
    parts = [f"<span>{escape(name)} <b>{escape(value)}</b></span>" for name, value in words]
    return row(*parts)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers are aligned to the right.

    Examples
    --------
    >>> "&lt;b&gt;" in table(["name"], [["<b>"]])
    True
    """
    cell = f"padding:2px 8px;border-bottom:1px solid {LINE}"
    parts = [f'<th style="{cell};text-align:left">{escape(name)}</th>' for name in head]
    lines = ["<tr>" + "".join(parts) + "</tr>"]
    for values in rows:
        cells = []
        for value in values:
            side = "right" if isinstance(value, int | float) else "left"
            text = value if isinstance(value, str) else number(value)
            cells.append(f'<td style="{cell};text-align:{side}">{escape(text)}</td>')
        lines.append("<tr>" + "".join(cells) + "</tr>")
    style = "border-collapse:collapse;margin:4px 0;background:none"
    return f'<table style="{style}">{"".join(lines)}</table>'


def number(value: object) -> str:
    """A number with few digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def grid(values: Sequence[Sequence[float | None]], *, top: float = 0.0) -> str:
    """Numbers in a matrix as a picture: orange above zero, blue below, nothing for None.

    Parameters
    ----------
    top : float
        The value of the full colour; the largest absolute value if it is 0.
    """
    finite = [abs(v) for line in values for v in line if v is not None and abs(v) < float("inf")]
    top = top or max(finite, default=0.0) or 1.0
    cols = max((len(line) for line in values), default=0)
    wordy = cols <= 7 and len(values) <= 9
    wide, high = (54, 22) if wordy else (max(4, min(14, 150 // max(1, cols))),) * 2
    parts = []
    for i, line in enumerate(values):
        for j, value in enumerate(line):
            if value is None:
                continue
            share = min(1.0, abs(value) / top) if value == value else 0.0
            color = NEGATIVE if value < 0 else POSITIVE
            parts.append(
                f'<rect x="{j * wide}" y="{i * high}" width="{wide}" height="{high}" '
                f'fill="{color}" fill-opacity="{0.7 * share:.2f}" stroke="{LINE}"/>'
            )
            if wordy:
                parts.append(
                    f'<text x="{j * wide + wide - 4}" y="{i * high + 15}" text-anchor="end" '
                    f'font-size="11" fill="currentColor">{value:.3g}</text>'
                )
    return svg(cols * wide + 1, len(values) * high + 1, parts)


def raster(
    points: Mapping[Point, str], size: tuple[int, int], *, scale: float = 0.0, extra: str = ""
) -> str:
    """Coloured spels in a frame, drawn as horizontal runs, more coarsely if there are many.

    Parameters
    ----------
    points : mapping of (row, col) to str
        The colour of each spel.
    size : (rows, cols)
    scale : float
        Length of a spel in the picture; by default the frame is 260 wide or high.
    extra : str
        SVG that is drawn over it, in units of spels.
    """
    rows, cols = size
    scale = scale or 260 / max(rows, cols, 1)
    step = max(1, int(1 / scale))
    while True:
        cells = {(r // step, c // step): color for (r, c), color in points.items()}
        runs = _runs(cells)
        if len(runs) <= MOST_RECTANGLES:
            break
        step *= 2
    parts = [
        f'<rect x="{c * step}" y="{r * step}" width="{n * step}" height="{step}" fill="{color}"/>'
        for r, c, n, color in runs
    ]
    frame = f'<rect width="{cols}" height="{rows}" fill="none" stroke="{LINE}" stroke-width="1" '
    frame += 'vector-effect="non-scaling-stroke"/>'
    wide, high = max(1, round(cols * scale)), max(1, round(rows * scale))
    spels = f'<g shape-rendering="crispEdges">{"".join(parts)}</g>'
    return svg(wide, high, [frame, spels, extra], view=(cols, rows))


def _runs(cells: Mapping[Point, str]) -> list[tuple[int, int, int, str]]:
    """Row, first column, length and colour of each run."""
    runs: list[tuple[int, int, int, str]] = []
    for (r, c), color in sorted(cells.items()):
        if runs and runs[-1][0] == r and sum(runs[-1][1:3]) == c and runs[-1][3] == color:
            runs[-1] = (r, runs[-1][1], runs[-1][2] + 1, color)
        else:
            runs.append((r, c, 1, color))
    return runs


def svg(
    wide: int, high: int, parts: Iterable[str], *, view: tuple[float, float] | None = None
) -> str:
    """An SVG picture."""
    cols, rows = view or (wide, high)
    return (
        f'<svg width="{wide}" height="{high}" viewBox="0 0 {cols} {rows}" '
        f'style="overflow:visible">{"".join(parts)}</svg>'
    )
