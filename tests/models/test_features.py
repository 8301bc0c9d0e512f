"""What a model sees: regimes, z-scores, and statistics that know nothing of what comes later."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.features import Fitted, fit, matrix
from tests.models.engines import SENSORS, of_cmapss
from tests.real_data import real_data


def rows_of_a_life(values: list[float], device_id: str = "e-1", life: int = 1, setting: list[float] | float = 0.0) -> pd.DataFrame:
    count = len(values)
    numbers = np.arange(1, count + 1)
    return pd.DataFrame(
        {
            "device_id": device_id,
            "life": life,
            "reading_number": numbers,
            "cycle": numbers,
            "setting": setting,
            "heat": values,
            "still": 518.67,
        }
    )


def test_one_regime_gives_z_scores_and_their_level_trend_and_way_from_the_beginning() -> None:
    rows = rows_of_a_life([1.0, 3.0, 5.0, 7.0])
    fitted = fit(rows, ["setting"], ["heat", "still"], "cycle")
    # Mean 4, standard deviation √5: the z-scores are -3/√5, -1/√5, 1/√5, 3/√5. What never moves is left out.
    assert fitted.sensors == ("heat",)
    found = matrix(rows, fitted)
    root = np.sqrt(5)
    assert found.columns.tolist() == ["heat_mean_30", "heat_slope_30", "heat_moved", "cycle"]
    assert found["heat_mean_30"].to_numpy() == pytest.approx([-3 / root, -2 / root, -1 / root, 0.0])
    assert found["heat_slope_30"].to_numpy() == pytest.approx([np.nan, 2 / root, 2 / root, 2 / root], nan_ok=True)
    # With fewer than five readings, the last five and the first twenty are the same ones.
    assert found["heat_moved"].to_numpy() == pytest.approx([0.0] * 4)
    assert found["cycle"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_step_late_in_life_has_moved_by_its_height() -> None:
    rows = rows_of_a_life([0.0] * 25 + [10.0] * 25)
    fitted = fit(rows, ["setting"], ["heat"], "cycle")
    # Half at 0, half at 10: the standard deviation is 5, so the step is 2 high.
    assert matrix(rows, fitted)["heat_moved"].iloc[[24, -1]].to_numpy() == pytest.approx([0.0, 2.0])


def test_settings_in_six_places_are_six_regimes_and_a_sensor_is_judged_within_its_own() -> None:
    places = np.tile([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 40)
    wobble = np.repeat([-1.0, 1.0], 120)
    rows = rows_of_a_life((places * 100 + wobble).tolist(), setting=places.tolist())
    fitted = fit(rows, ["setting"], ["heat"], "cycle")
    assert sorted(center[0] * fitted.scale[0] for center in fitted.centers) == pytest.approx([0, 1, 2, 3, 4, 5])
    assert sorted(mean[0] for mean in fitted.means) == pytest.approx([0, 100, 200, 300, 400, 500])
    assert matrix(rows, fitted)["heat_mean_30"].iloc[[100, 239]].to_numpy() == pytest.approx([-1.0, 1.0])


def test_settings_that_only_shake_are_one_regime() -> None:
    shaking = np.random.default_rng(1).normal(0, 0.002, 400)
    assert len(fit(rows_of_a_life([1.0, 2.0] * 200, setting=shaking.tolist()), ["setting"], ["heat"], "cycle").centers) == 1


def test_what_comes_later_changes_nothing() -> None:
    values = np.random.default_rng(3).normal(size=80).tolist()
    whole, part = rows_of_a_life(values), rows_of_a_life(values[:50])
    fitted = fit(whole, ["setting"], ["heat"], "cycle")
    pd.testing.assert_frame_equal(matrix(whole, fitted).head(50), matrix(part, fitted), check_exact=True)


def test_lives_do_not_touch_and_rows_keep_their_order_and_index() -> None:
    first, second = rows_of_a_life([1.0, 2.0, 4.0]), rows_of_a_life([9.0, 9.5, 11.0], life=2)
    other = rows_of_a_life([5.0, 1.0], device_id="e-2")
    together = pd.concat([second, other, first]).iloc[[4, 0, 7, 2, 5, 1, 3, 6]].set_axis(range(10, 90, 10))
    fitted = fit(together, ["setting"], ["heat"], "cycle")
    found = matrix(together, fitted)
    assert found.index.tolist() == list(range(10, 90, 10))
    alone = pd.concat([matrix(life, fitted) for life in (first, second, other)])
    keyed = pd.concat([first, second, other])[["device_id", "life", "cycle"]].assign(level=alone["heat_mean_30"].to_numpy())
    got = together[["device_id", "life", "cycle"]].assign(found=found["heat_mean_30"].to_numpy()).merge(keyed)
    assert got["found"].tolist() == got["level"].tolist()
    assert len(got) == 8


def test_a_missing_value_is_left_out_of_the_means_and_a_sensor_without_any_is_no_feature() -> None:
    rows = rows_of_a_life([1.0, np.nan, 5.0]).assign(silent=np.nan)
    fitted = fit(rows, ["setting"], ["heat", "silent"], "cycle")
    assert fitted.sensors == ("heat",)
    # Mean 3, standard deviation 2: z-scores -1 and 1.
    assert matrix(rows, fitted)["heat_mean_30"].to_numpy() == pytest.approx([-1.0, -1.0, 0.0])


def test_what_was_fitted_comes_back_from_json() -> None:
    fitted = fit(rows_of_a_life([1.0, 3.0, 5.0]), ["setting"], ["heat"], "cycle")
    assert Fitted.from_json(fitted.as_json()) == fitted


def test_fd002_flies_in_six_regimes_and_fd001_in_one() -> None:
    folder: Path = real_data("cmapss")
    settings = ("altitude_kft", "mach", "throttle_resolver_angle")
    regimes = {
        name: len(fit(of_cmapss(folder / f"train_{name}.parquet", "e"), settings, SENSORS, "cycle").centers) for name in ("FD001", "FD002")
    }
    assert regimes == {"FD001": 1, "FD002": 6}
