"""The backtest as an asset: report and plots in its metadata, a refusal that disturbs nobody."""

import base64
from typing import Any

import dagster as dg
import pytest

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.windows import Window
from veririsk_assets.definitions import defs
from veririsk_assets.defs import backtest
from veririsk_assets.features.pools import build_features
from veririsk_assets.pages.backtest import PICTURES
from veririsk_assets.pipeline import backtest_history
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.market import market, market_panels

MODELS = ["ewma_volatility_7d", "volatility_logistic"]
SMALL = {"folds": 1, "test_days": 14, "validation_days": 10, "draws": 20, "pool_groups": 0, "models": MODELS}
LIVED = Window.of("2025-01-01", "2025-03-02")


def judged(instance: dg.DagsterInstance, **config: Any) -> dg.ExecuteInProcessResult:
    run_config = {"ops": {"monitoring__backtest_pools": {"config": config}}}
    return defs.resolve_job_def("backtest").execute_in_process(instance=instance, run_config=run_config, raise_on_error=False)


@pytest.fixture
def lived(house: House) -> House:
    """Two months of 60 pools instead of the house's two days of 8."""
    panel, ether = market_panels(market(pools=60), LIVED)
    features = build_features(panel, ether, LIVED.hours)
    for table, seen in ((pools.POOL_SNAPSHOTS, panel), (pools.POOL_FEATURES, features)):
        house.lake.replace(table, seen.frame("pool_key").assign(source="defillama", is_tombstone=False).reindex(columns=table.names), LIVED)
    return house


def test_a_lived_home_gets_its_report_and_every_plot(lived: House, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest_history, "KEPT", 1)
    for alert_hours in (24.0, 48.0):
        result = judged(instance, **SMALL, end="2025-03-02", alert_hours=alert_hours)
        assert result.success
    metadata = result.get_asset_materialization_events()[0].materialization.metadata
    assert "## Paired gains" in metadata["report"].value and "HIGH 48" in metadata["report"].value
    for name, _ in PICTURES:
        picture = base64.b64decode(metadata[name].value.partition("base64,")[2].rstrip(")"))
        assert picture.startswith(b"\x89PNG")
    assert 0.0 < metadata["crash_24h_volatility_logistic_ap"].value < 1.0
    kept = lived.settings.mode_home / backtest_history.FOLDER
    assert [str(folder) for folder in kept.iterdir()] == [metadata["folder"].value]
    assert {path.name for path in next(kept.iterdir()).iterdir()} >= {"report.json", "report.md", "predictions.parquet", "reliability.png"}


def test_a_history_that_cannot_be_judged_is_said_and_disturbs_nobody(house: House, instance: dg.DagsterInstance) -> None:
    result = judged(instance)
    assert result.success and not result.get_asset_materialization_events()
    said = instance.fetch_observations(backtest.KEY, limit=1).records[0].asset_observation
    assert said is not None and "no label of 24 h has matured" in str(said.metadata["refused"].value)


def test_too_few_events_leave_no_folder_behind(lived: House, instance: dg.DagsterInstance) -> None:
    assert judged(instance, **(SMALL | {"test_days": 3, "validation_days": 2, "end": "2025-02-20"})).success
    said = instance.fetch_observations(backtest.KEY, limit=1).records[0].asset_observation
    assert said is not None and "are needed" in str(said.metadata["refused"].value)
    assert not list((lived.settings.mode_home / backtest_history.FOLDER).iterdir())


@pytest.mark.parametrize(
    ("config", "words"), [({"models": ["crystal_ball"]}, "no model 'crystal_ball'; known: "), ({"horizon": 7}, "there is no horizon of")]
)
def test_a_wrong_setting_fails_with_its_reason(house: House, instance: dg.DagsterInstance, config: dict[str, Any], words: str) -> None:
    result = judged(instance, **config)
    assert not result.success
    assert any(words in str(event.event_specific_data) for event in result.get_step_failure_events())
