"""docs/architecture.svg, the cloud side drawn from the committed templates: ``python -m infra.drawing``, or `make templates`.

A box is a stack with what it makes; an arrow is something that flows, as the templates say it: a rule's action, a mapping's source, what a
gateway or a schedule calls, what a role may write. Nothing is drawn that no template holds.
"""

import html
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.committed import COMMITTED
from infra.flows import Flow, Node, flows, nodes
from runtime.settings import REPOSITORY

TARGET = REPOSITORY / "docs" / "architecture.svg"
# Where the boxes stand: what comes in from the left, what is kept in the middle, what is made of it at the right.
_GRID = (
    ("IotPocStack", "LakeStack", "AnalyticsStack"),
    ("DeviceShadowStack", "AuthStack", "EcsApiStack"),
    ("FoundationStack", "OtaStack", "MonitoringStack"),
)
_BOX, _GAP, _LINE, _HEAD, _EDGE = 440, 130, 24, 34, 20
_COLOURS = {"carries": "#1f5fa8", "gives up": "#b3541e", "writes": "#3b7a3b", "calls": "#6a4fa3"}


@dataclass(frozen=True)
class _Place:
    x: float
    y: float


def draw(templates: Mapping[str, Mapping[str, object]]) -> str:
    """The picture as SVG text; the same templates give the same picture."""
    shown = nodes(templates)
    places, heights = _laid_out(shown)
    width, height = 3 * _BOX + 2 * _GAP + 2 * _EDGE, sum(heights) + 2 * _EDGE + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height:.0f}" fill="#ffffff"/>',
        "<defs>",
        *(_arrowhead(kind, colour) for kind, colour in _COLOURS.items()),
        "</defs>",
        *_boxes(shown, heights),
        *(_arrow(flow, places) for flow in flows(templates, shown)),
        *_words(shown, places),
        *_legend(height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _laid_out(shown: Mapping[str, list[Node]]) -> tuple[dict[str, _Place], list[float]]:
    """Where each node stands, by its key, and how high each row of boxes is."""
    heights = [max(len(shown.get(stack, ())) for stack in row) * _LINE + _HEAD + 40.0 for row in _GRID]
    places = {}
    for number, row in enumerate(_GRID):
        for column, stack in enumerate(row):
            left, top = _corner(number, column, heights)
            for line, node in enumerate(shown.get(stack, ())):
                places[node.key] = _Place(left + 12, top + _HEAD + line * _LINE)
    return places, heights


def _corner(row: int, column: int, heights: list[float]) -> tuple[float, float]:
    return _EDGE + column * (_BOX + _GAP), _EDGE + sum(heights[:row])


def _boxes(shown: Mapping[str, list[Node]], heights: list[float]) -> Iterator[str]:
    for number, row in enumerate(_GRID):
        for column, stack in enumerate(row):
            left, top = _corner(number, column, heights)
            height = len(shown.get(stack, ())) * _LINE + _HEAD + 10
            yield f'<rect x="{left:.0f}" y="{top:.0f}" width="{_BOX}" height="{height}" rx="6" fill="#f6f7f9" stroke="#8a94a3"/>'
            yield f'<text x="{left + 12:.0f}" y="{top + 21:.0f}" font-size="14" font-weight="bold" fill="#1b2430">{stack}</text>'


def _words(shown: Mapping[str, list[Node]], places: Mapping[str, _Place]) -> Iterator[str]:
    for of_stack in shown.values():
        for node in of_stack:
            place = places[node.key]
            yield (
                f'<rect x="{place.x:.0f}" y="{place.y:.0f}" width="{_BOX - 24}" height="{_LINE - 4}" rx="3" fill="#ffffff" stroke="#c5ccd6"/>'
                f'<text x="{place.x + 8:.0f}" y="{place.y + 14:.0f}" fill="#1b2430">{html.escape(node.label)}'
                f'<tspan fill="#6b7684">  {html.escape(node.kind)}</tspan></text>'
            )


def _arrowhead(kind: str, colour: str) -> str:
    return (
        f'<marker id="{kind.replace(" ", "-")}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{colour}"/></marker>'
    )


def _arrow(flow: Flow, places: Mapping[str, _Place]) -> str:
    begin, end = places[flow.source], places[flow.target]
    middle = _LINE / 2 - 2
    if begin.x == end.x:
        # Within a column: out at the right, and back in.
        x, reach = begin.x + _BOX - 24, 24 + abs(end.y - begin.y) * 0.12
        path = f"M{x:.0f},{begin.y + middle:.0f} C{x + reach:.0f},{begin.y + middle:.0f} {x + reach:.0f},{end.y + middle:.0f} {x:.0f},{end.y + middle:.0f}"
    else:
        goes_right = end.x > begin.x
        out, back = (begin.x + _BOX - 24, end.x) if goes_right else (begin.x, end.x + _BOX - 24)
        bend = 60 if goes_right else -60
        path = f"M{out:.0f},{begin.y + middle:.0f} C{out + bend:.0f},{begin.y + middle:.0f} {back - bend:.0f},{end.y + middle:.0f} {back:.0f},{end.y + middle:.0f}"
    kind = flow.kind.replace(" ", "-")
    return f'<path d="{path}" fill="none" stroke="{_COLOURS[flow.kind]}" stroke-width="1.3" opacity="0.8" marker-end="url(#{kind})"/>'


def _legend(height: float) -> Iterator[str]:
    for number, (kind, colour) in enumerate(_COLOURS.items()):
        x, y = _EDGE + number * 150, height - 30
        yield f'<path d="M{x},{y:.0f} L{x + 36},{y:.0f}" stroke="{colour}" stroke-width="2" marker-end="url(#{kind.replace(" ", "-")})"/>'
        yield f'<text x="{x + 44}" y="{y + 4:.0f}" fill="#1b2430">{kind}</text>'


def main() -> None:
    templates = {file.name.removesuffix(".template.json"): json.loads(file.read_text()) for file in COMMITTED.glob("*.template.json")}
    TARGET.write_text(draw(templates))
    sys.stdout.write(f"{TARGET.relative_to(REPOSITORY)}\n")


if __name__ == "__main__":
    main()
