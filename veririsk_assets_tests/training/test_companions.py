"""Where a head has nothing to learn from or nothing to be measured on, a training says so in words and goes on."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.training.companions import equipped
from veririsk_assets.training.datasets import CannotTrain, Dataset, from_panels
from veririsk_assets.training.fit import Trained, train
from veririsk_assets_tests.models.rows import market


@cache
def dataset() -> Dataset:
    """Both causes are known in every row, and every column is."""
    features, labels = market()
    rng = np.random.default_rng(4)
    causes = {name: np.where(rng.random(labels.shape) < 0.6, labels["crash"], 0.0) for name in ("price_fall", "outflow")}
    return from_panels(features, Panel(labels.window, labels.keys, {**labels.values, **causes}), 24, others=tuple(causes))


@cache
def winner() -> Trained:
    return train(dataset(), catalogue.spec(catalogue.FLOOR, 24))


def without(part: slice, *names: str) -> Dataset:
    x = dataset().x.copy()
    x[part, [dataset().features.index(name) for name in names]] = np.nan
    return replace(dataset(), x=x)


def without_columns(*names: str) -> Dataset:
    """As `from_frames` leaves rows whose columns are null in more than half of the training rows."""
    keep = [name not in names for name in dataset().features]
    return replace(dataset(), x=dataset().x[:, keep], features=tuple(np.array(dataset().features)[keep].tolist()))


@pytest.mark.parametrize("names", [catalogue.LP_COLUMNS, catalogue.LP_COLUMNS[:1]], ids=["no LP column", "not the one that tells"])
def test_a_known_liquidity_label_without_lp_columns_gives_no_cause_model(names: tuple[str, ...]) -> None:
    found = equipped(winner().served, {}, without_columns(*names))
    assert found.heads is None
    said = "two_heads needs lp_supply_change_6h, null in more than half of the training rows"
    assert found.metadata["causes"] == f"no cause model: {said}"
    with pytest.raises(CannotTrain, match=said):
        train(without_columns(*names), catalogue.spec(catalogue.TWO_HEADS, 24))


def test_lp_supply_that_fell_silent_before_validation_gives_no_cause_model() -> None:
    silent = without(dataset().validation, *catalogue.LP_COLUMNS)
    trained = {catalogue.TWO_HEADS: train(silent, catalogue.spec(catalogue.TWO_HEADS, 24))}
    unmeasured = "no validation row knows both its label and the columns that it looks at"
    assert equipped(winner().served, trained, silent).metadata["causes"] == f"no cause model: liquidity_fall: {unmeasured}"
    # Where the heads won, their forecast serves (the third head answers) and only the measure is missing.
    own = equipped(trained[catalogue.TWO_HEADS].served, trained, silent)
    assert own.metadata["causes"]["liquidity_fall"] == unmeasured
    assert 0 < own.metadata["causes"]["price_fall"]["auc"] <= 1


@pytest.mark.parametrize("name", [catalogue.CHAMPION_CANDIDATE, catalogue.TWO_HEADS, catalogue.FLOOR])
def test_what_always_happens_cannot_be_learnt(name: str) -> None:
    ones = np.ones(len(dataset().y))
    always = replace(dataset(), y=ones, others=dict.fromkeys(("price_fall", "outflow"), ones))
    with pytest.raises(CannotTrain, match="0 negative training rows with label crash"):
        train(always, catalogue.spec(name, 24))


def test_a_head_with_labels_of_one_kind_is_refused_in_words() -> None:
    never = replace(dataset(), others=dataset().others | {"outflow": np.zeros(len(dataset().y))})
    found = equipped(winner().served, {}, never)
    assert found.metadata["causes"] == "no cause model: 0 positive training rows with label outflow, 24 h; 125 are needed"


def test_a_head_that_says_no_more_than_the_base_rate_gives_no_cause_model() -> None:
    chance = (np.random.default_rng(6).random(len(dataset().y)) < 0.03).astype(float)
    found = equipped(winner().served, {}, replace(dataset(), others=dataset().others | {"outflow": chance}))
    said = "liquidity_fall: not enough events: on validation rows it says no more than the base rate"
    assert found.heads is None and found.metadata["causes"] == f"no cause model: {said}"
    # Where the heads themselves won, their forecast serves and says no cause.
    data = replace(dataset(), others=dataset().others | {"outflow": chance})
    own = equipped(train(data, catalogue.spec(catalogue.TWO_HEADS, 24)).served, {}, data)
    assert own.heads is None and own.metadata["causes"] == f"no cause model: {said}"
