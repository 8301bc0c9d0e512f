"""The page's picture: bars as SVG, drawn from the table that the page has. Plain text, so that a change of it can be read."""

import re
from dataclasses import dataclass
from html import escape

from benchmarks.page import first_table

_INK, _FAINT, _GRID = "#1f2933", "#7b8794", "#e4e7eb"
_OURS, _EXACT, _INEXACT = "#2364aa", "#8fa3b8", "#dde3ea"
_WIDTH, _LABELS, _BAR, _GAP, _TOP = 920, 330, 18, 8, 64
_FONT = "Inter, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    is_exact: bool

    @property
    def color(self) -> str:
        return _OURS if self.label == "fleetlake" else _EXACT if self.is_exact else _INEXACT


def bars(text: str, column: str) -> list[Bar]:
    """A column of the first table in `text`, cheapest first."""
    head, rows = first_table(text)
    place = head.index(column)
    found = []
    for row in rows:
        number = re.match(r"[\d.]+", row[place])
        if number:
            found.append(Bar(row[0], float(number[0]), "not exact" not in row[place]))
    return sorted(found, key=lambda bar: bar.value)


def svg(title: str, panels: dict[str, list[Bar]]) -> str:
    """A panel of bars below the other, all on one scale."""
    most = max(bar.value for panel in panels.values() for bar in panel)
    scale = (_WIDTH - _LABELS - 150) / most
    parts, y = [_text(16, 30, title, 17, _INK, weight=600)], _TOP
    for name, panel in panels.items():
        parts.append(_text(16, y, name, 13, _FAINT))
        y += 12
        for bar in panel:
            width = max(1.0, bar.value * scale)
            note = f"{bar.value:.1f}" + ("" if bar.is_exact else "  not exact")
            weight = 600 if bar.label == "fleetlake" else 400
            parts += [
                _text(_LABELS - 10, y + 13, bar.label, 12, _INK, anchor="end", weight=weight),
                f'<rect x="{_LABELS}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2" fill="{bar.color}"/>',
                _text(_LABELS + width + 6, y + 13, note, 12, _INK if bar.is_exact else _FAINT, weight=weight),
            ]
            y += _BAR + _GAP
        parts.append(f'<line x1="{_LABELS}" x2="{_LABELS}" y1="{y - len(panel) * (_BAR + _GAP) - 4}" y2="{y - 4}" stroke="{_GRID}"/>')
        y += 28
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}" font-family="{_FONT}">'
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{y}" fill="white"/>', *parts, "</svg>", ""])


def _text(x: float, y: float, words: str, size: int, color: str, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.0f}" y="{y}" font-size="{size}" fill="{color}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'
    )


def of_decode(text: str) -> str:
    """The picture of what `python -m benchmarks.decode` printed."""
    panels = {f"packs of 250, {name}": bars(text, f"250 a pack, {share} dirt") for name, share in (("clean", "0%"), ("1 % dirty", "1%"))}
    return svg("From the queue's text to Parquet: CPU µs a reading", panels)
