"""What devices send: one YAML file per kind of telemetry, read into frozen values.

`load_contracts` takes a folder whole or not at all; `sound_contracts` goes on without what is wrong, and says so.

A folder holds ``{contract}.yaml``, and, where earlier versions are kept beside it, ``{contract}.v{N}.yaml``; the newest
version counts and must be compatible with those before it. A wrong file is refused with file, field and reason.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from runtime.errors import ContractError, ContractWarning

NUMBERS = ("float64", "int64")
TYPES = (*NUMBERS, "bool", "string")
MAX_STRING = 256


@dataclass(frozen=True)
class Field:
    """One value of a reading. `min` and `max` are inclusive; `stuck_after` and `max_step` are in readings and in the field's unit.

    What the gate allows of it, where it differs from what the contract's `quality` says of all fields: the shares of Quality.
    """

    name: str
    type: str
    unit: str = ""
    description: str = ""
    min: float | None = None
    max: float | None = None
    required: bool = False
    max_length: int = MAX_STRING
    enum: tuple[str, ...] = ()
    may_be_constant: bool = False
    lifetime_counter: bool = False
    stuck_after: int | None = None
    max_step: float | None = None
    max_null_share: float | None = None
    max_null_rise: float | None = None
    max_stuck_share: float | None = None
    max_jump_share: float | None = None

    @property
    def is_number(self) -> bool:
        return self.type in NUMBERS


@dataclass(frozen=True)
class Quality:
    """Thresholds of the gate. Shares are 0..1, of a run's readings; completeness is the least share of expected readings in a closed hour.

    `max_null_share` is of fields that are not required, None where any share may be null; `max_null_rise` is how far their share may
    lie above the median of the 14 days before. The checks that `warn` names are told, and hold no run.
    """

    completeness: float = 0.7
    max_quarantined_share: float = 0.2
    stuck_after: int = 30
    volume_factor: float = 5.0
    max_null_share: float | None = None
    max_null_rise: float = 0.2
    max_stuck_share: float = 0.0
    max_jump_share: float = 0.0
    warn: tuple[str, ...] = ()


@dataclass(frozen=True)
class Downsample:
    """What the time series keeps of readings that are too old for it: statistics of windows, for `keep_days`."""

    every_seconds: int
    keep_days: int


@dataclass(frozen=True)
class Retention:
    """How long the time-series store keeps readings; the lake's own is LakeRetention."""

    keep_days: int
    downsample: Downsample | None = None


_GAP_CADENCES = 1.5


@dataclass(frozen=True)
class LakeRetention:
    """How long the lake keeps what: days, and None for ever. What is quarantined and bronze count from their arrival, rows from their time.

    `history_days`: how far back `as_of` of gold, features and predictions reaches; silver's reaches back as far as its rows.
    """

    bronze_days: int | None = None
    quarantine_days: int | None = None
    silver_days: int | None = None
    gold_days: int | None = None
    features_days: int | None = None
    history_days: int | None = None


@dataclass(frozen=True)
class Contract:
    name: str
    version: int
    kind: str
    description: str
    fields: tuple[Field, ...]
    cadence_seconds: float | None = None
    late_days: int = 7
    unknown_fields: str = "keep"
    quality: Quality = Quality()
    # None: the time-series store keeps everything.
    timeseries: Retention | None = None
    retention: LakeRetention = LakeRetention()
    file: str = ""

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    @property
    def is_measurement(self) -> bool:
        return self.kind == "measurement"

    @property
    def gap_seconds(self) -> float | None:
        """Readings further apart than this have a gap between them: one and a half cadences. None for events."""
        return None if self.cadence_seconds is None else self.cadence_seconds * _GAP_CADENCES

    @property
    def numbers(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.is_number)

    @property
    def bools(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.type == "bool")

    @property
    def strings(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.type == "string")

    @property
    def lifetime_counter(self) -> Field | None:
        return next((field for field in self.fields if field.lifetime_counter), None)


