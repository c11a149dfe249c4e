from veririsk_assets.evaluation.intervals import Interval
from veririsk_assets.training.promotion import Results, verdict

FLOOR = Results("volatility_logistic", ap=0.06, auc=0.70, ece=0.004)
CHAMPION = Results("3", ap=0.07, auc=0.74, ece=0.004, recall=0.30)


def candidate(**changes: object) -> Results:
    return Results(**({"name": "gradient_boosting", "ap": 0.08, "auc": 0.76, "ece": 0.005, "recall": 0.31} | changes))  # type: ignore[arg-type]


PROVEN = {"volatility_logistic": Interval(0.02, 0.01, 0.03), "3": Interval(0.01, 0.001, 0.02)}


def test_a_better_calibrated_model_is_promoted_and_every_rival_is_named() -> None:
    found = verdict(candidate(), CHAMPION, [FLOOR])
    assert found.promote
    assert all(name in found.text for name in ("volatility_logistic", "beats 3", "recall", "calibration"))


def test_poor_calibration_alone_stops_a_promotion() -> None:
    found = verdict(candidate(ece=0.011), CHAMPION, [FLOOR])
    assert not found.promote
    assert "calibration error 0.0110 is above 0.01, by 0.0010" in found.text


def test_a_model_below_the_floor_is_not_promoted() -> None:
    assert not verdict(candidate(ap=0.05), None, [FLOOR]).promote


def test_a_missing_metric_is_never_a_pass() -> None:
    nan = float("nan")
    assert not verdict(candidate(ap=nan), None, [FLOOR]).promote
    assert not verdict(candidate(ece=nan), None, [FLOOR]).promote


def test_with_intervals_every_one_must_lie_above_0() -> None:
    assert verdict(candidate(gains=PROVEN), CHAMPION, [FLOOR]).promote
    luck = PROVEN | {"volatility_logistic": Interval(0.02, -0.001, 0.04)}
    found = verdict(candidate(gains=luck), CHAMPION, [FLOOR])
    assert not found.promote
    assert "no proven gain over volatility_logistic: AP +0.0200 [-0.0010, +0.0400], short of 0 by 0.0010" in found.text


def test_a_rival_without_a_comparison_stops_a_promotion() -> None:
    found = verdict(candidate(gains={"3": PROVEN["3"]}), CHAMPION, [FLOOR])
    assert not found.promote
    assert "no paired comparison with volatility_logistic" in found.text


def test_recall_at_the_budget_may_not_be_lost_nor_be_unknown() -> None:
    assert not verdict(candidate(gains=PROVEN, recall=0.29), CHAMPION, [FLOOR]).promote
    assert not verdict(candidate(gains=PROVEN, recall=None), CHAMPION, [FLOOR]).promote


def test_a_better_number_on_validation_is_enough_only_without_intervals() -> None:
    assert verdict(candidate(gains={}), None, [FLOOR]).promote
