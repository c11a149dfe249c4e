"""The graph, pinned: every asset key, job, schedule, sensor and check, once."""

import inspect
import subprocess
import sys

import dagster as dg
import pytest

from veririsk_assets.contracts.catalogue import TABLES
from veririsk_assets.contracts.raw_protocols import PROTOCOL_PULLS
from veririsk_assets.definitions import defs
from veririsk_assets.pipeline.path import PATH, Late
from veririsk_assets.pipeline.systems import bound

ASSETS = {
    "raw/defillama_pools", "raw/defillama_protocols", "raw/coingecko_markets", "raw/geckoterminal_pools", "raw/thegraph_pairs", "raw/source_status",
    "raw/coingecko_coins", "raw/thegraph_lp_positions", "raw/hyperliquid_markets", "raw/stablecoins", "raw/fear_greed", "raw/eth_gas", "raw/aave_reserves",
    "raw/defillama_volumes", "raw/defillama_tvl_days", "raw/defillama_volume_days", "raw/defillama_chain_tvl_days", "raw/coingecko_tokens",
    "raw/coingecko_coin_days",
    "snapshots/hourly_pools", "features/hourly_pools", "labels/hourly_pools", "models/versions", "models/champions", "models/calibration_shifts",
    "scores/hourly_pools", "explanations/hourly_pools", "scores/hourly_pool_detections",
    "snapshots/daily_protocols", "features/daily_protocols", "labels/daily_protocols", "scores/daily_protocols", "explanations/daily_protocols",
    "published/veririsk",
    "monitoring/shadow_scores", "monitoring/daily_shadow_scores", "monitoring/score_distribution", "monitoring/restatements",
    "monitoring/performance", "monitoring/backtest_pools", "training/promotion",
}  # fmt: skip
HEAVY = ("xgboost", "shap", "mlflow", "statsmodels", "sklearn", "numba", "matplotlib")


def graph() -> dg.RepositoryDefinition:
    return defs.get_repository_def()


def test_every_asset_is_listed_once() -> None:
    keys = [key.to_user_string() for key in graph().asset_graph.get_all_asset_keys()]
    assert sorted(keys) == sorted(ASSETS)


def test_every_job_schedule_and_sensor_is_listed_once() -> None:
    repository = graph()
    assert {job.name for job in repository.get_all_jobs()} == {
        "__ASSET_JOB",
        "hourly_scoring",
        "daily_scoring",
        "daily_learning_of_days",
        "daily_learning",
        "daily_review",
        "weekly_training",
        "backtest",
        "upkeep",
    }
    assert {schedule.name for schedule in repository.schedule_defs} == {
        "hourly",
        "daily",
        "days",
        "days_learning",
        "review",
        "weekly",
        "nightly",
        "monthly",
    }
    assert {sensor.name for sensor in repository.sensor_defs} == {"high_risk"}


JOBS = {
    "daily_learning": {"labels/hourly_pools", "models/calibration_shifts"},
    "daily_scoring": {
        "snapshots/daily_protocols", "features/daily_protocols", "scores/daily_protocols", "explanations/daily_protocols",
        "monitoring/daily_shadow_scores", "monitoring/score_distribution", "monitoring/restatements", "published/veririsk",
    },
    "daily_learning_of_days": {"labels/daily_protocols"},
    "daily_review": {"monitoring/performance"},
    "weekly_training": {"models/versions"},
    "backtest": {"monitoring/backtest_pools"},
    "hourly_scoring": ASSETS
    - {
        "raw/source_status", "labels/hourly_pools", "models/versions", "models/champions", "models/calibration_shifts", "monitoring/performance",
        "monitoring/backtest_pools", "training/promotion", "monitoring/daily_shadow_scores", "monitoring/score_distribution", "monitoring/restatements", "snapshots/daily_protocols", "features/daily_protocols",
        "labels/daily_protocols", "scores/daily_protocols", "explanations/daily_protocols",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", JOBS)
def test_a_job_makes_these_assets(name: str) -> None:
    job = graph().get_job(name)
    assert {key.to_user_string() for key in job.asset_layer.selected_asset_keys} == JOBS[name]


def test_every_step_of_the_path_has_its_function() -> None:
    for step in PATH:
        if isinstance(step.run, Late):
            assert list(inspect.signature(step.run.function()).parameters)[:2] == ["house", "system"], step.run.name
        else:
            assert all(step.table in bound(system).also for system in step.systems)


def test_what_asks_about_the_answers_of_others_waits_for_them() -> None:
    """Without it a run of a day of hours asks nobody's token: no list of protocols is younger than six hours."""
    nodes = {node.key.to_user_string(): node for node in graph().asset_graph.asset_nodes}
    for table in PROTOCOL_PULLS:
        assert dg.AssetKey(["raw", "defillama_protocols"]) in nodes["/".join(table.asset_key)].parent_keys
    assert dg.AssetKey(["raw", "defillama_volumes"]) in nodes["raw/defillama_volume_days"].parent_keys
    assert dg.AssetKey(["raw", "thegraph_pairs"]) in nodes["raw/thegraph_lp_positions"].parent_keys


def test_every_asset_of_a_table_says_what_it_is() -> None:
    nodes = {node.key.to_user_string(): node for node in graph().asset_graph.asset_nodes}
    for table in TABLES:
        node = nodes.get("/".join(table.asset_key))
        if node is None:  # written beside another asset, and said so in its description
            assert table.name in {"pools", "protocols", "hourly_surroundings", "quarantine", "migrations"}
            continue
        assert node.group_name == table.stage
        assert node.owners
        assert node.kinds
        assert table.description in (node.description or "")
        names = [column.name for column in node.metadata["dagster/column_schema"].columns]
        assert names == table.names


def test_hourly_assets_share_one_identity_partitioning() -> None:
    partitioned = [node for node in graph().asset_graph.asset_nodes if node.partitions_def is not None]
    hourly = [node for node in partitioned if isinstance(node.partitions_def, dg.HourlyPartitionsDefinition)]
    assert (len(hourly), len(partitioned) - len(hourly)) == (26, 8)
    for node in partitioned:
        assert node.backfill_policy is not None
        assert node.backfill_policy.policy_type.value == "SINGLE_RUN"


def test_loading_the_definitions_imports_nothing_heavy() -> None:
    code = f"import sys, veririsk_assets.definitions as d; d.defs.get_repository_def(); print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
