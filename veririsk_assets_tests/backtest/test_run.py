"""The walk-forward backtest: the same rows for all, refused where it would mislead, the same numbers twice."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from veririsk_assets.backtest.committee import Committee
from veririsk_assets.backtest.events import alarm, level_rows, study_events
from veririsk_assets.backtest.fit import Candidate, candidate, speak
from veririsk_assets.backtest.measure import Measure
from veririsk_assets.backtest.report import report
from veririsk_assets.backtest.run import Parts, run
from veririsk_assets.backtest.setting import Setting
from veririsk_assets.backtest.study import Study, build_study
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.windows import SAMPLED_HOURS, Window
from veririsk_assets.evaluation.splits import CannotBeHonest, leave_keys_out
from veririsk_assets.features.pools import build_features
from veririsk_assets.labels.pools import build_labels
from veririsk_assets.pages.backtest import report_page
from veririsk_assets.simulation.market import EPOCH
from veririsk_assets.training.datasets import CannotTrain, Dataset
from veririsk_assets.training.folds import piece_of
from veririsk_assets_tests.market import market, market_panels

HOURS = 24 * 100
BASELINES = ("ewma_volatility_7d", "early_warning_score")
SETTING = Setting(
    folds=2, test_days=20, validation_days=12, models=(*BASELINES, "volatility_logistic", "gradient_boosting"), draws=60, pool_groups=2
)


@cache
def study(label: str = "crash") -> Study:
    window = Window(EPOCH, EPOCH + timedelta(hours=HOURS))
    pools, ether = market_panels(market(pools=48), window)
    pools.values["is_tombstone"] = np.zeros(pools.shape, dtype=np.float32)
    features, labels = build_features(pools, ether, HOURS), build_labels(pools, 24, HOURS - 24)
    return build_study(pools, features, labels, [f"pool {key}" for key in pools.keys], label, 24, 100_000.0)


@cache
def done():  # type: ignore[no-untyped-def]
    return run(study(), SETTING)


@cache
def reported():  # type: ignore[no-untyped-def]
    return report(done(), {"sha256": "x"}, {"experiments_before": 3})


def test_every_model_is_judged_on_exactly_the_same_rows() -> None:
    forecasts = done().forecasts
    assert set(forecasts.probability) == set(SETTING.models)
    for probability in forecasts.probability.values():
        assert probability.shape == forecasts.rows.shape and np.isfinite(probability).all()
    assert len(np.unique(forecasts.rows)) == len(forecasts.rows)


def test_no_label_window_crosses_from_one_segment_into_the_next() -> None:
    rows, horizon = study(), SETTING.horizon_hours
    for fold in done().folds:
        part = piece_of(fold, rows.hour, 0)
        assert rows.hour[part.train].max() + horizon <= rows.hour[part.validation].min()
        assert rows.hour[part.validation].max() + horizon <= rows.hour[part.test].min()
        assert rows.hour[part.test].max() + horizon < rows.hours


def test_rows_share_one_grid_of_every_fourth_hour() -> None:
    hours = study().rows.as_of.astype("datetime64[h]").astype(int)
    assert set(hours % SAMPLED_HOURS) == {0}


def test_pools_left_out_are_not_among_the_rows_that_a_model_learns_from() -> None:
    unseen = done().unseen
    assert unseen is not None
    seen = {g: set(study().pool[unseen.rows[unseen.fold == g]]) for g in np.unique(unseen.fold)}
    assert not seen[0] & seen[1]
    assert np.array_equal(unseen.rows, done().forecasts.rows)


def test_one_pool_under_two_ids_is_never_learnt_from_and_judged_on() -> None:
    pools, ether = market_panels(market(pools=8), Window(EPOCH, EPOCH + timedelta(hours=1000)))
    columns = {name: np.column_stack([value, value[:, 2]]) for name, value in pools.values.items()} | {"is_tombstone": np.zeros((1000, 9))}
    pools = Panel(pools.window, np.arange(9), columns)
    features, labels = build_features(pools, ether, 1000), build_labels(pools, 24, 976)
    twice = build_study(pools, features, labels, [str(key) for key in pools.keys], "crash", 24, 1_000.0)
    assert twice.unit.tolist() == [*range(8), 2]
    for seed in range(20):
        for group in leave_keys_out(twice.unit, 4, seed):
            assert np.isin(group.test, (2, 8)).sum() in (0, 2)
    assert len(np.unique(study().unit)) == 48


def with_labels_turned(study: Study, where: np.ndarray) -> Dataset:
    rows = study.rows
    turned = {name: np.where(where, 1.0 - values, values) for name, values in rows.labels.items()}
    return replace(rows, y=turned.pop(rows.label), others=turned)


def test_the_future_does_not_change_a_forecast() -> None:
    """The first fold's probabilities stay when everything after its test hours is turned upside down."""
    rows, fold = study(), done().folds[0]
    later = rows.hour > fold.test.stop + SETTING.horizon_hours
    x = rows.rows.x.copy()
    x[later] = -x[later]
    turned = replace(with_labels_turned(rows, later), x=x)
    model = candidate("gradient_boosting", rows)
    part = piece_of(fold, rows.hour, 0)
    np.testing.assert_array_equal(speak(replace(rows, rows=turned), model, part).test, speak(rows, model, part).test)


