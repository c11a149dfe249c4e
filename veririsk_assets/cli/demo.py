"""The end of the demo: what was made, what it is and is not, and where to look next."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from veririsk_assets.cli.render import show_prediction, show_ranking
from veririsk_assets.contracts.systems import PROTOCOLS
from veririsk_assets.serving.queries import NothingPublished, PublishedFile, prediction
from veririsk_assets.serving.terminal import say
from veririsk_assets.settings import Settings
from veririsk_assets.simulation.catalogue import FORCED, NAMED

# What the simulated market forces into trouble at the demo's last hour.
FORCED_NAMES = tuple(NAMED[index] for index in FORCED)
FEWEST_PROTOCOLS = 20
# In this market, and of recorded pools: as an audit measured them.
SIMULATED_LIFT, REAL_LIFT = 8.4, 2.3
WHAT_THIS_IS = f"""
This is a simulated market, not a forecast of any real pool or protocol. {" and ".join(FORCED_NAMES)} are forced into trouble at its last hour,
so that there is something to see. Its lift of about {SIMULATED_LIFT:g} is nothing like that of real pools, about {REAL_LIFT:g}: docs/backtest.md, docs/model_card.md.
Real data: `VERIRISK_SOURCE=live .venv/bin/veririsk fetch` for the hour that is now, `VERIRISK_SOURCE=live make ui` for every hour;
`VERIRISK_SOURCE=recorded VERIRISK_RECORDED_DIR=/path/to/folder .venv/bin/veririsk run --from … --to …` for recorded pools (README.md, "On real data").
"""


def show_demo(settings: Settings, out: Console) -> None:
    """The rankings of pools and of protocols, one prediction of each, and what all of it is."""
    published = PublishedFile(Path(settings.published_file))
    show_ranking(published, out, 12, 24)
    show_prediction(published, prediction(published, FORCED_NAMES[0], None), out)
    protocols = PublishedFile(Path(settings.published_file), PROTOCOLS)
    show_ranking(protocols, out, 6, PROTOCOLS.shown_horizon)
    show_prediction(protocols, prediction(protocols, protocols.ranking(PROTOCOLS.shown_horizon)[PROTOCOLS.id].iloc[0], None), out)
    say(out, *WHAT_THIS_IS.splitlines())
    say(out, f"Published: {settings.published_file}")
    say(out, "Next: `make ui` for the graph, `.venv/bin/veririsk predict curve_3pool`, `.venv/bin/veririsk rank --system protocols`.")


def check_demo(published: PublishedFile) -> str:
    """One line about a good file; raises NothingPublished with what is wrong."""
    rows = published.ranking(24)
    about = published.sql("SELECT * FROM _about").iloc[0]
    levels = dict(zip(rows["name"], rows["risk_level"], strict=True))
    wrong = [f"{name} is {levels.get(name, 'missing')}" for name in FORCED_NAMES if levels.get(name) != "HIGH"]
    if wrong:
        raise NothingPublished(f"the demo's ranking does not make sense: {', '.join(wrong)}")
    share = (rows["risk_level"] == "HIGH").mean()
    if share > 0.5:
        raise NothingPublished(f"{share:.0%} of the pools are HIGH: nobody would look at that")
    protocols = replace(published, system=PROTOCOLS).ranking(PROTOCOLS.shown_horizon)
    scored = protocols[protocols["risk_score"].notna()]
    if len(scored) < FEWEST_PROTOCOLS or (scored["risk_level"] == "HIGH").mean() > 0.5:
        raise NothingPublished(
            f"{len(scored)} of {len(protocols)} protocols have a score, {(scored['risk_level'] == 'HIGH').sum()} of them HIGH"
        )
    latest: datetime = about["latest_as_of"]
    return (
        f"published file is good: {len(rows)} pools at {latest:%Y-%m-%d %H:%M} UTC, {share:.0%} HIGH, {', '.join(FORCED_NAMES)} among them; "
        f"{len(scored)} protocols at {scored['as_of'].iloc[0]:%Y-%m-%d}"
    )
