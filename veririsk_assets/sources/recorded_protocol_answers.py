"""Recorded protocols as DeFiLlama and CoinGecko would have told them at a second: nothing of a day that had not begun, no sum of one that was not over."""

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.sources.recorded_parquet import SUFFIX
from veririsk_assets.sources.recorded_protocols import SHAPES, recorded_protocols

LLAMA, GECKO = "api.llama.fi", "api.coingecko.com"
# What a recorded protocol's token is called: no coin of CoinGecko's own has such an id.
TOKEN = "recorded."
DAY = 86_400


class ProtocolAnswers:
    """The protocols of a folder, read when they are first asked about; a folder without their files knows nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def answer(self, host: str, path: str, query: dict[str, str], second: int) -> Any | None:
        """The JSON value that the host replied with at a unix second; None where nothing of it is recorded."""
        if not self._is_there:
            return None
        for of, where, told in _ROUTES:
            found = re.fullmatch(where, path)
            if host == of and found:
                return told(self, second, *found.groups(), query.get("ids", ""))
        return None

    def is_about(self, host: str, path: str, query: dict[str, str]) -> bool:
        """Whether the question is about protocols: CoinGecko's prices of other coins lie in other files."""
        return host == LLAMA or (host == GECKO and (TOKEN in query.get("ids", "") or path.endswith("/market_chart")))

    @property
    def _is_there(self) -> bool:
        return self._folder is not None and any((self._folder / f"{name}{SUFFIX}").exists() for name in SHAPES)

    @cached_property
    def _by_day(self) -> dict[int, pd.DataFrame]:
        """Unix second of 00:00 → rows of that day."""
        assert self._folder is not None
        frame = recorded_protocols(self._folder).frame
        stamps = frame["at"].to_numpy(dtype="datetime64[s]").astype(np.int64)
        return {int(at): rows for at, rows in frame.assign(second=stamps).groupby("second")}

    @cached_property
    def _by_protocol(self) -> dict[str, pd.DataFrame]:
        return {str(name): rows for name, rows in pd.concat(self._by_day.values()).groupby("protocol")} if self._by_day else {}

    def _series(self, slug: str, column: str, second: int) -> list[tuple[int, float]]:
        rows = self._by_protocol.get(slug)
        if rows is None:
            return []
        known = rows[(rows["second"] <= second) & rows[column].notna()]
        return list(zip(known["second"].tolist(), known[column].tolist(), strict=True))

    def _today(self, second: int, column: str) -> dict[str, float]:
        rows = self._by_day.get(second - second % DAY)
        if rows is None:
            return {}
        known = rows[rows[column].notna()]
        return dict(zip(known["protocol"].astype(str), known[column].tolist(), strict=True))

    def _protocols(self, second: int, _: str) -> Any | None:
        caps = self._today(second, "market_cap_usd")
        told = [
            {"id": slug, "slug": slug, "name": slug, "tvl": value, "mcap": caps.get(slug), "gecko_id": TOKEN + slug}
            for slug, value in self._today(second, "tvl_usd").items()
        ]
        return told or None

    def _protocol(self, second: int, slug: str, _: str) -> Any | None:
        points = self._series(slug, "tvl_usd", second)
        return {"id": slug, "name": slug, "tvl": [{"date": at, "totalLiquidityUSD": value} for at, value in points]} if points else None

    def _summary(self, second: int, slug: str, _: str) -> Any | None:
        # Rows hold the sum of the day that ended.
        points = [[at - DAY, value] for at, value in self._series(slug, "volume_usd", second)]
        return {"name": slug, "totalDataChart": points} if points else None

    def _overview(self, second: int, metric: str, _: str) -> Any | None:
        told = self._today(second, "volume_usd") if metric == "dexs" else {}
        rows = [{"defillamaId": slug, "slug": slug, "total24h": value} for slug, value in told.items()]
        return {"protocols": rows} if rows else None

    def _chart(self, second: int, slug: str, _: str) -> Any | None:
        points = {name: self._series(slug, name, second) for name in ("price_usd", "market_cap_usd")}
        names = {"prices": "price_usd", "market_caps": "market_cap_usd"}
        return {of: [[1000 * at, value] for at, value in points[name]] for of, name in names.items()} if points["price_usd"] else None

    def _tokens(self, second: int, ids: str) -> Any | None:
        asked = {one.removeprefix(TOKEN) for one in ids.split(",")}
        prices, caps = self._today(second, "price_usd"), self._today(second, "market_cap_usd")
        stamp = str(np.datetime64(second, "s")) + "Z"
        told = [
            {"id": TOKEN + slug, "symbol": slug, "current_price": price, "market_cap": caps.get(slug), "last_updated": stamp}
            for slug, price in prices.items()
            if slug in asked
        ]
        return told or None


# Each gets the second, what its pattern names, and the ids that were asked for.
_ROUTES: tuple[tuple[str, str, Callable[..., Any | None]], ...] = (
    (LLAMA, r"/protocols", ProtocolAnswers._protocols),
    (LLAMA, r"/protocol/([^/]+)", ProtocolAnswers._protocol),
    (LLAMA, r"/summary/dexs/([^/]+)", ProtocolAnswers._summary),
    (LLAMA, r"/overview/(dexs|fees)", ProtocolAnswers._overview),
    (GECKO, r"/api/v3/coins/recorded\.([^/]+)/market_chart", ProtocolAnswers._chart),
    (GECKO, r"/api/v3/coins/markets", ProtocolAnswers._tokens),
)
