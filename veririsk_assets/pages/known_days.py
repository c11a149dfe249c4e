"""The days that people remember, as a section of a backtest's page."""

from veririsk_assets.pages.markdown import Tree, table


def known_days_section(report: Tree) -> list[str]:
    """Nothing where the report has none."""
    days = report.get("known_days")
    if not days:
        return []
    models = list(next((day["said"] for day in days if day["is_judged"]), {}))
    lines = ["## Known days", ""]
    lines += ["What was said at the 00:00 UTC before: the probability, and the place among that day's protocols (1 is the riskiest);"]
    lines += [
        "in bold where it is within the tenth that the budget of MEDIUM and above looks at. Chosen beforehand, shown right or wrong.",
        "",
    ]
    rows = [[day["what"], day["as_of"], *_fate(day), *(_said(day, name) for name in models)] for day in days]
    return lines + table(["what", "as of", "fell in the horizon", "among", *models], rows)


def _fate(day: Tree) -> list[str]:
    if not day["is_judged"]:
        return [f"no row out of fold of {' or '.join(day['names'])}", "–"]
    return ["yes" if day["fell"] else "no", str(day["among"])]


def _said(day: Tree, name: str) -> str:
    if not day["is_judged"]:
        return "–"
    said = day["said"][name]
    words = f"{said['probability']:.3f}, {said['place']}"
    return f"**{words}**" if said["is_seen"] else words
