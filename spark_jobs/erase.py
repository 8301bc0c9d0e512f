"""One device erased from the lake and its history, with a proof that knows it by a salted hash.

    begun         a row in ops.maintenance with the hash: from here on the law calls its readings erased
    models        versions that learnt from it are marked
    queues        its waiting messages and dead letters are deleted
    objects       bronze, quarantine and the notes of replays are written anew without it
    tables        silver before what is derived from it, so that nothing is made of it again; named snapshots; history; files
    operation     its name is struck from the sentences and samples of ops
    time series   its points are deleted
    done          a row that says so

Each step finds for itself what is left to do, so that an erasure that was interrupted is run again; the same hash goes on. It is
done only when no file is left that somebody may be writing from before it began. A device that still sends sends new readings.
"""

import dataclasses
from dataclasses import dataclass, field

from lake import erasure_objects
from lake.contracts import Contract
from lake.erased_device import Device
from lake.erasure_queues import erase_queued
from lake.maintenance import Action, Proof, Subject, Verdict, read_proofs, record, subject_of
from lake.tables import SHARED_TABLES, Table, contract_tables
from models import erasure as erased_models
from runtime.errors import RetryLater, UserError
from runtime.log import logger
from spark_jobs.erase_operation import rows_naming, strike_all
from spark_jobs.erase_tables import erase_rows, forget, holding, remake_named, remove_unknown
from spark_jobs.evolution import evolve
from spark_jobs.session import SparkLake, prepare_tables

EVERYWHERE = "the lake"
log = logger("erase")


@dataclass
class _Work:
    lake: SparkLake
    device: Device
    run: str
    subject: Subject
    why: str
    who: str
    done: list[str] = field(default_factory=list)

    def note(self, place: str, verdict: Verdict, detail: str) -> None:
        proof = Proof(self.run, Action.ERASE, place, verdict, detail=detail, why=self.why, who=self.who)
        known = dataclasses.replace(proof, subject=self.subject.hash, salt=self.subject.salt)
        record(self.lake.platform, self.lake.clock, known)

    def say(self, sentence: str) -> None:
        log.info(sentence)
        self.done.append(sentence)


def run(lake: SparkLake, device_id: str, run: str, why: str, who: str, dry_run: bool = False, queues: bool = True) -> list[str]:
    """Erase the device; what was done, in words that do not name it. `queues`: whether there are queues to ask.

    Raises UserError without a device or a reason, ProofFailed where another row would be another, RetryLater where it is to be
    run again.
    """
    device = Device(device_id)
    if not device_id.strip():
        raise UserError("erase: there is no device; name one")
    if dry_run:
        return _would(lake, device)
    if not why.strip() or device.is_named_in(why):
        raise UserError("erase: give a reason that does not name the device: it is kept with the proof")
    lake.open()
    work = _Work(lake, device, run, _subject(lake, device_id), why, who)
    work.note(EVERYWHERE, Verdict.BEGUN, "erasure begun")
    lake.boundary("begun")
    _models(work)
    if queues:
        _queues(work)
    found = _objects(work)
    left = _tables(work, found)
    _operation(work)
    _time_series(work)
    if left:
        raise RetryLater(f"erase: {left} files that a job may still be writing may hold the device; run the same command again in an hour")
    work.note(EVERYWHERE, Verdict.DONE, "; ".join(work.done) or "nothing of the device was there")
    log.info("erase: done; " + ("; ".join(work.done) or "nothing of the device was there"))
    return work.done


def _subject(lake: SparkLake, device_id: str) -> Subject:
    """That of an erasure of this device that was not ended, or a new one."""
    begun, done = dict[str, Subject](), set[str]()
    for proof in read_proofs(lake.platform, Action.ERASE):
        subject = subject_of(proof)
        if subject is not None and proof.table_name == EVERYWHERE:
            begun[subject.hash] = subject
            done |= {subject.hash} if proof.verdict is Verdict.DONE else set()
    unfinished = (subject for key, subject in begun.items() if key not in done)
    return next((subject for subject in unfinished if subject.is_of(device_id)), None) or Subject.new(device_id)


def _models(work: _Work) -> None:
    marked = erased_models.mark(work.lake.platform, work.lake.clock, work.device, work.subject.hash)
    struck = erased_models.strike(work.lake.platform, work.device)
    if marked:
        work.say(f"models that learnt from it, marked: {', '.join(marked)}; {struck} files of their predictions rewritten")
    work.lake.boundary("models")


