"""Pieces that the sections of the report share."""

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup


def chart(frame: pd.DataFrame, draw: Callable[[pd.DataFrame], go.Figure], otherwise: str) -> Markup:
    return html(draw(frame)) if len(frame) else empty(otherwise)


def html(figure: go.Figure) -> Markup:
    # Plotly writes < as \u003c inside its script, so no device id can end it.
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True}))


def empty(sentence: str) -> Markup:
    return Markup('<div class="empty">{}</div>').format(sentence)
