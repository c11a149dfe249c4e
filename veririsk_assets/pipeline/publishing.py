"""The published file of a home, and what it says when it is read back."""

from pathlib import Path

from veririsk_assets.lake import publish as publisher
from veririsk_assets.pipeline import ahead
from veririsk_assets.pipeline.step import House


def publish(house: House) -> publisher.Publication:
    """Brings the published file up to the lake. Rows from the future are set aside first: the newest hour bounds all others."""
    ahead.set_aside(house)
    settings = house.settings
    return publisher.publish(house.lake, Path(settings.published_file), settings.history_days, settings.detail_days)