def _queues(work: _Work) -> None:
    for looked in erase_queued(work.lake.platform, work.device):
        if looked.deleted:
            work.say(f"queue {looked.queue}: {looked.deleted} of {looked.seen} messages")
        if looked.unseen:
            work.say(
                f"queue {looked.queue}: {looked.unseen} messages are in somebody's hand; if they are the device's, they are new readings"
            )
    work.lake.boundary("queues")


def _objects(work: _Work) -> set[str]:
    """The contracts whose bronze held the device."""
    lake, found = work.lake, set[str]()
    for contract in lake.contracts.values():
        gone = erasure_objects.erase_bronze(lake.platform, contract, work.device, lake.boundary)
        if gone.objects:
            found.add(contract.name)
            work.note(
                f"bronze.{contract.name}", Verdict.HOLDS, f"{gone.objects} objects rewritten, {gone.rows} rows gone, {gone.left} stay"
            )
            work.say(f"bronze.{contract.name}: {gone.rows} rows of {gone.objects} objects")
    lake.boundary("bronze")
    refused, notes = erasure_objects.erase_refused(lake.platform, work.device)
    for place, gone in (("quarantine", refused), ("replayed", notes)):
        if gone.objects:
            work.note(place, Verdict.HOLDS, f"{gone.objects} objects rewritten, {gone.rows} rows gone, {gone.left} stay")
            work.say(f"{place}: {gone.rows} rows of {gone.objects} objects")
    lake.boundary("objects")
    return found


def _tables(work: _Work, found: set[str]) -> int:
    """Of a contract that the device never sent by, no table is touched. Files that may hold it and may be in work."""
    lake, tables = work.lake, list[Table]()
    for contract in lake.contracts.values():
        prepare_tables(lake.platform, contract)
        evolve(lake, contract)
        own = contract_tables(contract)
        tables += own
        holds = {table.name: holding(lake, table, work.device) for table in own}
        if contract.name in found or any(holds.values()):
            found.add(contract.name)
            # Silver is the first of them; what is derived from it follows.
            for table in own:
                _erase_from(work, table, holds[table.name])
    for table in SHARED_TABLES:
        files = holding(lake, table, work.device)
        if found or files:
            _erase_from(work, table, files)
    return sum(len(remove_unknown(lake, table, work.device)) for table in (*tables, *SHARED_TABLES))


def _erase_from(work: _Work, table: Table, files: set[str]) -> None:
    lake = work.lake
    erase_rows(lake, table, work.device, work.run, files)
    lake.boundary(f"erased:{table.name}")
    # Asked again: what was published until then is history now.
    files = files | holding(lake, table, work.device)
    names = remake_named(lake, table, work.device, work.run, files)
    lake.boundary(f"named:{table.name}")
    snapshots = forget(lake, table, work.run, files)
    lake.boundary(f"forgotten:{table.name}")
    if files:
        again = f"; made again: {', '.join(names)}" if names else ""
        work.say(f"{table.name}: {len(files)} files, {snapshots} snapshots{again}")


def _operation(work: _Work) -> None:
    for name, rows in strike_all(work.lake, work.device, work.run).items():
        if rows:
            work.say(f"{name}: its name struck from {rows} rows")
    work.lake.boundary("operation")


def _time_series(work: _Work) -> None:
    store = work.lake.platform.time_series()
    if store.can_erase:
        store.erase(work.device.id)
    else:
        work.say("time series: the store deletes nothing; it keeps the device's points until their retention ends")
    work.lake.boundary("time series")


def _would(lake: SparkLake, device: Device) -> list[str]:
    """Where the device is, without changing anything. Queues are not looked into: to look is to receive."""
    lake.open()
    said = []
    for contract in lake.contracts.values():
        said += _found_in(lake, contract, device)
    for table in SHARED_TABLES:
        files = holding(lake, table, device)
        said += [f"{table.name}: {len(files)} files"] if files else []
    refused = erasure_objects.refused_rows(lake.platform, device)
    said += [f"quarantine: {refused} rows"] if refused else []
    said += [f"{name}: {rows} rows name it" for name, rows in rows_naming(lake, device).items()]
    nowhere = "no bronze object, no table, no row of quarantine and no word of the tables of operation"
    log.info("the device is in " + ("; ".join(said) if said else nowhere) + "; queues and the time series were not asked")
    return said


def _found_in(lake: SparkLake, contract: Contract, device: Device) -> list[str]:
    prepare_tables(lake.platform, contract)
    said = [f"bronze.{contract.name}"] if erasure_objects.holds_in_bronze(lake.platform, contract, device) else []
    for table in contract_tables(contract):
        files = holding(lake, table, device)
        said += [f"{table.name}: {len(files)} files"] if files else []
    return said
