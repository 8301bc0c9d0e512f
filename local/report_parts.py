"""Pieces that the pages and their sections share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from runtime.errors import UserError

_FOLDER = jinja2.FileSystemLoader(Path(__file__).parent)


def render_page(template: str, **facts: Any) -> str:
    """A template of this folder as one self-contained page."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, loader=_FOLDER)
    return environment.get_template(template).render(plotly_js=Markup(get_plotlyjs()), **facts)


def write_page(target: Path, text: str) -> Path:
    """Raises UserError where it cannot be written."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"page {target}: cannot be written: {error.strerror}") from None
    return target


def chart(frame: pd.DataFrame, draw: Callable[[pd.DataFrame], go.Figure], otherwise: str) -> Markup:
    return html(draw(frame)) if len(frame) else empty(otherwise)


def html(figure: go.Figure) -> Markup:
    # Plotly writes < as \u003c inside its script, so no device id can end it.
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True}))


def empty(sentence: str) -> Markup:
    return Markup('<div class="empty">{}</div>').format(sentence)
