"""The contracts as they lie in the folder now: a new file counts without a restart."""

import os
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
            # Asked at every receive: os.scandir takes a tenth of what paths do.
            with os.scandir(self._folder) as entries:
                files = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".yaml")]
            return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))
        except OSError:
            # A file went away between the list and the look at it; the next look is another.
            return ()
