"""Stage monitoring: the backtest of the lake's own history, with its report and plots. The work is done in `training/`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field, create_model

from veririsk_assets.backtest.setting import Setting, options, setting_of
from veririsk_assets.contracts.pools import POOL_FEATURES, POOL_SNAPSHOTS
from veririsk_assets.contracts.windows import utc
from veririsk_assets.defs.plots import picture_of
from veririsk_assets.defs.resources import HouseResource
from veririsk_assets.defs.stage import OWNERS, key_of

if TYPE_CHECKING:
    from veririsk_assets.pipeline.backtest import Finished

KEY = dg.AssetKey(["monitoring", "backtest_pools"])
NUMBERS = ("within_hour_auc", "ap", "auc", "slope", "ece_to_base", "recall_lead_6")


def _config() -> type[dg.Config]:
    """As `veririsk backtest pools` has it; what is left out keeps its default there."""
    made: dict[str, Any] = {
        name: (list[str], Field(default_factory=list, description=one.metadata["about"]))
        if one.name == "models"
        else (one.type, Field(default=one.default, description=one.metadata["about"]))
        for name, one in options().items()
    }
    span = {"start": "First hour of the history (ISO, UTC); empty: all there is", "end": "Its end, exclusive (ISO, UTC)"}
    made |= {name: (str, Field(default="", description=about)) for name, about in span.items()}
    config: type[dg.Config] = create_model("BacktestConfig", __base__=dg.Config, **made)
    return config


BacktestConfig: Any = _config()


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


def _setting(config: Any) -> Setting:
    try:
        return setting_of({name: getattr(config, name) for name in options()})
    except ValueError as reason:
        raise dg.Failure(str(reason), allow_retries=False) from None


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
