"""Cuts a panel into tiles and lets threads work on them: compiled kernels let go of Python's lock.

Threads of our own and not numba's: theirs may not be entered from two threads at once, and compile five times as long.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import product

# Few enough columns that the running values of a tile stay in the nearest cache.
TILE_COLUMNS = 512
# Below this many values a thread costs more than it brings.
SMALL = 100_000


def on_tiles(kernel: Callable[..., None], *arguments: object, start: int, stop: int, columns: int, work_per_value: int = 1) -> None:
    """`kernel(*arguments, start, stop, left, right)` for tiles that cover rows start … stop of all columns."""
    threads = os.cpu_count() or 1
    if threads == 1 or (stop - start) * columns * work_per_value < SMALL:
        kernel(*arguments, start, stop, 0, columns)
        return
    widths = [(left, min(left + TILE_COLUMNS, columns)) for left in range(0, columns, TILE_COLUMNS)]
    height = -(-(stop - start) // max(1, -(-2 * threads // len(widths))))
    heights = [(top, min(top + height, stop)) for top in range(start, stop, height)]
    # Waiting for each result brings an error of a tile to the caller.
    for done in [_threads(os.getpid()).submit(kernel, *arguments, *rows, *columns) for rows, columns in product(heights, widths)]:
        done.result()


@lru_cache(maxsize=1)
def _threads(_process: int) -> ThreadPoolExecutor:
    """One pool per process: a forked child has the parent's pool but not its threads."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="panel")
