"""The rules of what the gate allows: ``quality:`` of a contract, and the shares that a field may have of its own."""

import dataclasses
from typing import TYPE_CHECKING, Any

from lake.contracts import Quality

if TYPE_CHECKING:
    from lake.contract_file import _Checks

# Two readings of one identity are wrong in any lake: that check always holds the run.
MAY_WARN = ("quarantined_share", "completeness", "volume", "null_share", "null_rise", "stuck", "jump")
FIELD_SHARES = ("max_null_share", "max_null_rise", "max_stuck_share", "max_jump_share")
_SHARES = ("completeness", "max_quarantined_share", *FIELD_SHARES)


def read_quality(checks: "_Checks", given: Any) -> Quality:
    if not isinstance(given, dict):
        checks.refuse("quality", "must be a mapping such as {completeness: 0.9}")
    checks.known_keys("quality", given, {f.name for f in dataclasses.fields(Quality)})
    default = Quality()
    values: dict[str, Any] = {key: checks.share(f"quality: {key}", given.get(key, getattr(default, key))) for key in _SHARES}
    factor = checks.number("quality: volume_factor", given.get("volume_factor", default.volume_factor), least=1)
    stuck_after = checks.whole("quality: stuck_after", given.get("stuck_after", default.stuck_after), 2)
    warn = checks.texts("quality: warn", given.get("warn", []))
    for name in warn:
        checks.one_of("quality: warn", name, MAY_WARN)
    empty = [key for key, value in values.items() if value is None and getattr(default, key) is not None]
    if empty:
        checks.refuse(f"quality: {empty[0]}", "must be a share between 0 and 1; remove the key for what is usual")
    return Quality(**values, stuck_after=stuck_after, volume_factor=factor or default.volume_factor, warn=warn)
