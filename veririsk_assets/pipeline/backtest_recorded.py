"""Recorded pools as hourly panels, by the code that makes the live snapshots: what the pulls of each hour would have stored is built at once.

Nothing but a folder with `pool_reserves_4h.parquet` is needed. What the live path would have judged suspect or gone is so here.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pools
from veririsk_assets.contracts.panel import Panel, precision, to_panel
from veririsk_assets.contracts.pool_features import INPUTS, SURROUNDING_INPUTS
from veririsk_assets.contracts.vocabulary import entity_key
from veririsk_assets.contracts.windows import HOUR, Window, floor_hour, naive, utc
from veririsk_assets.labels.pools import INPUTS as LABELLED_BY
from veririsk_assets.pipeline.known.crosswalk import crosswalk
from veririsk_assets.pipeline.pools import judged
from veririsk_assets.snapshots.pools import build_snapshots
from veririsk_assets.sources.recorded import RecordedMarket
from veririsk_assets.sources.recorded_file import Recording, located, recording
from veririsk_assets.sources.recorded_parquet import SUFFIX, digest_of

# More pool-hours than fit into the memory of a large workstation, at some 800 bytes each.
MOST_POOL_HOURS = 35_000_000


@dataclass(frozen=True)
class Recorded:
    """What a recording knows, by the hour: pool panel, market panel (one column), names by column, and the files' hashes.

    `left_out`: in a sentence for each file what of it is not used.
    """

    pools: Panel
    market: Panel
    names: tuple[str, ...]
    data_hash: str
    evidence: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def read_recorded(path: Path, start: datetime | None = None, end: datetime | None = None) -> Recorded:
    """The recording of a folder, between the hours given; a single file stands for itself, without a folder's evidence.

    Raises FileNotFoundError, or ValueError on a file that cannot be used or has no rows then.
    """
    file, folder = located(path)
    seen, market = recording(path), RecordedMarket(path)
    window = _span(file, seen, start, end)
    _require_memory(window.hours, len(seen.spans))
    built = build_snapshots(market.raw_rows(window), crosswalk(False), window)
    nothing = pd.DataFrame()
    hourly = judged(built.hourly, built.surroundings, nothing, nothing, window)
    evidence = {name + SUFFIX: digest_of((folder or path) / (name + SUFFIX)) for name in market.evidence}
    named = _names(seen)
    hourly["pool_key"] = hourly["pool_key"].map({entity_key(pool_id): entity_key(name) for pool_id, name in named.items()})
    keys = np.unique(hourly["pool_key"].to_numpy(dtype=np.int64))
    names = tuple(sorted((name for name in named.values() if entity_key(name) in keys), key=entity_key))
    panel = to_panel(hourly, "pool_key", list(dict.fromkeys((*INPUTS, *LABELLED_BY))), window, keys)
    around = {name: built.surroundings[name].to_numpy(dtype=precision(name))[:, None] for name in SURROUNDING_INPUTS}
    return Recorded(panel, Panel(window, np.array([0]), around), names, digest_of(file), evidence, market.left_out)


def _names(seen: Recording) -> dict[str, str]:
    """The live path's id of each pair, and the name under which a recording's pools are judged."""
    starts = [start for start, _ in seen.spans]
    return {f"{pools.PAIR_PREFIX}{seen.ids[start]}": f"{seen.dexs[start]}:{seen.pools[start]}" for start in starts}


def _span(file: Path, seen: Recording, start: datetime | None, end: datetime | None) -> Window:
    at = seen.at[_between(seen.at, start, end)]
    if len(at) < 2:
        first, last = (str(moment.astype("datetime64[m]")).replace("T", " ") for moment in (seen.at.min(), seen.at.max()))
        raise ValueError(f"{file} has no rows for the hours asked about: it runs from {first} to {last} UTC")
    first_hour, last_hour = (floor_hour(utc(pd.Timestamp(moment).to_pydatetime())) for moment in (at.min(), at.max()))
    return Window(first_hour - HOUR, last_hour)


def _require_memory(hours: int, pools: int) -> None:
    if hours * pools > MOST_POOL_HOURS:
        raise ValueError(f"{hours:,} h of {pools:,} pools do not fit into memory: give fewer hours with --from and --to, or fewer pools")


def _between(at: np.ndarray, start: datetime | None, end: datetime | None) -> np.ndarray:
    is_in = np.ones(len(at), dtype=bool)
    if start is not None:
        is_in &= at >= np.datetime64(naive(start))
    if end is not None:
        is_in &= at < np.datetime64(naive(end))
    return is_in
