"""Compiles and lists what a first run would otherwise wait for, at image build: `python -m veririsk_assets.defs.warm`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from veririsk_assets.contracts.windows import HOUR
from veririsk_assets.settings import Settings

HOURS = 30
POOLS = 8


def main() -> None:
    """A few hours of a tiny simulated market, from the first pull to the published file, in a folder that is thrown away."""
    import matplotlib.font_manager  # noqa: F401  # lists the fonts as it is imported

    from veririsk_assets.pipeline import replay
    from veririsk_assets.pipeline.outside import outside
    from veririsk_assets.pipeline.publishing import publish
    from veririsk_assets.pipeline.step import House

    end = datetime(2026, 1, 2, tzinfo=UTC)
    with TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), published=None, pools=POOLS)
        house = House.open(settings, lambda: end + timedelta(minutes=30))
        replay.run(house, outside(house, end), end - HOURS * HOUR, end - 2 * HOUR, end, lambda *_: None)
        publish(house)
        house.close()


if __name__ == "__main__":
    main()
