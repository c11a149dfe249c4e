"""A lake of a month of hours with N pools, written in bulk: what `bench.hourly` runs its hours on."""

from pathlib import Path

import numpy as np
import pandas as pd

from veririsk_assets.contracts import pools, raw
from veririsk_assets.contracts.models import CHAMPIONS
from veririsk_assets.contracts.panel import Panel
from veririsk_assets.contracts.pool_features import INPUTS, LOOKBACK_HOURS, SURROUNDING_INPUTS
from veririsk_assets.contracts.surroundings import SURROUNDINGS
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.vocabulary import HORIZONS, entity_key
from veririsk_assets.contracts.windows import PULL_DELAY, Window, utc
from veririsk_assets.features.pools import build_features
from veririsk_assets.labels.pools import build_labels
from veririsk_assets.models.catalogue import pools as catalogue
from veririsk_assets.pipeline.learning import champions
from veririsk_assets.pipeline.step import House
from veririsk_assets.settings import Settings
from veririsk_assets.snapshots.pools import LOOKBACK_HOURS as RAW_HOURS
from veririsk_assets.training.companions import equipped
from veririsk_assets.training.datasets import from_panels
from veririsk_assets.training.fit import train

END = utc("2026-03-31")
HOURS_RUN = 4
HISTORY = Window.ending(END, LOOKBACK_HOURS + HOURS_RUN + 1)
BEFORE = Window(HISTORY.start, Window.ending(END, HOURS_RUN).start)
# Heads need columns that look back a month: pools are taught on the month after that.
TAUGHT = Window.ending(END, 2 * LOOKBACK_HOURS)
TRAINING_POOLS = 300
PROVENANCE = {"observed_at": pd.NaT, "observed_kind": "none", "payload_hash": "0" * 32}


def build_house(folder: Path, count: int, taught_pools: int = TRAINING_POOLS) -> House:
    """A home whose next hour is the first of HOURS_RUN: snapshots, raw rows, champions; nothing scored yet."""
    settings = Settings(home=folder, source="simulated", _env_file=None)
    house = House.open(settings, lambda: END)
    names = [f"bench-{i}" for i in range(count)]
    keys = np.array([entity_key(f"defillama:{name}") for name in names], dtype=np.int64)
    order = np.argsort(keys)
    market = walks(HISTORY, keys[order])
    _pools(house, names, keys)
    _snapshots(house, market)
    _raw(house, market, np.array(names, dtype=object)[order])
    _champions(house, taught_pools)
    return house


def walks(window: Window, keys: np.ndarray) -> Panel:
    """Geometric walks with rare falls of a quarter; every column that a snapshot can have."""
    rng, shape = np.random.default_rng(7), (window.hours, len(keys))

    def walk(size: float, falls: float = 0.0) -> np.ndarray:
        steps = rng.standard_normal(shape, dtype=np.float32) * np.float32(size)
        steps -= np.float32(0.3) * (rng.random(shape, dtype=np.float32) < falls)
        return np.exp(np.cumsum(steps, axis=0, dtype=np.float32))

    tvl, uneven = 2e6 * walk(0.01, 0.0008), rng.random(shape, dtype=np.float32) * np.float32(0.3)
    columns = {"tvl_usd": tvl, "reserve0_usd": tvl * (1 + uneven) / 2, "reserve1_usd": tvl * (1 - uneven) / 2}
    columns |= {"volume_1h_usd": tvl * (1 + uneven) / 50, "volume_24h_usd": tvl / 3, "price_ratio": walk(0.005)}
    columns |= {"lp_supply": walk(0.004, 0.0008), "apy": uneven, "input_age_hours": np.full(shape, 0.05, dtype=np.float32)}
    columns |= {"price0_usd": walk(0.006), "price1_usd": walk(0.003), "lp_top1_share": uneven, "lp_top5_share": uneven * 2}
    columns |= {"taken_back_hours": np.zeros(shape, dtype=np.float32)}
    return Panel(window, keys, columns)


def eth(window: Window) -> np.ndarray:
    return 2_000.0 * np.exp(np.cumsum(np.random.default_rng(8).standard_normal(window.hours) * 0.005))


def outside(window: Window) -> dict[str, np.ndarray]:
    """SURROUNDING_INPUTS by the hour."""
    return dict.fromkeys(SURROUNDING_INPUTS, eth(window) / 2_000.0) | {"eth_price_usd": eth(window)}


def _pools(house: House, names: list[str], keys: np.ndarray) -> None:
    rows = pd.DataFrame({"pool_key": keys, "pool_id": [f"defillama:{name}" for name in names], "name": names})
    first = pd.Timestamp(HISTORY.as_ofs[0])
    house.lake.append(pools.POOLS, rows.assign(protocol="bench", chain="ethereum", source="defillama", first_seen_at=first))


