"""The model card: what the forecasts are for, for what they are useless, and where they fail, with the report's numbers."""

from veririsk_assets.contracts.vocabulary import MAX_ECE_TO_BASE
from veririsk_assets.pages.detection import detection_section
from veririsk_assets.pages.markdown import Tree, shown, table

LEARNED = ("committee", "slow_boosting", "gradient_boosting", "two_heads", "onset_head", "volatility_logistic", "logistic_regression")
BASELINE = "ewma_volatility_7d"
STRETCH = 2.0

USELESS = """## For what it is useless

- Control-layer attacks: stolen keys, captured governance, malicious upgrades, bridge and oracle-key compromises. Nothing in TVL, prices or
  LP supply moves before them. Examples: Ronin bridge (March 2022), Wormhole (February 2022), Beanstalk's governance (April 2022), Harvest's and
  Cream's flash-loan hacks (the loss is inside one transaction).
- Hacks that never move the protocol's TVL by the label's 20 %: Yearn (February 2021), SushiSwap's router (April 2023). They are not in the labels, and
  a low score says nothing about them.
- Exits of one holder: most LP-supply falls happen inside one step of the data, without a ramp. A ranking can know that a pool depends on one
  holder, not when that holder leaves.
- Oracle and venue accidents: USDe traded at 0.65 on one exchange in October 2025 while on-chain pools stayed above 0.99.
- Trading, or a promise to any single pool. A score is a rank and a probability among many pools.
- Pools without a day of history, pools below the TVL floor, sources that repeat themselves: those rows are degraded or have no score.
"""

TRAPS = """## How it can mislead

- Moments when everything falls together dominate the average precision. A fold with such a moment reads high, a calm one low: read the folds.
- Models mostly know which pools are risky, hardly when. The time-shift null in the report is the same alerts with only their timing lost.
- Probabilities follow the base rate by labels that have matured: on the first day of a turn, and until its labels are there, they are off by the
  ratio of the base rates. Levels do not follow it: they begin where the scores of the three days before would have spent the budget, and of the pools of one hour at most
  three times the budget's share reach one. So `risk_score` and `risk_level` say whom to look at now, and `probability` how likely it is. The named baselines are judged as they are known, without it.
- Where models were chosen on some of these folds, a gain over all folds is partly the choice: docs/experiments.md says which, and what was left of it later.
- Most alerts that come six hours before an event see a fall that has begun and goes on: an event is counted from the pool's own 24-hour high.
- The pools are survivors: a recording of pools that are known today leaves out those that nobody recorded.
"""


def model_card(report: Tree) -> str:
    """The card as Markdown."""
    setting, data = report["settings"], report["data"]
    lines = [
        "# Model card",
        "",
        "Generated from a backtest's report. Values with 95 % intervals, weeks drawn, unless said otherwise.",
        "",
        f"What is forecast: `{setting['label']}` within {setting['horizon_hours']} h of the hour of scoring, as a calibrated probability and a rank.",
        f"Judged on {data['pools']} pools, {report['folds'][0]['test']['from'][:10]} to {report['folds'][-1]['test']['to'][:10]}, "
        f"{data['test_rows']:,} rows out of fold, base rate {data['base_rate']:.4f}. The full tables: [backtest](backtest.md).",
        "",
        *_numbers(report),
        *_bar(report),
        *detection_section(report),
        USELESS,
        TRAPS,
    ]
    return "\n".join(lines).rstrip() + "\n"


def _numbers(report: Tree) -> list[str]:
    rows = []
    for name, one in report["results"].items():
        found = one["all"]
        cells = [shown(found[metric]) for metric in ("within_hour_auc", "ap", "auc")]
        cells += [shown(found[metric], 2) for metric in ("slope", "ece_to_base")]
        rows.append([name, *cells, shown(found.get("recall_lead_6"), 2), shown(found.get("recall_null_lead_6"), 2)])
    return [
        "## Numbers",
        "",
        *table(["model", "AUC within hours", "AP", "AUC", "slope", "ECE / base rate", "event recall ≥ 6 h (HIGH)", "by chance"], rows),
    ]


def _bar(report: Tree) -> list[str]:
    """Each demand of the bar with what was reached and by how much it was missed."""
    lines = ["## The bar", ""]
    for name in LEARNED:
        if name in report["results"]:
            lines += [f"`{name}`:", "", *(f"- {'met' if passed else 'missed'}: {text}" for passed, text in demands(report, name)), ""]
    return lines


def demands(report: Tree, name: str) -> list[tuple[bool, str]]:
    """What is asked of a learned model, whether it holds, and the numbers."""
    found = report["results"][name]["all"]
    ap, chance = found["ap"]["value"], found["chance_ap"]["value"]
    result = [(ap >= 4 * chance, f"AP within folds {ap:.4f} is {ap / chance:.1f} × the chance of {chance:.4f}; 4 × is asked")]
    recipe = report["results"].get("phase2_recipe")
    if recipe and name != "phase2_recipe":
        other, gain = recipe["all"]["ap"]["value"], report["paired"][name]["phase2_recipe"]["all"]["ap"]
        passed = ap >= 2 * other and (gain["lo"] or 0) > 0
        result.append((passed, f"AP is {ap / other:.1f} × phase2_recipe's {other:.4f}, gain {_interval(gain)}; 2 × and above 0 are asked"))
    result += [_calibrated(found), _skilled(found), *_over_volatility(report, name)]
    skill = found.get("recall_skill_lead_6")
    if skill and skill["value"] is not None:
        passed = skill["value"] >= STRETCH and (skill["lo"] or 0) > 1
        ratio = f"event recall ≥ 6 h at the HIGH budget is {_interval(skill, 2)} × its time-shift null"
        result.append((passed, f"{ratio}; {STRETCH:g} × is the stretch"))
    return result


def _calibrated(found: Tree) -> tuple[bool, str]:
    error = found["ece_to_base"]
    slope, intercept = (_interval(found[name], 2) for name in ("slope", "intercept"))
    passed = error["value"] is not None and error["value"] <= MAX_ECE_TO_BASE
    return (
        passed,
        f"ECE is {_interval(error, 2)} of the base rate, at most {MAX_ECE_TO_BASE:g} is asked; slope {slope}, intercept {intercept}",
    )


def _skilled(found: Tree) -> tuple[bool, str]:
    skill = found["brier_skill_known"]
    return (skill["hi"] or 0) >= 0, f"Brier skill over the base rate known then {_interval(skill)}; not below 0 is asked"


def _over_volatility(report: Tree, name: str) -> list[tuple[bool, str]]:
    """What it ranks better than one volatility column does: over time, and on pools that the model never saw."""
    result = []
    gains = report["paired"][name].get(BASELINE, {}).get("all", {})
    unseen = (report["leave_pools_out"] or {}).get("by_week", {}).get("paired", {}).get(name, {}).get(BASELINE, {})
    for found, where in ((gains, ""), (unseen, " in leave-pools-out")):
        if "within_hour_auc" in found:
            gain, ap = found["within_hour_auc"], found["ap"]
            text = f"AUC gain over {BASELINE} within hours{where} {_interval(gain)}; an interval above 0 is asked"
            result.append(((gain["lo"] or 0) > 0, text))
            result.append(((ap["hi"] or 0) >= 0, f"AP within folds against {BASELINE}{where} {_interval(ap)}; not worse is asked"))
    return result


def _interval(found: Tree, digits: int = 4) -> str:
    return shown(found, digits)