def test_only_labels_that_had_matured_shift_a_forecast() -> None:
    rows, fold = study(), done().folds[0]
    part, middle = piece_of(fold, rows.hour, 0), (fold.test.start + fold.test.stop) // 2 // 24 * 24
    other = replace(rows, rows=with_labels_turned(rows, rows.hour > middle - SETTING.horizon_hours))
    model = candidate("volatility_logistic", rows)
    seen, turned = speak(rows, model, part).test, speak(other, model, part).test
    day_is_over = rows.hour[part.test] < middle
    np.testing.assert_array_equal(turned[day_is_over], seen[day_is_over])
    assert (turned[~day_is_over] != seen[~day_is_over]).any()
    raw = speak(rows, replace(model, is_shifted=False), part)
    assert (raw.test != seen).any() and not candidate("ewma_volatility_7d", rows).is_shifted


def test_two_runs_give_the_same_report() -> None:
    assert report(run(study(), SETTING), {"sha256": "x"}, {"experiments_before": 3}) == reported()


def test_a_stopped_run_goes_on_where_it_ended(tmp_path: Path) -> None:
    setting = replace(SETTING, models=BASELINES, pool_groups=0)
    said: list[str] = []

    def stop(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(study(), setting, Parts(tmp_path), stop)
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(kept) == 2
    resumed = run(study(), setting, Parts(tmp_path))
    assert all(file.stat().st_mtime_ns == stamp for file, stamp in kept.items())
    fresh = run(study(), setting)
    for name, probability in fresh.forecasts.probability.items():
        np.testing.assert_array_equal(resumed.forecasts.probability[name], probability)


def test_the_report_has_the_promised_shape_and_no_nan() -> None:
    found = reported()
    assert found["schema"] == "veririsk.backtest/3" and found["tried"] == {"experiments_before": 3, "models_in_this_report": 4}
    metrics = {"ap", "auc", "brier_skill", "ece", "alert_precision", "false_alarms_per_pool_month", "alert_hours_per_pool_month"}
    metrics |= {f"recall_lead_{lead}" for lead in (1, 3, 6, 12)} | {"recall_null_lead_6", "recall_skill_lead_6"}
    for scopes in found["results"].values():
        for scope in ("all", "at_risk"):
            assert metrics <= set(scopes[scope])
            assert set(scopes[scope]["ap"]) == {"value", "lo", "hi"}
    gain = found["paired"]["gradient_boosting"]["ewma_volatility_7d"]["all"]["ap"]
    results = found["results"]
    difference = results["gradient_boosting"]["all"]["ap"]["value"] - results["ewma_volatility_7d"]["all"]["ap"]["value"]
    assert gain["value"] == pytest.approx(difference) and gain["lo"] <= gain["value"] <= gain["hi"]
    assert [len(found[name]) for name in ("folds", "per_fold", "timing", "moments")] == [2, 4, 4, 4]
    assert all(fold["events"] >= SETTING.event_floor for fold in found["folds"])


def test_levels_say_what_they_spend_and_what_follows_them() -> None:
    found = reported()["levels"]["gradient_boosting"]
    for budget in ("high", "medium"):
        one = found[budget]
        assert one["least"] is None or one["least"] <= one["most"]
        assert min(one["months"].values()) <= one["mean"] <= max(one["months"].values())
    rates = found["event_rates"]
    assert rates["high"]["value"] > rates["low"]["value"]
    assert rates["high_minus_medium"]["value"] == pytest.approx(rates["high"]["value"] - rates["medium"]["value"])
    assert found["high"]["mean"] < found["medium"]["mean"] and found["high_turns_per_day"] > 0


def test_when_and_which_have_intervals_by_week() -> None:
    moments = reported()["moments"]["gradient_boosting"]
    for part, names in (("when", {"auc", "lift", "spearman"}), ("which", set())):
        assert set(moments[part]) == names | {"hour_count"} and moments[part]["hour_count"] > 0
        assert all(moments[part][name]["lo"] < moments[part][name]["value"] < moments[part][name]["hi"] for name in names)


def test_the_report_finds_no_skill_in_labels_of_other_weeks() -> None:
    chance = reported()["chance"]
    assert set(chance["models"]) == {"gradient_boosting", "volatility_logistic", "ewma_volatility_7d"}
    assert 1.0 < chance["effective_weeks"] <= 6.0
    for one in chance["models"].values():
        assert (
            one["shuffles"] == 120 and one["mean_auc"] == pytest.approx(0.5, abs=0.05) and one["mean_lift"] == pytest.approx(1.0, abs=0.15)
        )


def test_a_learned_model_beats_one_column_on_a_market_that_can_be_learned() -> None:
    measure = Measure(done())
    _, paired = measure.table("week", "high", BASELINES)
    assert paired["gradient_boosting"]["ewma_volatility_7d"]["all"]["ap"]["lo"] > 0


def test_levels_keep_near_their_budgets_hold_in_a_storm_and_look_at_no_later_row() -> None:
    forecasts, hour = done().forecasts, study().hour[done().forecasts.rows]
    later = hour > np.median(hour)
    turned = replace(forecasts, unshifted={name: np.where(later, 1 - said, said) for name, said in forecasts.unshifted.items()})
    for name in forecasts.unshifted:
        for budget in (24.0, 72.0):
            on = level_rows(study(), forecasts, name, budget)
            assert 0.5 * budget < on.mean() * 730.0 < 1.3 * budget, (name, budget)
            high, all_rows = np.bincount(hour, on), np.bincount(hour)
            assert (high <= np.maximum(3 * budget / 730.0 * all_rows, 3)).all()
            np.testing.assert_array_equal(level_rows(study(), turned, name, budget)[~later], on[~later])


def test_the_onset_label_says_that_an_event_begins_within_the_horizon() -> None:
    rows, events = study(), study_events(study())
    begins = rows.rows.labels["onset"] > 0
    for hour, pool in list(zip(events.hour_index, events.key_index, strict=True))[:200]:
        before = (rows.pool == pool) & (rows.hour < hour) & (rows.hour >= hour - 24)
        assert begins[before].all()
    calm = ~begins & (rows.pool == events.key_index[0])
    ahead = events.hour_index[events.key_index == events.key_index[0]][:, None] - rows.hour[calm]
    assert not ((ahead >= 1) & (ahead <= 24)).any()


def test_alerts_cover_only_the_hours_that_rows_speak_for() -> None:
    forecasts = done().forecasts
    alerts = alarm(study(), forecasts.rows, level_rows(study(), forecasts, "gradient_boosting", 24.0))
    assert alerts.covered.sum() <= SAMPLED_HOURS * len(forecasts.rows)
    assert not (alerts.on & ~alerts.covered).any()


def test_a_pool_that_left_its_source_for_good_is_an_event() -> None:
    rows = study()
    gone, level = rows.gone.copy(), rows.level.copy()
    gone[HOURS // 2 :, 5], level[HOURS // 2 :, 5] = True, np.nan
    events = study_events(replace(rows, gone=gone, level=level))
    assert HOURS // 2 in events.hour_index[events.key_index == 5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"event_floor": 10_000}, "events in the test hours"),
        ({"test_days": 1}, "leaves no row whose label"),
        ({"min_train_days": 400}, "are needed"),
        ({"folds": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_honest_is_refused_with_its_reason(change: dict[str, int], words: str) -> None:
    with pytest.raises(CannotBeHonest, match=words):
        run(study(), replace(SETTING, **change))


def test_a_label_that_has_not_matured_is_refused() -> None:
    rows = study()
    with pytest.raises(CannotBeHonest, match="not matured"):
        run(replace(rows, hour=np.append(rows.hour[:-1], rows.hours - 3)), SETTING)


def test_an_unknown_label_and_a_market_of_dust_are_refused() -> None:
    window = Window(EPOCH, EPOCH + timedelta(hours=200))
    pools, ether = market_panels(market(pools=8), window)
    pools.values["is_tombstone"] = np.zeros(pools.shape, dtype=np.float32)
    panels = pools, build_features(pools, ether, 200), build_labels(pools, 24, 176), list("abcdefgh")
    with pytest.raises(CannotBeHonest, match="no label 'doom'"):
        build_study(*panels, "doom", 24, 0.0)
    with pytest.raises(CannotBeHonest, match="no row has a TVL above"):
        build_study(*panels, "crash", 24, 1e15)


def test_a_model_without_its_features_is_left_out_with_the_reason() -> None:
    rows = study()
    blind = Candidate("blind", lambda _: None, ("apy_that_nobody_knows",), ("crash",))
    setting = replace(SETTING, pool_groups=0)
    found = run(rows, setting, candidates=[candidate("ewma_volatility_7d", rows), blind])
    assert set(found.forecasts.probability) == {"ewma_volatility_7d"} and "none of its features" in found.forecasts.refused["blind"]
    with pytest.raises(CannotTrain, match="no model can be made"):
        run(rows, setting, candidates=[blind])


def test_the_key_of_a_run_names_what_its_predictions_depend_on() -> None:
    assert SETTING.key("data") == replace(SETTING, high_alert_hours=5.0, models=()).key("data")
    others = {SETTING.key("other"), replace(SETTING, folds=3).key("data"), replace(SETTING, label="outflow").key("data")}
    assert len(others - {SETTING.key("data")}) == 3


def test_a_committee_says_the_mean_of_what_its_members_say() -> None:
    rng = np.random.default_rng(1)
    names = ("tvl_change_6h", "ewma_volatility_7d", "lp_supply_change_24h")
    x = rng.normal(size=(4000, 3)).astype(np.float32)
    y = (rng.random((4000, 3)) < 1 / (1 + np.exp(3.0 - 1.5 * x))).astype(np.float64)
    model = Committee(names).fit(x[:2000], y[:2000], (x[2000:], y[2000:]))
    odds = [curve.log_odds(member.margin(x[:, places])) for curve, (member, places) in zip(model.curves, model.members, strict=True)]
    assert len(odds) == 3
    np.testing.assert_allclose(model.margin(x), np.mean(odds, axis=0))
    assert len(Committee(("lp_supply_change_24h",)).members) == 1


def test_a_changed_feature_is_other_rows() -> None:
    rows = study()
    x = rows.rows.x.copy()
    x[17, 3] = 0.123
    other, same = (replace(rows, rows=replace(rows.rows, x=values)) for values in (x, rows.rows.x.copy()))
    assert other.fingerprint != rows.fingerprint == same.fingerprint


@pytest.mark.parametrize(
    ("digest", "words"), [("7713ee4a30ae0dfc" + "0" * 48, "on this very data"), ("x", "on another recording than this")]
)
def test_a_page_says_on_what_data_was_searched_before(digest: str, words: str) -> None:
    found = reported()
    page = report_page({**found, "data": {**found["data"], "sha256": digest, "source": "recorded"}}, pictures=False)
    assert f"Things tried before this report, {words}: 3 experiments" in page
