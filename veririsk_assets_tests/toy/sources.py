"""lanterns.invalid: how bright each lantern is."""

from veririsk_assets.settings import Settings
from veririsk_assets.sources.numbers import number, text
from veririsk_assets.sources.pull import Pull, pulled, rows_expected, rows_of
from veririsk_assets.wire.provider import Provider
from veririsk_assets.wire.session import Wire
from veririsk_assets_tests.toy.contracts import RAW

PROVIDER = Provider("toy", "https://lanterns.invalid", 60.0, 2, is_metered=False)


def glows(wire: Wire, _settings: Settings) -> Pull:
    reply = wire.get_json(PROVIDER, "/glows", check=rows_expected("id", "lanterns"))
    rows = rows_of(reply, "lanterns")
    return pulled(RAW, reply, {"lantern": [text(row.get("id")) for row in rows], "glow": [number(row.get("glow")) for row in rows]})
