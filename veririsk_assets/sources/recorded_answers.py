"""A recorded folder's evidence as its sources would have told it: by host, as of a second, nothing that was not yet known.

Gas is not among it: the mean price of a day is no answer that a node gives.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from veririsk_assets.contracts.vocabulary import AAVE_ASSETS
from veririsk_assets.sources import recorded_evidence as files

# Ethereum addresses of the reserves, and what the coins are called elsewhere.
RESERVES = dict(zip(("DAI", "USDC", "USDT", "WETH"), AAVE_ASSETS, strict=True))
GECKO_IDS = {"USDT": "tether", "USDC": "usd-coin", "DAI": "dai"}
PEG = "peggedUSD"


class RecordedAnswers:
    """`folder` None knows nothing. Raises ValueError on a file that cannot be used."""

    def __init__(self, folder: Path | None) -> None:
        # Those that no host tells too: what is wrong with a folder does not depend on who reads it.
        found = {name: files.evidence_rows(folder, name) for name in files.FILES} if folder else {}
        self._rows = {name: rows.frame for name, rows in found.items() if rows is not None}
        self.left_out = tuple(rows.left_out for rows in found.values() if rows is not None and rows.left_out)

    def answer(self, host: str, second: int) -> Any | None:
        """The JSON value that the host's reply had at a unix second; None where nothing of then is recorded."""
        if host not in HOSTS or HOSTS[host][0] not in self._rows:
            return None
        name, write = HOSTS[host]
        known = _known(self._rows[name], files.FILES[name], np.datetime64(second, "s"))
        return write(known) if len(known) else None


def _known(rows: pd.DataFrame, about: files.EvidenceFile, now: np.datetime64) -> pd.DataFrame:
    """Rows known at `now` and not too old to serve, by time."""
    at = rows["at"].to_numpy(dtype="datetime64[us]")
    oldest = now - np.timedelta64(int(about.max_age_hours * 3600), "s") - about.true
    return rows.iloc[np.searchsorted(at, oldest) : np.searchsorted(at, now - about.known, side="right")]


def _newest(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    return rows.drop_duplicates(by, keep="last").sort_values(by)


def _seconds(stamps: pd.Series) -> list[int]:
    return (stamps.to_numpy(dtype="datetime64[s]").astype(np.int64)).tolist()


def _said(value: float) -> str | None:
    return repr(float(value)) if np.isfinite(value) else None


def _perpetuals(rows: pd.DataFrame) -> Any:
    newest = _newest(rows, "symbol")
    unknown = dict.fromkeys(("openInterest", "markPx", "oraclePx", "dayNtlVlm"))
    contexts = [
        {"funding": _said(f), "premium": _said(p)} | unknown for f, p in zip(newest["funding_rate"], newest["premium"], strict=True)
    ]
    return [{"universe": [{"name": name} for name in newest["symbol"]]}, contexts]


def _aave(rows: pd.DataFrame) -> Any:
    """The block is as old as the oldest of the reserves: none of them is said to be younger than it is."""
    newest = _newest(rows[rows["asset"].isin(list(RESERVES))], "asset")
    markets = [
        {
            "id": RESERVES[row["asset"]],
            "inputToken": {"id": RESERVES[row["asset"]], "symbol": row["asset"]},
            "totalDepositBalanceUSD": _said(row["supplied_usd"]),
            "totalBorrowBalanceUSD": _said(row["borrowed_usd"]),
            "cumulativeLiquidateUSD": _said(row["liquidated_usd_cum"]),
        }
        for row in newest.to_dict("records")
    ]
    block = {"number": 0, "timestamp": min(_seconds(newest["at"] + files.FILES[files.AAVE].true))} if markets else None
    return {"data": {"markets": markets, "_meta": {"block": block}}}


def _stablecoins(rows: pd.DataFrame) -> Any:
    newest = _newest(rows[rows["symbol"].isin(list(GECKO_IDS)) & (rows["supply"] > 0)], "symbol")
    return {
        "peggedAssets": [
            {"id": GECKO_IDS[name], "name": name, "symbol": name, "gecko_id": GECKO_IDS[name], "pegType": PEG, "circulating": {PEG: supply}}
            for name, supply in zip(newest["symbol"], newest["supply"], strict=True)
        ]
    }


def _mood(rows: pd.DataFrame) -> Any:
    """The newest two, the newest first."""
    newest = rows.iloc[::-1][:2]
    stamps = _seconds(newest["at"])
    return {"data": [{"value": f"{value:.0f}", "timestamp": str(at)} for value, at in zip(newest["value"], stamps, strict=True)]}


HOSTS: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
    "api.hyperliquid.xyz": (files.FUNDING, _perpetuals),
    "aave.replayed.invalid": (files.AAVE, _aave),
    "stablecoins.llama.fi": (files.STABLECOINS, _stablecoins),
    "api.alternative.me": (files.MOOD, _mood),
}
