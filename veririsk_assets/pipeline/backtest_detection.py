"""Detection in a backtest: the rows that it is judged on, and what the pages say of it."""

from typing import TYPE_CHECKING, Any

from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.vocabulary import DETECTION_HORIZON_HOURS
from veririsk_assets.features.detections import detect
from veririsk_assets.labels.detections import fall_labels

if TYPE_CHECKING:
    from veririsk_assets.training.backtest_detection import DetectionStudy

Tree = dict[str, Any]
METRICS = (
    ("precision", "precision of episodes", 2), ("recall", "onsets found", 2), ("recall_early", "found before the onset", 2),
    ("delay_q25", "delay, h: lower quartile", 0), ("delay_q50", "middle", 0), ("delay_q75", "upper", 0),
    ("hours_that_are_falls", "alert-hours that are falls", 2), ("alert_hours_per_pool_month", "alert-hours per pool-month", 1),
    ("false_alarms_per_pool_month", "false alarms", 2),
)  # fmt: skip
APART = (
    "Detection is no forecast. The forecast speaks of every pool, mostly before anything has moved, and is judged by how far ahead it is. Detection "
    "speaks only of pools whose TVL stands at least 10 % below its 24-hour high already, says whether that drop is or becomes a fall of 20 % "
    "within six hours, and is judged by how often it is right, what it misses and its delay from the onset (negative: while TVL "
    "was falling). An episode is right if an onset lies between 24 hours before its first and 6 hours after its last hour. An onset *is* the first hour at "
    "20 % below the 24-hour high, so the 20 % rule finds each one, at once, by definition: it is the yardstick, not a rival. What the "
    "head adds is a probability while a drop is still between 10 and 20 %."
)


def detection_study(pools: Panel, features: Panel, min_high_usd: float) -> "DetectionStudy":
    """`pools` (tvl_usd, input_age_hours, is_tombstone) and `features` span the same hours."""
    from veririsk_assets.training.backtest_detection import build_detection_study

    hours = pools.window.hours
    found = detect(pools, hours)
    fell = fall_labels(pools, found["high_tvl_usd"][: hours - DETECTION_HORIZON_HOURS])
    return build_detection_study(pools, features, found, fell, min_high_usd)


def detection_section(report: Tree) -> list[str]:
    """The page's section; nothing for a report without one."""
    from veririsk_assets.pipeline.backtest_pages import shown, table

    found = report.get("detection")
    if not found:
        return []
    counts = found["counts"]
    lines = ["## Detection: what has begun", "", APART, ""]
    lines += [f"No detection head: {found['refused']}.", ""] if found["refused"] else _head(found)
    rows = [
        [who, str(counts["episodes"][who]), *(shown(one[m], digits) for m, _, digits in METRICS)] for who, one in found["results"].items()
    ]
    lines += [f"{counts['onsets']:,} onsets in {counts['pool_months']:,.0f} pool-months; weeks drawn.", ""]
    return lines + table(["", "episodes", *(title for _, title, _ in METRICS)], rows)


def _head(found: Tree) -> list[str]:
    from veririsk_assets.pipeline.backtest_pages import shown

    limits = ", ".join(f"`{who}` alerts from {limit:g} on" for who, limit in found["thresholds"].items())
    lines = [f"The head is calibrated on the validation rows of each fold; {limits}.", ""]
    for scope, title in (("begun", "All rows with a drop under way"), ("falling", "Those still between 10 and 20 % down")):
        one = found["rows"][scope]
        said = f"AP {shown(one['ap'])} at a base rate of {shown(one['base_rate'])}, AUC {shown(one['auc'])}"
        lines.append(f"- {title}: {said}, Brier skill {shown(one['brier_skill'])}, calibration error {shown(one['ece'])}.")
    return [*lines, ""]
