"""Stage monitoring: the backtest of the lake's own history, with its report and plots. The work is done in `training/`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from veririsk_assets.contracts.pools import POOL_FEATURES, POOL_SNAPSHOTS
from veririsk_assets.contracts.vocabulary import HORIZONS
from veririsk_assets.contracts.windows import utc
from veririsk_assets.defs.plots import picture_of
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.stage import OWNERS, key_of

if TYPE_CHECKING:
    from veririsk_assets.pipeline.backtest import Finished

KEY = dg.AssetKey(["monitoring", "backtest_pools"])
NUMBERS = ("ap", "auc", "ece", "recall_lead_6")


class BacktestConfig(dg.Config):
    """As `veririsk backtest pools` has it; what is left out keeps its default there.

    `start` and `end` bound the history (ISO, UTC), empty: all there is. `alert_hours`: HIGH budget per pool-month.
    """

    label: str = "crash"
    horizon: int = 24
    folds: int = 4
    test_days: int | None = None
    validation_days: int | None = None
    alert_hours: float | None = None
    models: list[str] = Field(default_factory=list)
    min_tvl: float | None = None
    draws: int | None = None
    pool_groups: int | None = None
    start: str = ""
    end: str = ""


@dg.asset(
    key=KEY,
    group_name="monitoring",
    owners=OWNERS,
    kinds={"python", "xgboost"},
    description=(
        "Walk-forward backtest of every model on the lake's own history: the same rows for all, report and plots. "
        "The files stay in backtests/ of the home. A history that cannot be judged honestly gives an observation "
        "with the reason, and no materialization: the run succeeds."
    ),
    deps=[key_of(POOL_SNAPSHOTS), key_of(POOL_FEATURES)],
    output_required=False,
)
def backtest_pools(context: dg.AssetExecutionContext, config: BacktestConfig, house: HouseResource) -> Iterator[dg.MaterializeResult]:
    from veririsk_assets.evaluation.splits import CannotBeHonest
    from veririsk_assets.pipeline.backtest_history import judge_history
    from veririsk_assets.training.datasets import CannotTrain

    setting = _setting(config)
    span = (utc(config.start) if config.start else None, utc(config.end) if config.end else None)
    try:
        done = judge_history(house.open(context.run.run_id), setting, *span, progress=context.log.info)
    except (CannotBeHonest, CannotTrain) as reason:
        context.log.warning(f"no backtest: {reason}")
        context.log_event(dg.AssetObservation(asset_key=KEY, metadata={"refused": str(reason)}))
        return
    yield dg.MaterializeResult(metadata=_metadata(done))


def _setting(config: BacktestConfig) -> Any:
    from veririsk_assets.backtest.fit import HERE
    from veririsk_assets.backtest.setting import Setting, resized
    from veririsk_assets.models.catalogue.pools import ENTRIES

    if config.horizon not in HORIZONS:
        raise dg.Failure(f"a horizon is one of {HORIZONS}, got {config.horizon}", allow_retries=False)
    for name in config.models:
        if name not in ENTRIES and name not in HERE:
            raise dg.Failure(f"no model {name!r}; known: {', '.join((*ENTRIES, *HERE))}", allow_retries=False)
    return resized(
        Setting(label=config.label, horizon_hours=config.horizon, folds=config.folds),
        test_days=config.test_days, validation_days=config.validation_days, high_alert_hours=config.alert_hours,
        models=tuple(config.models), min_tvl_usd=config.min_tvl, draws=config.draws, pool_groups=config.pool_groups,
    )  # fmt: skip


def _metadata(done: "Finished") -> dict[str, Any]:
    """The report and every plot as they are, and the few numbers that one would follow from month to month."""
    from veririsk_assets.pages.backtest import PICTURES, report_page

    data, followed = done.report["data"], _followed(done.report)
    about = {name: data[name] for name in ("test_rows", "pools", "base_rate", "sha256", "lake_snapshot_id", "git_revision")}
    return {
        "folder": dg.MetadataValue.path(done.folder),
        "report": dg.MetadataValue.md(report_page(done.report, pictures=False)),
        **{name: picture_of(done.folder / f"{name}.png") for name, _ in PICTURES},
        **followed,
        **{name: value for name, value in about.items() if value is not None},
    }


def _followed(report: dict[str, Any]) -> dict[str, float]:
    from veririsk_assets.models.catalogue.pools import CHAMPION_CANDIDATE, FLOOR

    what = f"{report['settings']['label']}_{report['settings']['horizon_hours']}h"
    values = {
        f"{what}_{model}_{metric}": report["results"][model]["all"].get(metric, {}).get("value")
        for model in (CHAMPION_CANDIDATE, FLOOR, "ewma_volatility_7d")
        if model in report["results"]
        for metric in NUMBERS
    }
    return {name: float(value) for name, value in values.items() if value is not None}


ASSETS: list[dg.AssetsDefinition] = [backtest_pools]
