"""Two heads: one probability with its cause, saved without pickle, explained to the last digit."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from veririsk_assets.evaluation.metrics import roc_auc
from veririsk_assets.models.two_heads import TwoHeads, joined

ROWS = 6000


@cache
def fitted() -> tuple[TwoHeads, np.ndarray, np.ndarray]:
    """Column 0 drives prices, column 1 drives liquidity, column 2 nothing; a fifth of the rows does not know its LP supply."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, 3)).astype(np.float32)
    odds = np.column_stack([2.0 * x[:, 0], 2.0 * x[:, 1]]) - 3.0
    y = (rng.random((ROWS, 2)) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    y[rng.random(ROWS) < 0.2, 1] = np.nan
    half = ROWS // 2
    return TwoHeads().fit(x[:half], y[:half], (x[half:], y[half:])), x, y


def test_the_join_is_one_minus_the_product_of_what_does_not_happen() -> None:
    a, b = 0.1, 0.3
    odds = np.log([[a / (1 - a), b / (1 - b)]])
    assert 1 / (1 + np.exp(-joined(odds)[0])) == pytest.approx(1 - (1 - a) * (1 - b))


def test_each_head_knows_its_own_cause() -> None:
    model, x, y = fitted()
    causes, held = model.causes(x), np.arange(ROWS // 2, ROWS)
    known = held[np.isfinite(y[held, 1])]
    assert roc_auc(y[held, 0], causes[held, 0]) > 0.8 > 0.6 > roc_auc(y[held, 0], causes[held, 1])
    assert roc_auc(y[known, 1], causes[known, 1]) > 0.8


def test_contributions_and_base_add_up_to_the_margin() -> None:
    model, x, _ = fitted()
    shares = model.contributions(x[:500])
    np.testing.assert_allclose(shares.sum(axis=1), model.margin(x[:500]), atol=1e-4)
    assert np.ptp(shares[:, -1]) == 0
    assert model.contributions(x[:0]).shape == (0, 4)


def test_what_is_loaded_says_what_was_saved(tmp_path: Path) -> None:
    model, x, _ = fitted()
    model.save(tmp_path)
    again = TwoHeads.load(tmp_path)
    np.testing.assert_array_equal(again.margin(x), model.margin(x))
    np.testing.assert_array_equal(again.contributions(x[:50]), model.contributions(x[:50]))
    assert {file.suffix for file in tmp_path.rglob("*") if file.is_file()} == {".json", ".ubj"}


def test_a_head_without_a_positive_row_is_refused_by_name() -> None:
    _, x, y = fitted()
    without = np.column_stack([y[:, 0], np.zeros(ROWS)])
    with pytest.raises(ValueError, match="no liquidity_fall"):
        TwoHeads().fit(x, without, (x, without))
