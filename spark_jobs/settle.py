"""What a person decides about a held run: accept it, or refuse it. Both leave their reason in ops.publications."""

from lake.contracts import Contract
from lake.publications import Publication, State, note, read_publications
from lake.quarantine import put_quarantined
from lake.reasons import Reason
from lake.tables import bronze, silver
from runtime.errors import UserError
from runtime.log import logger
from spark_jobs import silver as silver_job
from spark_jobs.bronze_plan import read_known
from spark_jobs.conflicts import refused
from spark_jobs.publication import Outcome, heal
from spark_jobs.quality_runs import failed_or_waived
from spark_jobs.session import SparkLake
from spark_jobs.silver import Gate

log = logger("settle")


def accept(lake: SparkLake, contract_name: str, run: str, held: str, why: str, who: str, gate: Gate | None = None) -> Outcome:
    """Publish the held run's objects on today's main, waiving just the checks that failed.

    Raises UserError where `held` is not held or there is no reason, GateFailed where another check fails now.
    """
    contract = lake.contracts.named(contract_name)
    _held(lake, contract, held, why)
    waived = failed_or_waived(lake.platform, held)
    selection = silver_job.Selection(accepts=held, waived=waived, why=why, who=who)
    outcome = silver_job.run(lake, contract.name, run, selection, gate)
    if outcome.run_id is None:
        # Somebody else settled it meanwhile; this says how.
        _held(lake, contract, held, why)
    return outcome


def refuse(lake: SparkLake, contract_name: str, run: str, held: str, why: str, who: str) -> int:
    """Put the held run's readings to quarantine and settle it; how many there were. Raises UserError as `accept` does."""
    contract = lake.contracts.named(contract_name)
    _held(lake, contract, held, why)
    planned = [planned for planned in read_known(lake, contract.name).planned if planned.run_id == held]
    keys = sorted({planned.object for planned in planned})
    readings = silver_job.read_bronze(lake, contract, keys)
    # What came again in another object and is visible by that stays visible, and is not quarantined beside it.
    on_days = silver_job.on_days("event_time", silver_job.touched_days(planned))
    visible = lake.table(silver(contract)).where(on_days).select("event_id", silver_job.values(contract).alias("visible_values"))
    same = (readings["event_id"] == visible["event_id"]) & silver_job.values(contract).eqNullSafe(visible["visible_values"])
    frame = readings.join(visible, on=same, how="left_anti").select(*bronze(contract).column_names)
    rows = [refused(contract, row, Reason.GATE_REFUSED, f"run {held}: {why}", "gate") for row in frame.toArrow().to_pylist()]
    put_quarantined(lake.platform, rows, lake.clock.now(), lake.contracts)
    # Looked at again just before the note: somebody may have accepted it while the readings were read.
    _held(lake, contract, held, why)
    note(lake.platform, lake.clock, held, silver(contract), contract.name, State.REFUSED, why=why, who=who)
    log.info(f"silver.{contract.name}: run {held} refused by {who}; {len(rows)} readings are in quarantine")
    return len(rows)


def _held(lake: SparkLake, contract: Contract, held: str, why: str) -> Publication:
    if not why.strip():
        raise UserError(f"settle run {held}: a reason is needed; give --why")
    heal(lake, silver(contract), contract.name)
    runs = read_publications(lake.platform, silver(contract).name, contract.name)
    found = next((run for run in runs if run.run_id == held), None)
    if found is None:
        waiting = ", ".join(run.run_id for run in runs if run.state is State.HELD) or "none is held"
        raise UserError(f"settle run {held}: silver.{contract.name} has no such run; held: {waiting}")
    if found.state is not State.HELD:
        raise UserError(f"settle run {held}: it is not held but {found.state}")
    return found
