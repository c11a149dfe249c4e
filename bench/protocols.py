"""The protocol indicators against pandas groupby and polars, and a day scored with reasons: one run, the same data, results kept.

    python -m bench.protocols [PROTOCOLS] [DAYS]

The peers compute the eight indicators that are a window or a shift; ours are all thirty features, slopes, falls and ranks among
them. Everybody starts from data in memory. Exits with 1 where somebody disagrees with pandas.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from bench.features import Times, timed
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.protocol_features import FEATURE_NAMES, INPUTS, LOOKBACK_DAYS, MONTH, WEEK
from veririsk_assets.contracts.windows import DAY_HOURS, Window
from veririsk_assets.features.protocols import build_features

PROTOCOLS, DAYS = 6_000, 5 * 365
NEEDED = int(np.ceil(0.9 * MONTH))
BOTH = (
    "tvl_vol_30",
    "price_vol_30",
    "volume_vol_30",
    "mc_vol_30",
    "tvl_trend_7",
    "price_momentum",
    "liquidity_ratio_30",
    "volume_consistency",
)
VOLATILE = {"tvl_vol_30": "tvl_usd", "price_vol_30": "price_usd", "volume_vol_30": "volume_usd", "mc_vol_30": "market_cap_usd"}
TRENDS = {"tvl_trend_7": "tvl_usd", "price_momentum": "price_usd"}


def walks(protocols: int, days: int) -> Panel:
    """Random walks without gaps: what a known share of days means is each one's own."""
    rng = np.random.default_rng(7)
    values = {
        name: np.exp(16 + np.cumsum(rng.standard_normal((days, protocols), dtype=np.float32) * np.float32(size), axis=0))
        for name, size in (("tvl_usd", 0.04), ("price_usd", 0.05), ("market_cap_usd", 0.05))
    }
    values["volume_usd"] = values["tvl_usd"] * np.exp(0.3 * rng.standard_normal((days, protocols), dtype=np.float32) - 3)
    values["input_age_hours"] = np.full((days, protocols), 1.0)
    window = Window.ending("2026-03-31", days, DAY_HOURS)
    return Panel(window, np.arange(protocols), {name: values[name].astype(np.float32) for name in INPUTS})


def groupby(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    key = rows["key"]

    def window(x: pd.Series, what: str) -> np.ndarray:
        return getattr(x.groupby(key, sort=False).rolling(MONTH, NEEDED), what)().to_numpy()

    found = {}
    for name, of in VOLATILE.items():
        daily = np.log(rows[of] / rows[of].groupby(key, sort=False).shift(1))
        found[name] = window(daily, "std")
    for name, of in TRENDS.items():
        found[name] = (rows[of] / rows[of].groupby(key, sort=False).shift(WEEK) - 1).to_numpy()
    found["liquidity_ratio_30"] = window(rows["volume_usd"] / rows["tvl_usd"], "mean")
    found["volume_consistency"] = window(rows["volume_usd"], "mean") / window(rows["volume_usd"], "std")
    return found


def with_polars(rows: Any) -> dict[str, np.ndarray]:
    import polars as pl

    def window(x: Any, what: str) -> Any:
        return getattr(x, f"rolling_{what}")(MONTH, min_samples=NEEDED).over("key")

    daily = {f"daily_{of}": (pl.col(of) / pl.col(of).shift(1).over("key")).log() for of in VOLATILE.values()}
    volume = pl.col("volume_usd")
    done = rows.lazy().with_columns(**daily, turnover=volume / pl.col("tvl_usd")).select(
        **{name: window(pl.col(f"daily_{of}"), "std") for name, of in VOLATILE.items()},
        **{name: pl.col(of) / pl.col(of).shift(WEEK).over("key") - 1 for name, of in TRENDS.items()},
        liquidity_ratio_30=window(pl.col("turnover"), "mean"),
        volume_consistency=window(volume, "mean") / window(volume, "std"),
    ).collect()  # fmt: skip
    return {name: done[name].to_numpy() for name in BOTH}


def on_days(found: dict[str, np.ndarray], shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Rows protocol by protocol → days × protocols, of days whose whole look-back is there."""
    days, protocols = shape
    return {name: column.reshape(protocols, days).T[LOOKBACK_DAYS:] for name, column in found.items()}


def agree(expected: dict[str, np.ndarray], found: dict[str, np.ndarray], who: str) -> bool:
    apart = {name: float(np.nanmax(np.abs(expected[name] - found[name]) / (1e-4 + 2e-3 * np.abs(expected[name])))) for name in BOTH}
    worst = max(apart, key=lambda name: apart[name])
    if apart[worst] > 1:
        print(f"{who}: {worst} differs from pandas")
    return apart[worst] <= 1


def day_scored(panel: Panel) -> Callable[[], object]:
    """A day's features, scores and their five reasons in words, by a booster of the catalogue's own size."""
    from veririsk_assets.models.artefact import ServedModel
    from veririsk_assets.models.calibration import calibrate
    from veririsk_assets.models.catalogue.protocols import CATALOGUE
    from veririsk_assets.models.score_map import SURE, ScoreMap
    from veririsk_assets.scoring.explain import Words, explain
    from veririsk_assets.scoring.phrases.protocols import PHRASES

    entry, rng = CATALOGUE.entries["gradient_boosting"], np.random.default_rng(3)
    last = build_features(panel, panel, 20)
    x = np.column_stack([last[name].ravel() for name in entry.features])
    y, half = (x[:, 0] * np.exp(0.3 * rng.standard_normal(len(x))) > np.nanmedian(x[:, 0])).astype(np.float64), len(x) // 2
    model = entry.make().fit(x[:half], y[:half], (x[half:], y[half:]))
    usual = np.nanquantile(x, (0.05, 0.95), axis=0)
    served = ServedModel("gradient_boosting", 168, entry.features, model, calibrate(model.margin(x), y), ScoreMap(0.1, 0.2, SURE), *usual)

    def work() -> object:
        day = build_features(panel.tail(min(LOOKBACK_DAYS + 1, panel.window.steps)), panel, 1)
        columns = {name: day[name][0] for name in entry.features}
        return explain(columns, served, served.margin(served.matrix(columns)), 168, Words(PHRASES, "crash"))

    return work


def main(protocols: int = PROTOCOLS, days: int = DAYS) -> int:
    import polars as pl

    panel = walks(protocols, days)
    rows = pd.DataFrame({"key": np.repeat(panel.keys, days)} | {name: panel[name].T.ravel().astype(np.float64) for name in INPUTS[:-1]})
    frame, seconds = pl.from_pandas(rows), Times()
    build_features(panel.tail(min(days, LOOKBACK_DAYS + 2)), panel, 1)  # compiled
    ours = timed(seconds, "ours, 30 features", lambda: build_features(panel, panel, days), 2)
    polars = on_days(timed(seconds, "polars, 8", lambda: with_polars(frame)), panel.shape)
    pandas = on_days(timed(seconds, "pandas groupby, 8", lambda: groupby(rows)), panel.shape)
    timed(seconds, "ours, one day with reasons", day_scored(panel), 2)
    is_right = agree(pandas, {name: ours[name][LOOKBACK_DAYS:] for name in BOTH}, "ours") & agree(pandas, polars, "polars")
    print(f"{protocols:,} protocols, {days:,} days, {len(FEATURE_NAMES)} features")
    for name, (wall, processor) in seconds.items():
        print(f"{name:>28} {wall:8.2f} s {processor:8.2f} s of processors  {wall / seconds['ours, 30 features'][0]:7.2f} ×")
    print("all agree with pandas" if is_right else "NOT ALL AGREE")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
