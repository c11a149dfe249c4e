"""A recorded folder's evidence as its sources would have told it: replies by host, as of a second."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from veririsk_assets.sources import recorded_evidence as files
from veririsk_assets.sources.recorded_evidence import EvidenceRows
from veririsk_assets.sources.recorded_told import TELLERS, Told


class Evidence:
    """The files beside a recording that are there. `folder` None knows nothing. Raises ValueError on a file that cannot be used."""

    def __init__(self, folder: Path | None) -> None:
        found = {name: files.evidence_rows(folder, name) for name in files.FILES} if folder else {}
        self._rows: dict[str, EvidenceRows] = {name: rows for name, rows in found.items() if rows is not None}
        self.names = tuple(self._rows)
        self.left_out = tuple(rows.left_out for rows in self._rows.values() if rows.left_out)

    def told(self, name: str, instants: np.ndarray) -> Told | None:
        """What a file's source said at instants (datetime64[us]); None where there is no such file."""
        return TELLERS[name](self._rows[name].frame, files.FILES[name], instants) if name in self._rows else None


def answer(host: str, told: Told | None, asked: str, second: int) -> Any | None:
    """The JSON value that the host replied with at a unix second to the body `asked`; None where nothing of then is recorded."""
    return HOSTS[host][1](told, asked, second) if told else None


def _said(value: float) -> str | None:
    return repr(float(value)) if np.isfinite(value) else None


def _second(stamp: Any) -> int:
    return int(np.datetime64(stamp, "s").astype(np.int64))


def _perpetuals(told: Told, *_: Any) -> Any:
    unknown = dict.fromkeys(("openInterest", "markPx", "oraclePx", "dayNtlVlm"))
    contexts = [{"funding": _said(row["funding_rate"]), "premium": _said(row["premium"])} | unknown for row in told.rows()]
    return [{"universe": [{"name": name} for name in told.columns["coin"]]}, contexts]


def _aave(told: Told, *_: Any) -> Any:
    markets = [
        {
            "id": row["market"],
            "inputToken": {"id": row["asset"], "symbol": row["symbol"]},
            "totalDepositBalanceUSD": _said(row["supplied_usd"]),
            "totalBorrowBalanceUSD": _said(row["borrowed_usd"]),
            "cumulativeLiquidateUSD": _said(row["liquidated_usd_cum"]),
        }
        for row in told.rows()
    ]
    return {"data": {"markets": markets, "_meta": {"block": {"number": 0, "timestamp": _second(told.observed_at[0])}}}}


def _stablecoins(told: Told, *_: Any) -> Any:
    own = ("name", "symbol", "gecko_id")
    return {
        "peggedAssets": [
            {name: row[name] for name in own}
            | {"id": row["stablecoin_id"], "pegType": row["peg_type"], "circulating": {row["peg_type"]: row["circulating"]}}
            for row in told.rows()
        ]
    }


def _mood(told: Told, *_: Any) -> Any:
    stamps = zip(told.columns["value"], told.observed_at, strict=True)
    return {"data": [{"value": f"{value:.0f}", "timestamp": str(_second(at))} for value, at in stamps]}


def _ethereum(told: Told, asked: str, second: int) -> Any:
    price = hex(round(float(told.columns["gas_price_gwei"][0]) * 1e9))
    results = {"eth_gasPrice": price, "eth_getBlockByNumber": {"number": "0x0", "timestamp": hex(second)}}
    result = results.get(json.loads(asked).get("method"))
    return None if result is None else {"jsonrpc": "2.0", "id": 1, "result": result}


def _coins(told: Told, *_: Any) -> Any:
    return [
        {
            "id": row["coin_id"],
            "symbol": row["symbol"],
            "current_price": row["price_usd"],
            "last_updated": f"{row['observed_at']:%Y-%m-%dT%H:%M:%SZ}",
        }
        for row in told.rows()
    ]


HOSTS: dict[str, tuple[str, Callable[[Told, str, int], Any]]] = {
    "api.hyperliquid.xyz": (files.FUNDING, _perpetuals),
    "aave.replayed.invalid": (files.AAVE, _aave),
    "stablecoins.llama.fi": (files.STABLECOINS, _stablecoins),
    "api.alternative.me": (files.MOOD, _mood),
    "ethereum.replayed.invalid": (files.GAS, _ethereum),
    "api.coingecko.com": (files.PRICES, _coins),
}
