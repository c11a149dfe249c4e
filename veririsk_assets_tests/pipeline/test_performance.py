"""Published scores against what happened: the first version of a score counts."""

from collections.abc import Iterator

import pandas as pd
import pytest

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.models import PERFORMANCE
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import HOUR, Window
from veririsk_assets.lake import upkeep
from veririsk_assets.pipeline.learning.comparison import compared, listed
from veririsk_assets.pipeline.saying import performance as judged
from veririsk_assets.pipeline.saying.performance import judge_scores, outcomes
from veririsk_assets.pipeline.saying.scores import store_scores
from veririsk_assets.pipeline.saying.shadow import shadow_scores
from veririsk_assets.pipeline.step import House
from veririsk_assets_tests.pipeline.small_house import HORIZON, KEYS, SECOND, reign, two_versions

SCORED = Window(SECOND, SECOND + 9 * 24 * HOUR)
AS_OF = SCORED.end


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Nine days scored by version 1, with version 2 in shadow."""
    opened = two_versions(tmp_path_factory.mktemp("home"))
    store_scores(opened, POOLS, SCORED)
    shadow_scores(opened, POOLS, SCORED)
    yield opened
    opened.close()


def performance(house: House) -> pd.DataFrame:
    judge_scores(house, POOLS, AS_OF)
    return house.lake.read(PERFORMANCE, Window.ending(AS_OF)).drop(columns="as_of").set_index(["model_version", "how"])


def test_only_matured_labels_count(scored: House) -> None:
    rows = outcomes(scored, POOLS, Window.ending(AS_OF, 28 * 24), HORIZON)
    assert len(rows) == (SCORED.hours - HORIZON) * len(KEYS)
    assert rows["as_of"].max() == pd.Timestamp((AS_OF - HORIZON * HOUR).replace(tzinfo=None))


def test_the_version_that_looks_at_the_cause_turns_out_better(scored: House) -> None:
    found = performance(scored)
    noise, skilled = found.loc[("1", "served")], found.loc[("2", "shadow")]
    assert skilled["auc"] > 0.8 > noise["auc"]
    assert skilled["ap_low"] > noise["ap_high"]
    assert noise["validation_ap"] == 0.99
    assert noise["validation_ap_low"] == 0.9 and bool(noise["is_below_promise"])
    assert noise["late_ratio"] == 1.0


def test_a_version_within_the_interval_that_was_promised_keeps_its_promise(scored: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its middle, 0.99, is above all that was measured; the promise is not.
    noise = performance(scored).loc[("1", "served")]
    wide, promised = float(noise["ap_high"]) - 0.001, judged.promise
    monkeypatch.setattr(judged, "promise", lambda *about: promised(*about) | {"validation_ap_low": wide})
    assert not performance(scored).loc[("1", "served"), "is_below_promise"]


def test_what_was_first_stored_counts_even_after_rewriting_and_upkeep(scored: House) -> None:
    before = performance(scored)
    promise = outcomes(scored, POOLS, Window.ending(AS_OF, 28 * 24), HORIZON)
    rewritten = scored.lake.read(pools.POOL_SCORES, SCORED).assign(risk_score=50.0, probability=0.5, risk_level="MEDIUM")
    scored.lake.replace(pools.POOL_SCORES, rewritten, SCORED)
    upkeep.run(scored.lake, set())
    pd.testing.assert_frame_equal(outcomes(scored, POOLS, Window.ending(AS_OF, 28 * 24), HORIZON), promise)
    pd.testing.assert_frame_equal(performance(scored), before)


def test_comparing_is_paired_on_the_rows_that_both_have_scored(scored: House) -> None:
    found = compared(scored, POOLS, HORIZON, ("2", "1"), Window.ending(AS_OF, 28 * 24))
    assert found["rows"] == (SCORED.hours - HORIZON) * len(KEYS)
    assert found["gains"]["ap"].lo > 0
    assert found["served"] == (0, found["rows"])
    with pytest.raises(ValueError, match="no version 9 of pools, 24 h; known: 1, 2"):
        compared(scored, POOLS, HORIZON, ("9", "1"), SCORED)


def test_versions_that_never_met_are_not_measured(scored: House) -> None:
    found = compared(scored, POOLS, HORIZON, ("2", "1"), Window.ending(SECOND, 24))
    assert found["rows"] == 0
    assert "gains" not in found


def test_the_list_says_who_serves_and_who_waits(scored: House) -> None:
    assert list(listed(scored, POOLS)["role"]) == ["champion", "challenger"]
    reign(scored, "2", AS_OF + HOUR)
    assert list(listed(scored, POOLS)["role"]) == ["served before", "champion"]
