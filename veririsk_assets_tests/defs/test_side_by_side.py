"""In live mode a run asks all its hosts in one pass, and each raw asset still works alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from veririsk_assets.contracts import raw
from veririsk_assets.contracts.windows import HOUR, floor_hour
from veririsk_assets.definitions import defs
from veririsk_assets.defs import resources
from veririsk_assets.defs.partitions import partition_key
from veririsk_assets.defs.stage import key_of
from veririsk_assets.pipeline.known import pulls
from veririsk_assets.pipeline.step import StepResult

KEPT = {"pulled": False, "rows_kept": 1, "outcomes": {"kept": 1}, "reason": ""}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The passes and single pulls of a live home, none of which goes over a network."""
    seen: list[tuple[str, list[str]]] = []

    def pass_of(*_: Any, endpoints: Any) -> dict[str, StepResult]:
        seen.append(("pass", sorted(each.table.name for each in endpoints)))
        return {each.table.name: StepResult(metadata=dict(KEPT)) for each in endpoints}

    def alone(_: Any, endpoint: Any, *__: Any) -> StepResult:
        seen.append(("alone", [endpoint.table.name]))
        return StepResult(metadata=dict(KEPT))

    monkeypatch.setenv("VERIRISK_HOME", str(tmp_path))
    monkeypatch.setenv("VERIRISK_SOURCE", "live")
    monkeypatch.setattr(pulls, "pull_all", pass_of)
    monkeypatch.setattr(pulls, "pull", alone)
    return seen


def run(instance: dg.DagsterInstance, *tables: Any, config: dict[str, Any] | None = None) -> bool:
    hour = floor_hour(datetime.now(UTC)) - HOUR
    done = defs.resolve_job_def("hourly_scoring").execute_in_process(
        instance=instance, partition_key=partition_key(hour), asset_selection=[key_of(table) for table in tables], run_config=config
    )
    resources._outside.cache_clear()
    resources._house.cache_clear()
    return done.success


def test_the_first_raw_asset_of_a_run_asks_for_all_that_the_run_makes(asked: list[Any], instance: dg.DagsterInstance) -> None:
    assert run(instance, raw.COINGECKO_MARKETS, raw.DEFILLAMA_POOLS, raw.AAVE_RESERVES)
    assert asked == [("pass", ["aave_reserves", "coingecko_markets", "defillama_pools"])]


def test_an_asset_that_is_asked_again_asks_for_itself(asked: list[Any], instance: dg.DagsterInstance) -> None:
    config = {"ops": {"raw__aave_reserves": {"config": {"repull": True}}}}
    assert run(instance, raw.COINGECKO_MARKETS, raw.DEFILLAMA_POOLS, raw.AAVE_RESERVES, config=config)
    assert asked == [("alone", ["aave_reserves"]), ("pass", ["coingecko_markets", "defillama_pools"])]
