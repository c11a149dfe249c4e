"""Two heads: one probability with its cause, explained to the last digit; without LP supply the third head answers."""

from functools import cache

import numpy as np
import pytest

from veririsk_assets.evaluation.metrics import ece, roc_auc
from veririsk_assets.features.pools import build_features
from veririsk_assets.models.catalogue.pools import LP_COLUMNS
from veririsk_assets.models.logistic_line import logit
from veririsk_assets.models.two_heads import TwoHeads, joined
from veririsk_assets_tests.features.walks import changed, market

ROWS, LP = 8_000, (1, 3)


@cache
def rows() -> tuple[np.ndarray, np.ndarray]:
    """Column 0 drives prices, column 1 liquidity, columns 2 and 3 nothing; a fifth of the rows knows neither LP supply nor its columns."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, 4)).astype(np.float32)
    odds = np.column_stack([2.0 * x[:, 0], 2.0 * x[:, 1]]) - 3.0
    causes = (rng.random((ROWS, 2)) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    y = np.column_stack([causes.max(axis=1), causes])
    unknown = rng.random(ROWS) < 0.2
    y[unknown, 1:] = np.nan
    x[np.ix_(unknown, LP)] = np.nan
    return x, y


@cache
def fitted() -> TwoHeads:
    x, y = rows()
    half = ROWS // 2
    return TwoHeads(LP).fit(x[:half], y[:half], (x[half:], y[half:]))


def test_the_join_is_one_minus_the_product_of_what_does_not_happen() -> None:
    a, b = 0.1, 0.3
    odds = np.log([[a / (1 - a), b / (1 - b)]])
    assert 1 / (1 + np.exp(-joined(odds)[0])) == pytest.approx(1 - (1 - a) * (1 - b))


def test_each_head_knows_its_own_cause_and_is_calibrated() -> None:
    (x, y), held = rows(), np.arange(ROWS // 2, ROWS)
    known = held[np.isfinite(y[held, 1])]
    causes = fitted().causes(x)
    assert roc_auc(y[known, 1], causes[known, 0]) > 0.8 > 0.6 > roc_auc(y[known, 1], causes[known, 1])
    assert roc_auc(y[known, 2], causes[known, 1]) > 0.8
    assert max(ece(y[known, i + 1], causes[known, i]) for i in (0, 1)) < 0.02


def test_with_lp_supply_the_margin_is_the_join_of_what_the_heads_publish() -> None:
    x, _ = rows()
    known = np.isfinite(x[:, LP[0]])
    causes = fitted().causes(x)
    np.testing.assert_allclose(fitted().margin(x)[known], joined(logit(causes[known])), atol=1e-6)


def test_without_lp_supply_the_liquidity_head_is_silent_and_the_third_head_answers() -> None:
    x, y = rows()
    unknown = np.isnan(x[:, LP[0]])
    causes, margin = fitted().causes(x), fitted().margin(x)
    np.testing.assert_array_equal(np.isnan(causes[:, 1]), unknown)
    assert np.isfinite(causes[:, 0]).all()
    held = unknown & (np.arange(ROWS) >= ROWS // 2)
    assert roc_auc(y[held, 0], margin[held]) > roc_auc(y[held, 0], x[held, 0]) - 0.03  # all that can be known there
    # It stands in for a crash of either cause, not for the price alone.
    assert (1 / (1 + np.exp(-margin[held]))).mean() == pytest.approx(y[held, 0].mean(), abs=0.03)
    assert causes[held, 0].mean() < y[held, 0].mean() - 0.03


def test_only_the_liquidity_head_looks_at_lp_columns() -> None:
    x, _ = rows()
    blind = x.copy()
    blind[:, LP] = np.nan
    np.testing.assert_array_equal(fitted().causes(blind)[:, 0], fitted().causes(x)[:, 0])
    assert not fitted().cause_contributions(x[:200], 0)[:, LP].any()
    assert fitted().cause_contributions(x[:200], 1)[:, LP[0]].all()


def test_contributions_add_up_for_the_join_and_for_each_head() -> None:
    x, _ = rows()
    shares, causes = fitted().contributions(x[:500]), fitted().causes(x[:500])
    np.testing.assert_allclose(shares.sum(axis=1), fitted().margin(x[:500]), atol=1e-4)
    assert len(np.unique(shares[:, -1])) == 2
    for i in (0, 1):
        known = np.isfinite(causes[:, i])
        np.testing.assert_allclose(fitted().cause_contributions(x[:500], i).sum(axis=1)[known], logit(causes[known, i]), atol=1e-4)
    assert fitted().contributions(x[:0]).shape == (0, 5)


def test_where_lp_supply_is_taken_as_known_there_is_no_third_head() -> None:
    x, y = rows()
    model = TwoHeads().fit(x, y[:, 1:], (x, y[:, 1:]))
    assert model.direct is None
    assert np.isfinite(model.causes(x)).all()
    np.testing.assert_allclose(model.margin(x), joined(logit(model.causes(x))), atol=1e-6)


def test_a_head_without_a_positive_row_is_refused_by_name() -> None:
    x, y = rows()
    without = np.column_stack([y[:, :2], np.zeros(ROWS)])
    with pytest.raises(ValueError, match="no liquidity_fall"):
        TwoHeads(LP).fit(x, without, (x, without))


def test_lp_columns_are_known_nowhere_but_where_lp_supply_is() -> None:
    panel, eth = market(800, pools=9)
    supply = panel["lp_supply"].copy()
    supply[np.random.default_rng(3).random(supply.shape) < 0.3] = np.nan
    supply[:, 0] = np.nan
    built = build_features(changed(panel, lp_supply=supply), eth, 50)
    told, known = np.any([np.isfinite(built[name]) for name in LP_COLUMNS], axis=0), np.isfinite(supply[-50:])
    assert not (told & ~known).any() and told[known].mean() > 0.95