def _snapshots(house: House, market: Panel) -> None:
    """Day by day, as upkeep leaves it."""
    unknown = ["reserve0", "reserve1", "protocol_held_usd", "second_tvl_usd"]
    start = 0
    for day in BEFORE.chunks(24):
        part = Panel(day, market.keys, {name: values[start : start + day.hours] for name, values in market.values.items()})
        rows = part.frame("pool_key").assign(
            source="defillama", is_tombstone=False, is_suspect=False, doubt=None, **dict.fromkeys(unknown, np.nan)
        )
        house.lake.replace(pools.POOL_SNAPSHOTS, rows[pools.POOL_SNAPSHOTS.names], day)
        start += day.hours
    hours = pd.DataFrame({name: values[: BEFORE.hours] for name, values in outside(HISTORY).items()})
    hours = hours.assign(as_of=BEFORE.as_ofs, market_cap_usd=1e12)
    house.lake.replace(SURROUNDINGS, hours[SURROUNDINGS.names], BEFORE)


def _raw(house: House, market: Panel, names: np.ndarray) -> None:
    """What DeFiLlama and CoinGecko said in the hours that a snapshot looks back to, one append per hour."""
    text = {"chain": "Ethereum", "project": "bench", "pool_meta": None, "exposure": "multi", "source": "defillama", "endpoint": "/pools"}
    symbols = np.array([f"TOKEN{i % 500}-ETH" for i in range(len(names))], dtype=object)
    prices = eth(HISTORY)
    for i in range(HISTORY.hours - RAW_HOURS - HOURS_RUN, HISTORY.hours):
        at = pd.Timestamp(market.as_ofs[i]) + pd.Timedelta(PULL_DELAY)
        when = {"pulled_at": at, "available_at": at, **PROVENANCE}
        said = {name: market[name][i].astype(np.float64) for name in ("tvl_usd", "volume_24h_usd")}
        apy = market["apy"][i].astype(np.float64) * 100
        rows = pd.DataFrame({"pool": names, "symbol": symbols, "apy_pct": apy, "apy_base_pct": apy, "apy_reward_pct": np.nan, **said})
        house.lake.append(raw.DEFILLAMA_POOLS, rows.assign(**text, **when)[raw.DEFILLAMA_POOLS.names])
        coins = pd.DataFrame(
            {"coin_id": ["ethereum", *(f"coin-{k}" for k in range(249))], "symbol": ["eth", *(f"token{k}" for k in range(249))]}
        )
        coins = coins.assign(
            price_usd=prices[i], market_cap_usd=1e9, volume_24h_usd=1e7, source="coingecko", endpoint="/coins/markets", **when
        )
        house.lake.append(raw.COINGECKO_MARKETS, coins[raw.COINGECKO_MARKETS.names])


def _champions(house: House, taught_pools: int) -> None:
    """150 trees per horizon, the most that a champion has, with its heads, learnt from pools of their own and put where scoring looks."""
    market = walks(TAUGHT, np.arange(taught_pools))
    shared = Panel(TAUGHT, np.array([0]), {name: values[:, None].astype(np.float32) for name, values in outside(TAUGHT).items()})
    inputs = Panel(TAUGHT, market.keys, {name: market[name] for name in INPUTS})
    watched = Panel(TAUGHT, market.keys, {**market.values, "is_tombstone": np.zeros(market.shape, dtype=np.float32)})
    features = build_features(inputs, shared, TAUGHT.hours)
    for horizon in HORIZONS:
        labels = build_labels(watched, horizon, LOOKBACK_HOURS - horizon)
        hours = labels.window
        first = round((hours.start - TAUGHT.start).total_seconds() / 3600)
        known = Panel(hours, market.keys, {name: values[first : first + hours.hours] for name, values in features.values.items()})
        dataset = from_panels(known, labels, horizon)
        trained = train(dataset, catalogue.spec(catalogue.CHAMPION_CANDIDATE, horizon, patience=None))
        equipped(trained.served, {}, dataset).save(champions.folder(house.settings, POOLS, horizon, "1"))
        row = {"system": POOLS.name, "horizon_hours": horizon, "version": "1", "valid_from": pd.Timestamp(HISTORY.as_ofs[0])}
        row |= {"decided_at": pd.Timestamp(HISTORY.as_ofs[0]), "action": "promote", "reason": trained.spec.name}
        house.lake.append(CHAMPIONS, pd.DataFrame([row]))
