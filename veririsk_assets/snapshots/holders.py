"""How much of a pool's LP tokens its largest holders have, on the grid."""

import numpy as np
import pandas as pd

from veririsk_assets.contracts.pools import PAIR_PREFIX
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import Window
from veririsk_assets.panels.as_of import as_of_fill

MAX_AGE_HOURS = 7 * 24.0
LARGEST = {"lp_top1_share": 1, "lp_top5_share": 5}


def lp_shares(positions: pd.DataFrame, crosswalk: dict[str, str], window: Window, keys: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of LARGEST, hours × keys, 0–1, from rows of raw/thegraph_lp_positions.

    Null where the supply or a holder's balance is not known, and where holders would have more than there is.
    """
    answers = _answers(positions)
    pairs = answers.index.get_level_values("pair")
    names = {pair: entity_key(crosswalk.get(PAIR_PREFIX + pair, PAIR_PREFIX + pair)) for pair in pairs.unique()}
    row_keys = np.array([names[pair] for pair in pairs], dtype=np.int64)
    observed, available = (answers[name].to_numpy(dtype="datetime64[us]") for name in ("observed_at", "available_at"))
    index, _ = as_of_fill(observed, available, row_keys, window, keys, MAX_AGE_HOURS)
    return {name: np.where(index >= 0, answers[name].to_numpy(dtype=np.float64)[index], np.nan) for name in LARGEST}


def _answers(positions: pd.DataFrame) -> pd.DataFrame:
    """One row per pair and pull: its shares and stamps."""
    answer = ["pair", "pulled_at"]
    ranked = positions.sort_values("balance", ascending=False, kind="stable")
    place = ranked.groupby(answer).cumcount()
    grouped = ranked.groupby(answer)
    answers = grouped[["available_at", "observed_at"]].max()
    answers["observed_at"] = answers["observed_at"].fillna(answers["available_at"])
    supply = grouped["lp_supply"].first().where(grouped["balance"].count() == grouped.size())
    for name, count in LARGEST.items():
        share = ranked["balance"].where(place < count).groupby([ranked[column] for column in answer]).sum() / supply.where(supply > 0)
        answers[name] = share.where(share <= 1.0)
    return answers
