"""Where the real data sets lie; tests that need one skip with the reason where it is absent."""

import os
from pathlib import Path

import pytest

_BESIDE_THE_CHECKOUT = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_data(name: str) -> Path:
    """Folder of the data set `name`: under FLEETLAKE_DATA, or in a folder shared/data beside the checkout."""
    folder = Path(os.environ.get("FLEETLAKE_DATA", _BESIDE_THE_CHECKOUT)) / name
    if not folder.is_dir():
        pytest.skip(f"real data set {name} is absent: set FLEETLAKE_DATA to the folder that holds it")
    return folder
