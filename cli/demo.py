"""`fleetlake demo`: the whole journey once on simulated devices."""

import time

import typer
from rich.console import Console

from runtime.settings import Settings

app = typer.Typer()

QUESTIONS = (
    "SELECT device_id, count(*) AS readings, max(event_time) AS newest FROM silver.turbofan GROUP BY 1 ORDER BY 1",
    "SELECT p.device_id, score, lower, upper, label FROM gold.predictions p ORDER BY p.at DESC, score LIMIT 10",
    "SELECT reason, count(DISTINCT quarantine_id) AS readings FROM quarantine.turbofan GROUP BY 1 ORDER BY 2 DESC",
)


@app.command()
def demo() -> None:
    """The whole journey once: start, send, process, train, score, verify, report, stop."""
    from cli.verify import law_table
    from local.demo import Demo

    started = time.monotonic()
    console = Console(highlight=False)
    settings = Settings.from_environment()
    told = Demo(settings, console).run(lambda verdict: console.print(law_table(verdict, console.width), soft_wrap=True))
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    console.rule(
        f"[green bold]the law holds over {told.verdict.sent:,} different readings; done in {minutes} min {seconds} s", align="left"
    )
    console.print(f"report   {told.report}", soft_wrap=True, markup=False)
    console.print("go on    .venv/bin/fleetlake up        starts it again and prints the address and login of Airflow", markup=False)
    console.print("ask      with it running or not:", markup=False)
    for question in QUESTIONS:
        console.print(f'         .venv/bin/fleetlake query "{question}"', soft_wrap=True, markup=False)
