"""The quality page's pictures: frames in, Plotly figures out."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from local.report_charts import FAINT, INK, PALETTE, dressed

_COLORS = {"not judged": "#e4e7eb", "passed": "#9bd0ad", "waived": "#b3a1d6", "warned": "#f2c14e", "failed": "#d64545"}
MOST_RUNS = 120
_LABELS = 10


def trend(frame: pd.DataFrame) -> go.Figure:
    """Of the checks of the table what was seen in each run, a small picture each, with what is allowed as a dotted line."""
    of_table = frame[frame["field"].isna() & frame["observed"].notna()]
    names = sorted(of_table["check_name"].unique())
    titles = [name.replace("_", " ") for name in names]
    figure = make_subplots(rows=1, cols=max(1, len(names)), subplot_titles=titles, horizontal_spacing=0.05)
    for place, name in enumerate(names, 1):
        rows = of_table[of_table["check_name"] == name]
        marks = {"size": 7, "color": [_COLORS[status] for status in rows["status"]], "line": {"color": "white", "width": 1}}
        figure.add_scatter(
            x=rows["recorded_at"], y=rows["observed"], mode="lines+markers", marker=marks, line={"color": PALETTE[0], "width": 1.5},
            customdata=rows[["run_id", "status"]], hovertemplate="%{y:.4g}, %{customdata[1]}<br>%{customdata[0]}<extra></extra>",
            showlegend=False, row=1, col=place,
        )  # fmt: skip
        figure.add_scatter(
            x=rows["recorded_at"], y=rows["threshold"], mode="lines", line={"color": FAINT, "dash": "dot", "width": 1.2, "shape": "hv"},
            hovertemplate="allowed %{y:.4g}<extra></extra>", showlegend=False, row=1, col=place,
        )  # fmt: skip
    figure.update_annotations(font={"size": 12, "color": INK})
    # Of a single run Plotly would show a millisecond.
    around = pd.Timedelta(minutes=30)
    figure.update_xaxes(range=[frame["recorded_at"].min() - around, frame["recorded_at"].max() + around], nticks=5, tickangle=0)
    figure.update_yaxes(rangemode="tozero")
    return dressed(figure, None, None, height=210)


def checks(frame: pd.DataFrame) -> go.Figure:
    """A row for each check of each field, a column for each of the newest runs, the colour what came of it."""
    rows = frame.assign(check=_titles(frame), code=[list(_COLORS).index(status) for status in _judged(frame)])
    runs = list(dict.fromkeys(rows["run_id"]))[-MOST_RUNS:]
    rows = rows[rows["run_id"].isin(runs)].drop_duplicates(["check", "run_id"], keep="last")
    code, words = (rows.pivot(index="check", columns="run_id", values=column).reindex(columns=runs) for column in ("code", "sentence"))
    when = rows.groupby("run_id")["recorded_at"].max()
    figure = go.Figure(
        go.Heatmap(
            z=code.to_numpy(), x=runs, y=list(code.index), xgap=1, ygap=1,
            colorscale=_scale(), zmin=-0.5, zmax=len(_COLORS) - 0.5, showscale=False, customdata=_hover(runs, when, words),
            hovertemplate="%{y}<br>%{x}, %{customdata[0]}<br>%{customdata[1]}<extra></extra>",
        )
    )  # fmt: skip
    for name, color in _COLORS.items():
        figure.add_scatter(x=[None], y=[None], mode="markers", marker={"symbol": "square", "size": 10, "color": color}, name=name)
    figure.update_yaxes(autorange="reversed", tickfont={"size": 10}, showgrid=False)
    # By their ids, for two runs may be of one second.
    labelled = runs[:: max(1, len(runs) // _LABELS)]
    ticks = [f"{when[run]:%d %b %H:%M}" for run in labelled]
    figure.update_xaxes(type="category", tickvals=labelled, ticktext=ticks, showgrid=False, tickangle=0)
    return dressed(figure, None, None, height=max(220, 15 * len(code) + 90))


def _scale() -> list[tuple[float, str]]:
    """A colour for each code and nothing between. Plotly takes a scale of its own, and says nothing, where a stop lies before the last."""
    stops = [(place / len(_COLORS), (place + 1) / len(_COLORS), color) for place, color in enumerate(_COLORS.values())]
    return [stop for begins, ends, color in stops for stop in ((begins, color), (ends, color))]


def _titles(frame: pd.DataFrame) -> list[str]:
    return [
        name.replace("_", " ") + (f" of {field}" if isinstance(field, str) else "")
        for name, field in zip(frame["check_name"], frame["field"], strict=True)
    ]


def _judged(frame: pd.DataFrame) -> list[str]:
    """A check that had nothing to look at passes; a reader must not take that for a sound fleet."""
    return [
        "not judged" if status == "passed" and pd.isna(observed) else str(status)
        for status, observed in zip(frame["status"], frame["observed"], strict=True)
    ]


def _hover(runs: list[str], when: pd.Series, words: pd.DataFrame) -> list[list[tuple[str, str]]]:
    return [[(f"{when[run]:%Y-%m-%d %H:%M:%S}", str(row[run])) for run in runs] for _, row in words.iterrows()]
