"""What the pages say of detection: how often it is right, what it misses, how late it is."""

from veririsk_assets.pages.markdown import Tree, shown, table

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


def detection_section(report: Tree) -> list[str]:
    """The page's section; nothing for a report without one."""
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
    limits = ", ".join(f"`{who}` alerts from {limit:g} on" for who, limit in found["thresholds"].items())
    lines = [f"The head is calibrated on the validation rows of each fold; {limits}.", ""]
    for scope, title in (("begun", "All rows with a drop under way"), ("falling", "Those still between 10 and 20 % down")):
        one = found["rows"][scope]
        said = f"AP {shown(one['ap'])} at a base rate of {shown(one['base_rate'])}, AUC {shown(one['auc'])}"
        lines.append(f"- {title}: {said}, Brier skill {shown(one['brier_skill'])}, calibration error {shown(one['ece'])}.")
    return [*lines, ""]
