from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from veririsk_assets.contracts.models import MODEL_VERSIONS
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.training import walk_forward
from veririsk_assets.training.choice import Choice, choose, version_row
from veririsk_assets.training.datasets import CannotTrain, Dataset, from_panels
from veririsk_assets.training.fit import train
from veririsk_assets_tests.models.rows import market


@cache
def dataset() -> Dataset:
    return from_panels(*market(), 24)


@cache
def choice() -> Choice:
    return choose(dataset(), catalogue.CATALOGUE)


def test_a_model_that_finds_more_than_volatility_serves_with_its_reasons() -> None:
    found = choice()
    assert found.winner.spec.name == "gradient_boosting"
    assert found.verdict.promote
    for words in ("on 3 walk-forward folds", "proven gain over volatility_logistic", "proven gain over ewma_volatility_7d", "is kept"):
        assert words in found.verdict.text
    assert "calibration error" in found.verdict.text


def test_in_a_history_too_short_for_folds_nothing_is_proven_and_the_floor_serves() -> None:
    data = dataset()
    later = data.as_of > data.as_of[-1] - np.timedelta64(37, "D")
    rows = np.flatnonzero(later)
    short = replace(data, x=data.x[rows], y=data.y[rows], as_of=data.as_of[rows], key=data.key[rows])
    first, cut = rows[0], data.validation.start - rows[0]
    found = choose(replace(short, train=slice(0, data.train.stop - first), validation=slice(cut, len(rows))), catalogue.CATALOGUE)
    assert found.folds is None and found.winner.spec.name == catalogue.FLOOR
    why = "gradient_boosting: no rows that chose nothing, so no gain is proven: 38 days of history give test windows of 6 days"
    assert why in found.verdict.text


def test_a_model_that_an_early_fold_cannot_train_does_not_serve_while_others_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def hindered(fold: Dataset, spec):  # type: ignore[no-untyped-def]
        if spec.name == "gradient_boosting" and len(fold.y[fold.train]) < dataset().train.stop / 2:
            raise CannotTrain("8 positive training rows with label outflow")
        return train(fold, spec)

    monkeypatch.setattr(walk_forward, "train", hindered)
    found = choose(dataset(), catalogue.CATALOGUE)
    assert found.winner.spec.name == catalogue.FLOOR
    assert "gradient_boosting: not trained in every walk-forward fold: 8 positive training rows" in found.verdict.text


def test_the_floor_serves_where_the_learned_model_is_no_better() -> None:
    data = dataset()
    volatile = data.columns(["ewma_volatility_7d"], slice(None))[:, 0]
    rng = np.random.default_rng(3)
    plain = replace(data, y=(rng.random(len(data.y)) < 1 / (1 + np.exp(-1.2 * (np.log(volatile) + 4) + 2.5))).astype(float))
    found = choose(plain, catalogue.CATALOGUE)
    assert found.winner.spec.name == catalogue.FLOOR
    assert "gradient_boosting: no proven gain over volatility_logistic" in found.verdict.text
    assert "short of 0 by" in found.verdict.text


def test_validation_numbers_are_good_and_the_budget_is_kept() -> None:
    metrics = choice().winner.metrics
    assert metrics["ap"] > 2 * metrics["base_rate"]
    assert metrics["ece"] <= 0.01
    assert metrics["ece_cross"] <= 0.03
    assert metrics["high_alert_hours"] == pytest.approx(24, abs=0.5)


def test_the_usual_range_holds_nine_of_ten_training_rows() -> None:
    served, data = choice().winner.served, dataset()
    x = data.columns(served.features, data.train)
    inside = ((x >= served.usual_low) & (x <= served.usual_high))[:, served.features.index("log_tvl")]
    assert inside.mean() == pytest.approx(0.9, abs=0.01)


def test_the_artefact_remembers_what_training_rows_looked_like() -> None:
    apy = choice().winner.served.metadata["reference"]["apy"]
    assert apy["null_ratio"] == pytest.approx(0.3, abs=0.03)
    assert len(apy["deciles"]) == 11
    assert apy["deciles"] == sorted(apy["deciles"])


def test_the_versions_row_fits_its_table() -> None:
    found = choice()
    row = version_row("pools", "3", found.winner, found.verdict, datetime(2025, 6, 1, tzinfo=UTC), 12)
    assert set(row) == set(MODEL_VERSIONS.names)
    assert row["train_to"] < row["trained_as_of"]
    assert row["medium_threshold"] < row["high_threshold"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: replace(d, train=slice(0, 1_500)), "1,500 training rows"),
        (lambda d: replace(d, y=np.where(np.arange(len(d.y)) < d.train.stop, 0.0, d.y)), "0 positive training rows"),
        (lambda d: replace(d, y=np.where(np.arange(len(d.y)) >= d.validation.start, 0.0, d.y)), "0 positive validation rows"),
    ],
)
def test_too_few_rows_or_events_are_refused_with_the_number(change, reason) -> None:  # type: ignore[no-untyped-def]
    for attempt in (lambda d: train(d, catalogue.spec("gradient_boosting", 24)), lambda d: choose(d, catalogue.CATALOGUE)):
        with pytest.raises(CannotTrain, match=reason):
            attempt(change(dataset()))


def test_a_spec_of_another_label_is_refused() -> None:
    with pytest.raises(ValueError, match="phase2_recipe learns crash_endpoint, 24 h: not crash, 24 h"):
        train(dataset(), catalogue.spec("phase2_recipe", 24))
