"""One hour of pools, from stored raw to the published file, at 1,000, 5,000 and 20,000 pools.

    python -m bench.hourly [POOLS ...]

Builds a lake of 30 days in a temporary folder, with a small model per horizon as champion, then runs four hours by the steps that
Dagster runs. The first hour pays for imports and compiling and is shown apart; the others give best and median. Every step stands
beside a named peer of the same run: what anyone must do at least. Dagster's own share is not in here.
"""

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.hourly_lake import END, HOURS_RUN, TRAINING_POOLS, build_house
from bench.hourly_peers import PEERS, arithmetic, panels
from veririsk_assets.contracts.detections import POOL_DETECTIONS
from veririsk_assets.contracts.pool_features import FEATURE_NAMES
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.contracts.windows import Window
from veririsk_assets.pipeline.path import knowing, saying
from veririsk_assets.pipeline.publishing import publish
from veririsk_assets.pipeline.saying.detections import store_detections
from veririsk_assets.pipeline.step import House

SIZES = (1_000, 5_000, 20_000)
# Wall seconds at 20,000 pools; explanations are of two horizons.
TARGETS = {"features": 4.0, "of that arithmetic": 0.5, "scores": 0.2, "explanations": 4.0, "publish": 2.0}
# The shadow is apart: nobody waits in it here.
STEPS: dict[str, Callable[[House, Window], Any]] = {
    **{
        step.table.stage: step.make
        for step in (*knowing(POOLS), *saying(POOLS))
        if step.table is not POOL_DETECTIONS and not step.table.is_shared
    },
    "detections": store_detections,
    "publish": lambda house, _: publish(house),
}
PARTS = ("of that read", "of that arithmetic")


@dataclass
class Times:
    """Wall and CPU seconds of one piece of work, one pair per hour."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self, work: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)
        return result

    @property
    def best(self) -> float:
        return min(self.wall[1:])

    @property
    def median(self) -> float:
        return statistics.median(self.wall[1:])

    @property
    def best_cpu(self) -> float:
        return min(self.cpu[1:])


@dataclass
class Measured:
    """What one size took. `times` holds steps, parts of features, and peers under `peer of <step>`."""

    pools: int
    build_seconds: float = 0.0
    times: dict[str, Times] = field(default_factory=dict)
    published_mb: float = 0.0

    def __getitem__(self, name: str) -> Times:
        return self.times.setdefault(name, Times())


def measure(pools: int, folder: Path, taught_pools: int = TRAINING_POOLS) -> Measured:
    """Builds the lake and runs the hours."""
    found = Measured(pools)
    start = time.perf_counter()
    house = build_house(folder, pools, taught_pools)
    publish(house)  # the publications that are measured are incremental ones
    found.build_seconds = time.perf_counter() - start
    for window in _hours():
        for name, step in STEPS.items():
            found[name].run(lambda step=step, window=window: step(house, window))
            found[f"peer of {name}"].run(lambda name=name, window=window: PEERS[name][1](house, window))
        read = found["of that read"].run(lambda window=window: panels(house, window))
        found["of that arithmetic"].run(lambda read=read: arithmetic(*read))
    found.published_mb = house.settings.published_file.stat().st_size / 1e6
    house.close()
    return found


def _hours() -> Iterator[Window]:
    return Window.ending(END, HOURS_RUN).each()


def report(found: Measured) -> None:
    print(f"\n{found.pools:,} pools, built in {found.build_seconds:.0f} s, published file {found.published_mb:,.0f} MB")
    print(f"{'':20} {'first s':>8} {'best s':>8} {'median s':>9} {'CPU s':>7} {'target':>7} {'ratio':>7}  to its peer")
    for name in _lines():
        times, target = found[name], TARGETS.get(name) if found.pools == max(SIZES) else None
        line = f"{name:20} {times.wall[0]:8.2f} {times.best:8.2f} {times.median:9.2f} {times.best_cpu:7.2f}"
        line += f" {f'≤ {target:g}' if target else '':>7}"
        if name in PEERS:
            peer = found[f"peer of {name}"].best
            line += f" {times.best / peer:6.1f}×  {PEERS[name][0]}, {peer:.3f} s"
        print(line)
    whole = sum(found[name].median for name in STEPS)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{'the hour':20} {sum(found[name].wall[0] for name in STEPS):8.2f} {'':8} {whole:9.2f}   (peak memory so far {memory:.1f} GB)",
        flush=True,
    )


def _lines() -> list[str]:
    return ["snapshots", "features", *PARTS, "scores", "explanations", "detections", "publish"]


def growth(all_found: list[Measured]) -> None:
    """Microseconds per pool: where the line stays level, the step is linear."""
    print("\nmicroseconds per pool (best wall)\n" + " " * 20 + "".join(f"{found.pools:>10,}" for found in all_found))
    for name in _lines():
        print(f"{name:20}" + "".join(f"{found[name].best / found.pools * 1e6:10.1f}" for found in all_found))


def main(sizes: tuple[int, ...] = SIZES, taught_pools: int = TRAINING_POOLS) -> None:
    print(f"all {len(FEATURE_NAMES)} features, two horizons, look-back 30 days")
    all_found = []
    for pools in sizes:
        with tempfile.TemporaryDirectory() as folder:
            all_found.append(measure(pools, Path(folder), taught_pools))
        report(all_found[-1])
    growth(all_found)


if __name__ == "__main__":
    main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