class Contracts(Mapping[str, Contract]):
    """The newest version of each contract, by name; `versions` has the earlier ones too. `wrong` has what cannot be used, and why."""

    def __init__(self, contracts: list[Contract], wrong: Mapping[str, ContractError] | None = None) -> None:
        self.wrong = dict(wrong or {})
        self._versions: dict[str, tuple[Contract, ...]] = {}
        for contract in sorted(contracts, key=lambda c: (c.name, c.version)):
            earlier = self._versions.get(contract.name, ())
            if earlier:
                check_compatible(earlier[-1], contract)
            self._versions[contract.name] = (*earlier, contract)
        for error in shared_tables(self.values()).values():
            raise error

    def __getitem__(self, name: str) -> Contract:
        return self._versions[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)

    def versions(self, name: str) -> tuple[Contract, ...]:
        return self._versions[name]

    def named(self, name: str) -> Contract:
        """The contract `name`, or a ContractError that says what is wrong with its file or lists those there are."""
        if name in self.wrong:
            raise self.wrong[name]
        if name not in self:
            raise ContractError(f"contract {name}: there is none; the folder has {', '.join(self) or 'no contract'}")
        return self[name]


def load_contracts(folder: Path) -> Contracts:
    """All contracts of `folder`. Raises ContractError for the first that is wrong."""
    contracts = _read(folder)
    for error in contracts.wrong.values():
        raise error
    return contracts


def sound_contracts(folder: Path) -> Contracts:
    """The contracts of `folder` but for those that are wrong, with a ContractWarning for each of these.

    A contract is wrong as a whole where one of its versions is. Raises ContractError for a folder that is not there.
    """
    contracts = _read(folder)
    for error in contracts.wrong.values():
        warnings.warn(f"{error}; all else goes on without it", ContractWarning, stacklevel=2)
    return contracts


def _read(folder: Path) -> Contracts:
    if not folder.is_dir():
        raise ContractError(f"contracts: the folder {folder} does not exist; set FLEETLAKE_CONTRACTS_FOLDER")
    wrong: dict[str, ContractError] = {}
    versions: dict[str, list[Contract]] = {}
    # Hidden files are an editor's, not contracts.
    for file in sorted(file for pattern in ("*.yaml", "*.yml") for file in folder.glob(pattern) if not file.name.startswith(".")):
        name = file.name.partition(".")[0]
        try:
            versions.setdefault(name, []).append(load_contract(file))
        except ContractError as error:
            wrong.setdefault(name, error)
    for name in sorted(versions.keys() - wrong.keys()):
        try:
            Contracts(versions[name])
        except ContractError as error:
            wrong[name] = error
    wrong |= shared_tables(found[-1] for name, found in sorted(versions.items()) if name not in wrong)
    return Contracts([contract for name, found in versions.items() if name not in wrong for contract in found], wrong)


def load_contract(file: Path) -> Contract:
    """The contract in `file`. Raises ContractError with file, field and reason."""
    if file.suffix != ".yaml":
        raise ContractError(f"contract {file.name}: only files that end in .yaml are read; call it {file.stem}.yaml")
    # Imported here: the checks are as long as the values, and both stay readable.
    from lake.contract_file import read_contract

    try:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"contract {file.name}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ContractError(f"contract {file.name}: not valid YAML: {' '.join(str(error).split())}") from None
    return read_contract(file.name, document)


def check_compatible(old: Contract, new: Contract) -> None:
    """A new version may add optional fields or widen ranges, lengths and enums; anything else is a new contract.

    Raises ContractError naming the field and the difference.
    """
    # Imported here for the same reason as in load_contract.
    from lake.contract_file import incompatibilities

    differences = incompatibilities(old, new)
    if differences:
        raise ContractError(
            f"contract {new.file or new.name}: version {new.version} does not follow from version {old.version}: "
            f"{'; '.join(differences)}; a new version may only add optional fields or widen ranges: make it a new contract"
        )


def shared_tables(contracts: Iterable[Contract]) -> dict[str, ContractError]:
    """What is wrong with each contract that would have a table of one before it."""
    # Imported here for the same reason as in load_contract.
    from lake import contract_file

    return contract_file.shared_tables(contracts)


# With libyaml a contract is read in a quarter of the time; a PyYAML that was built without it has a parser of its own.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeys(_Loader):  # type: ignore[misc] # its base is Any: which of the two, the installed PyYAML decides
    """YAML's own loader takes the last of two equal keys silently; a contract must not lose a field that way."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)
