from veririsk_assets.evaluation.intervals import Interval
from veririsk_assets.training.promotion import Gain, Results, verdict

FLOOR = Results("volatility_logistic", ap=0.06, auc=0.70, ece_to_base=0.1)
CHAMPION = Results("3", ap=0.07, auc=0.74, ece_to_base=0.1, recall=0.30)


KEPT = Interval(-0.001, -0.01, 0.008)
PROVEN = {"volatility_logistic": Gain(Interval(0.02, 0.01, 0.03), KEPT), "3": Gain(Interval(0.01, 0.001, 0.02), KEPT)}


def candidate(**changes: object) -> Results:
    usual = {"name": "gradient_boosting", "ap": 0.08, "auc": 0.76, "ece_to_base": 0.12, "recall": 0.31, "gains": PROVEN}
    return Results(**(usual | changes))  # type: ignore[arg-type]


def test_a_better_calibrated_model_is_promoted_and_every_rival_is_named() -> None:
    found = verdict(candidate(), CHAMPION, [FLOOR])
    assert found.promote
    assert all(name in found.text for name in ("volatility_logistic", "proven gain over 3", "recall", "calibration"))


def test_poor_calibration_alone_stops_a_promotion() -> None:
    found = verdict(candidate(ece_to_base=0.31), CHAMPION, [FLOOR])
    assert not found.promote
    assert "calibration error is 0.31 of the base rate, above 0.25, by 0.06" in found.text


def test_probabilities_worse_than_the_rate_that_was_known_stop_a_promotion_and_slope_and_intercept_are_said() -> None:
    said = {"slope": Interval(0.9, 0.6, 1.1), "intercept": Interval(0.1, -0.3, 0.4), "brier_skill_known": Interval(0.01, -0.02, 0.03)}
    found = verdict(candidate(gains=PROVEN, calibration=said), CHAMPION, [FLOOR])
    assert found.promote and "slope +0.90 [+0.60, +1.10]" in found.text
    worse = said | {"brier_skill_known": Interval(-0.05, -0.08, -0.01)}
    assert not verdict(candidate(gains=PROVEN, calibration=worse), CHAMPION, [FLOOR]).promote


def test_a_missing_metric_is_never_a_pass() -> None:
    assert not verdict(candidate(ece_to_base=float("nan")), None, [FLOOR]).promote


def test_with_intervals_every_one_must_lie_above_0() -> None:
    assert verdict(candidate(gains=PROVEN), CHAMPION, [FLOOR]).promote
    luck = PROVEN | {"volatility_logistic": Gain(Interval(0.02, -0.001, 0.04), Interval(0.02, 0.01, 0.03))}
    found = verdict(candidate(gains=luck), CHAMPION, [FLOOR])
    assert not found.promote
    assert "no proven gain over volatility_logistic: AUC within hours +0.0200 [-0.0010, +0.0400], short of 0 by 0.0010" in found.text


def test_an_ap_that_is_worse_within_folds_stops_a_promotion() -> None:
    lost = PROVEN | {"3": Gain(Interval(0.01, 0.001, 0.02), Interval(-0.02, -0.03, -0.001))}
    found = verdict(candidate(gains=lost), CHAMPION, [FLOOR])
    assert not found.promote
    assert "AP within folds is worse than 3's: -0.0200 [-0.0300, -0.0010]" in found.text


def test_a_gain_that_is_not_known_is_never_a_pass() -> None:
    nan = Interval(float("nan"), float("nan"), float("nan"))
    for unknown in (Gain(nan, KEPT), Gain(PROVEN["3"].within_hour, nan)):
        assert not verdict(candidate(gains=PROVEN | {"3": unknown}), CHAMPION, [FLOOR]).promote


def test_a_rival_without_a_comparison_stops_a_promotion() -> None:
    found = verdict(candidate(gains={"3": PROVEN["3"]}), CHAMPION, [FLOOR])
    assert not found.promote
    assert "no paired comparison with volatility_logistic" in found.text


def test_recall_at_the_budget_may_not_be_lost_nor_be_unknown() -> None:
    assert not verdict(candidate(gains=PROVEN, recall=0.29), CHAMPION, [FLOOR]).promote
    assert not verdict(candidate(gains=PROVEN, recall=None), CHAMPION, [FLOOR]).promote


def test_better_numbers_without_intervals_prove_nothing() -> None:
    found = verdict(candidate(gains={}, ap=0.9, auc=0.99), None, [FLOOR])
    assert not found.promote and "no paired comparison with volatility_logistic" in found.text
