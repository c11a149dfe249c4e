"""One odd text costs at most its own row, from the reply to the lake, on either catalog."""

import json

import pytest

from veririsk_assets.contracts import raw
from veririsk_assets.lake.lake import Lake
from veririsk_assets.settings import Settings
from veririsk_assets.sources import defillama, hyperliquid
from veririsk_assets.sources.pull import Pull
from veririsk_assets.wire.errors import PermanentSourceError
from veririsk_assets.wire.responses import parsed
from veririsk_assets_tests.sources.answers import Answers, wire

ODD = (
    "MOON\ud83d-WETH", "a\0b", "[/red]", "[bold]vault[/bold]", ":fire:", "\x1b[31mred\x1b[0m", "a\nb", "x" * 3000, "\u202egnp.exe", "<!channel>",
    "=cmd|' /C calc'!A0", "o'brien; DROP TABLE x; --", "<script>alert(1)</script>", "\u200b", "東京 🚀", "\x85\u2028",
)  # fmt: skip
# What can be no id: the row has none, and is refused.
BROKEN_IDS = {"MOON\ud83d-WETH", "a\0b", "\x1b[31mred\x1b[0m", "a\nb", "x" * 3000, "\x85\u2028"}


def pools_with(settings: Settings, name: str) -> Pull:
    """A pool per odd text, which is its `name`, and a plain one."""
    row = {"pool": "plain", "chain": "Ethereum", "project": "uniswap-v2", "symbol": "USDC-WETH", "tvlUsd": 1e6}
    rows = [row, *(row | {"pool": f"p{i}", name: odd} for i, odd in enumerate(ODD))]
    return defillama.pools(wire(Answers(lambda _: {"status": "success", "data": rows})), settings)


@pytest.mark.parametrize("name", ["symbol", "chain", "project", "poolMeta", "exposure"])
def test_a_row_with_an_odd_name_is_stored(lake: Lake, settings: Settings, name: str) -> None:
    written = lake.append(raw.DEFILLAMA_POOLS, pools_with(settings, name).frame)
    assert (written.rows, written.refused) == (len(ODD) + 1, 0)
    stored = lake.read(raw.DEFILLAMA_POOLS)
    assert list(stored["pool"]) == sorted(["plain", *(f"p{i}" for i in range(len(ODD)))])


def test_a_row_with_an_id_that_can_be_none_is_refused_with_a_reason(lake: Lake, settings: Settings) -> None:
    written = lake.append(raw.DEFILLAMA_POOLS, pools_with(settings, "pool").frame)
    assert written.refused == len(BROKEN_IDS)
    assert set(lake.read(raw.DEFILLAMA_POOLS)["pool"]) == {"plain", *ODD} - BROKEN_IDS
    refused = lake.sql("SELECT column_name, rule, reason FROM lake.monitoring.quarantine")
    assert set(zip(refused["column_name"], refused["rule"], strict=True)) == {("pool", "missing")}


def test_a_coin_of_another_source_is_held_to_the_same(settings: Settings) -> None:
    body = [{"universe": [{"name": "BTC"}, {"name": "MOON\ud83d"}]}, [{"funding": "0.1"}, {"funding": "0.2"}]]
    assert hyperliquid.markets(wire(Answers(lambda _: body)), settings).frame["coin"].fillna("none").tolist() == ["BTC", "none"]


def test_a_byte_that_is_no_utf8_or_a_bare_control_sign_costs_no_other_row() -> None:
    body = b'[{"symbol": "caf\xe9"}, {"symbol": "a\tb\x01"}, {"symbol": "\xed\xa0\xbd"}, {"symbol": "USDC"}]'
    assert [row["symbol"] for row in parsed(body)] == ["caf\ufffd", "a\tb\x01", "\ufffd" * 3, "USDC"]
    assert parsed(json.dumps(["東京 🚀"]).encode("utf-16")) == ["東京 🚀"]


def test_what_a_source_says_went_wrong_can_be_stored() -> None:
    assert str(PermanentSourceError("no such coin: MOON\ud83d\0")).encode()
