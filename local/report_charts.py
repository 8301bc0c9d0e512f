"""The report's pictures: frames in, Plotly figures out."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lake.latency import STAGES, Latency
from models.rul import CAP

INK, FAINT, GRID = "#1f2933", "#7b8794", "#e4e7eb"
PALETTE = ("#2364aa", "#ec7d10", "#3da35d", "#8e5ea2", "#c0392b", "#17a2b8", "#7f6000", "#5f6c7b")
_FONT = "Inter, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def readings_per_hour(frame: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    for color, (contract, rows) in zip(PALETTE, frame.groupby("contract"), strict=False):
        hover = f"{contract}: %{{y:,}} readings<br>%{{x|%d %b %H:00}}<extra></extra>"
        figure.add_bar(x=rows["hour"], y=rows["readings"], name=str(contract), marker_color=color, marker_line_width=0, hovertemplate=hover)
    figure.update_layout(barmode="stack", bargap=0.05)
    return dressed(figure, "", "readings", height=300)


def latency(found: Sequence[Latency]) -> go.Figure:
    """Share of readings against seconds, which span decades."""
    figure = go.Figure()
    for color, one in zip(PALETTE, found, strict=False):
        figure.add_scatter(
            x=[max(seconds, 0.001) for seconds in one.seconds],
            y=one.shares,
            name=STAGES[one.stage],
            line={"color": color, "width": 2.5},
            hovertemplate="%{y:.1%} within %{x:.3g} s<extra>" + STAGES[one.stage] + "</extra>",
        )
    figure.update_xaxes(
        type="log",
        tickvals=[0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 86400],
        ticktext=["1 ms", "10 ms", "0.1 s", "1 s", "10 s", "1 min", "10 min", "1 h", "1 d"],
    )
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    return dressed(figure, "since the device sent it", "share of readings", height=300)


def quarantined(frame: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    order = list(frame.groupby("reason")["readings"].sum().sort_values().index)
    for color, (contract, rows) in zip(PALETTE, frame.groupby("contract"), strict=False):
        hover = "%{x:,} %{y}<extra>" + str(contract) + "</extra>"
        figure.add_bar(x=rows["readings"], y=rows["reason"], name=str(contract), orientation="h", marker_color=color, hovertemplate=hover)
    figure.update_layout(barmode="stack", bargap=0.3)
    figure.update_yaxes(categoryorder="array", categoryarray=order, tickfont={"size": 11})
    return dressed(figure, "readings", "", height=max(240, 28 * len(order) + 110))


def predicted_against_true(frame: pd.DataFrame) -> go.Figure:
    """Both ends capped, as the model is trained; each engine's last prediction stands out."""
    true, score = frame["rul"].clip(upper=CAP), frame["score"].clip(lower=0, upper=CAP)
    figure = go.Figure()
    figure.add_scatter(
        x=[0, CAP], y=[0, CAP], mode="lines", line={"color": FAINT, "dash": "dot", "width": 1.5}, name="as it was", hoverinfo="skip"
    )
    for name, chosen, style in (
        ("on the way", ~frame["is_last"], {"size": 5, "color": "rgba(35,100,170,0.35)"}),
        ("last before the failure", frame["is_last"], {"size": 10, "color": PALETTE[1], "line": {"color": "white", "width": 1}}),
    ):
        rows = frame[chosen]
        figure.add_scatter(
            x=true[chosen],
            y=score[chosen],
            mode="markers",
            name=name,
            marker=style,
            customdata=rows[["device_id", "at", "lower", "upper"]],
            hovertemplate="<b>%{customdata[0]}</b> as of %{customdata[1]}<br>true %{x}, predicted %{y:.0f}"
            "<br>%{customdata[2]:.0f} to %{customdata[3]:.0f}<extra></extra>",
        )
    figure.update_xaxes(autorange="reversed", constrain="domain")
    return dressed(figure, "true cycles left", "predicted cycles left", height=380)


def importance(frame: pd.DataFrame) -> go.Figure:
    rows = frame.iloc[::-1]
    figure = go.Figure(
        go.Bar(x=rows["share"], y=rows["feature"], orientation="h", marker_color=PALETTE[0], hovertemplate="%{y}: %{x:.1%}<extra></extra>")
    )
    figure.update_xaxes(tickformat=".0%")
    figure.update_yaxes(tickfont={"size": 11})
    return dressed(figure, "share of the gain", "", height=380)


def sensors(engines: Sequence[str], names: Sequence[str], units: dict[str, str], readings: pd.DataFrame) -> go.Figure:
    """A small picture for each sensor, a line for each engine over its present life."""
    titles = [name.replace("_", " ") + (f" [{units[name]}]" if units.get(name, "1") != "1" else "") for name in names]
    figure = make_subplots(rows=2, cols=2, subplot_titles=titles, horizontal_spacing=0.07, vertical_spacing=0.14)
    for place, name in enumerate(names):
        for color, engine in zip(PALETTE, engines, strict=False):
            rows = readings[readings["device_id"] == engine]
            figure.add_scatter(
                x=rows["cycle"],
                y=rows[name].rolling(5, min_periods=1).mean(),
                name=engine,
                legendgroup=engine,
                showlegend=place == 0,
                line={"color": color, "width": 2},
                hovertemplate="%{y:.5g} at cycle %{x}<extra>" + engine + "</extra>",
                row=place // 2 + 1,
                col=place % 2 + 1,
            )
    figure.update_annotations(font={"size": 13, "color": INK})
    dressed(figure, None, None, height=560)
    figure.update_xaxes(title_text="cycle", title_font_color=FAINT, row=2)
    # Above the titles of the small pictures, which stand where the legend of a single one does.
    return figure.update_layout(margin_t=70, legend_y=1.09)


def dressed(figure: go.Figure, x_title: str | None, y_title: str | None, height: int) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 34, "b": 10},
        font={"family": _FONT, "size": 12, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"bgcolor": "white", "font_color": INK, "bordercolor": GRID},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0},
        separators=".,",
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, linecolor=GRID, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, linecolor=GRID, automargin=True)
    if x_title is not None:
        figure.update_xaxes(title_text=x_title, title_font_color=FAINT)
        figure.update_yaxes(title_text=y_title, title_font_color=FAINT)
    return figure
