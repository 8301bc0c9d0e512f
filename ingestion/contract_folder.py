"""The contracts as they lie in the folder now: a new file counts without a restart."""

from pathlib import Path

from lake.contracts import Contracts, load_contracts
from runtime.errors import ContractError
from runtime.log import logger

log = logger("contracts")


class ContractFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = self._stamp()
        self._contracts = load_contracts(folder)

    def contracts(self) -> Contracts:
        """The newest contracts that load; a file that is wrong is said once, and what was there before goes on."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._contracts = load_contracts(self._folder)
                log.info(f"contracts read again: {', '.join(self._contracts)}")
            except (ContractError, OSError) as error:
                log.error(f"contracts are not read again: {error}")
        return self._contracts

    def _stamp(self) -> tuple[tuple[str, int, int], ...]:
        try:
            files = sorted(self._folder.glob("*.yaml"))
            return tuple((file.name, stat.st_mtime_ns, stat.st_size) for file in files for stat in [file.stat()])
        except OSError:
            # A file went away between the list and the look at it; the next look is another.
            return ()
