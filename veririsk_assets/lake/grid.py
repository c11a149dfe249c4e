"""Reading a table onto the dense grid batch by batch, so that only the grid itself is ever held whole."""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from veririsk_assets.contracts.panel import PRECISE, Panel, precision
from veririsk_assets.contracts.windows import Window

BATCH_ROWS = 122_880  # a row group of DuckDB


def read_panel(
    cursor: duckdb.DuckDBPyConnection, source: str, key: str, columns: Sequence[str], window: Window, keys: np.ndarray | None
) -> Panel:
    """Columns of the rows of `source` (what follows FROM), steps × keys, NaN where there is no row.

    `key` is the expression of an entity's key; `keys` None: all that occur.
    """
    if keys is None:
        keys = np.sort(cursor.execute(f"SELECT DISTINCT {key} AS key FROM {source}").fetchnumpy()["key"].astype(np.int64))
    grids = {name: np.full((window.steps, len(keys)), np.nan, dtype=precision(name)) for name in columns}
    if not len(keys):
        return Panel(window, keys, grids)
    # What does not fit is not known: one absurd value must not cost the hour.
    chosen = ", ".join(f"TRY_CAST({name} AS {'DOUBLE' if name in PRECISE else 'FLOAT'}) AS {name}" for name in columns)
    for batch in cursor.execute(f"SELECT as_of, {key} AS key, {chosen} FROM {source}").to_arrow_reader(BATCH_ROWS):
        _place(batch, grids, window, keys)
    return Panel(window, keys, grids)


def _place(batch: pa.RecordBatch, grids: dict[str, np.ndarray], window: Window, keys: np.ndarray) -> None:
    as_of = batch.column(0).to_numpy(zero_copy_only=False).astype("datetime64[h]", copy=False)
    row = (as_of - window.as_ofs[0].astype("datetime64[h]")).astype(np.int64) // window.step_hours
    key = batch.column(1).to_numpy()
    place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    known = keys[place] == key
    flat = row * len(keys) + place
    complete = bool(known.all())
    for name, grid in grids.items():
        values = batch.column(name).to_numpy(zero_copy_only=False)
        grid.reshape(-1)[flat if complete else flat[known]] = values if complete else values[known]
