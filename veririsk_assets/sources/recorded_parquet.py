"""Opens a recorded Parquet file or a folder of parts, whoever wrote it. Columns are left as Arrow holds them.

Neither pandas metadata nor a path outside the folder is believed: a column is what the file has, or what its parts' folders
`name=value` say.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from veririsk_assets.sources.recorded_columns import shown

SUFFIX = ".parquet"
NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# Writers keep notes of their own beside the parts: _SUCCESS, _metadata, .part-0.crc.
NOTES = ("_", ".")
POINTERS = {b"version https://git-lfs": "a Git LFS pointer", b"/annex/objects/": "a git-annex pointer"}
MAGIC = b"PAR1"
BLOCK = 1 << 20
Columns = Mapping[str, Any]


def parts_of(path: Path) -> list[Path]:
    """The file itself, or the data files of a folder in the order of their names; empty where there is none."""
    if not path.is_dir():
        return [path] if path.exists() else []
    inside = [one for one in sorted(path.rglob("*")) if one.is_file() and not _is_note(one.relative_to(path))]
    return [one for one in inside if one.suffix == SUFFIX] or inside


def version_of(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes when a part does: the key under which what was read may be kept."""
    return tuple((str(part), part.stat().st_mtime_ns, part.stat().st_size) for part in parts_of(path))


def digest_of(path: Path) -> str:
    """SHA-256 of the file, or of a folder's parts one after the other."""
    digest = sha256()
    for part in parts_of(path):
        with part.open("rb") as file:
            for block in iter(lambda: file.read(BLOCK), b""):
                digest.update(block)
    return digest.hexdigest()


def read_parts(path: Path, names: Sequence[str]) -> Iterator[tuple[Path, Columns]]:
    """Each part with its columns of these names. Raises ValueError where one lacks any, or is no Parquet file."""
    parts = parts_of(path)
    if not parts:
        raise ValueError(f"{path} is a folder without parts")
    for part in parts:
        yield part, _read(part, _said_by_folders(part.relative_to(path)), names)


def _is_note(inside: Path) -> bool:
    return any(step.startswith(NOTES) and "=" not in step for step in inside.parts)


def _said_by_folders(inside: Path) -> dict[str, str | None]:
    pairs = [step.split("=", 1) for step in inside.parts[:-1] if "=" in step]
    return {unquote(name): None if value == NO_PARTITION else unquote(value) for name, value in pairs}


def _read(part: Path, by_folder: Mapping[str, str | None], names: Sequence[str]) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(part) as file:
            inside = file.schema_arrow.names
            _require(part, inside, by_folder, names)
            table = file.read(columns=[name for name in names if name in inside], use_pandas_metadata=False)
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{part} cannot be read as Parquet: {_instead(part) or _first_sentence(error)}") from None
    folders = {name: pa.chunked_array([pa.array([by_folder[name]] * len(table), pa.string())]) for name in names if name in by_folder}
    return folders | {name: table.column(name) for name in table.column_names}


def _require(part: Path, inside: list[str], by_folder: Mapping[str, str | None], names: Sequence[str]) -> None:
    missing = [name for name in names if name not in inside and name not in by_folder]
    if missing:
        raise ValueError(f"{part} lacks the columns {', '.join(missing)}")
    doubled = [name for name in names if inside.count(name) > 1]
    if doubled:
        raise ValueError(f"{part} has more than one column {', '.join(doubled)}")


def _instead(part: Path) -> str:
    """What it is that is no Parquet file; empty for one that is, but broken, and for one that cannot be opened."""
    try:
        with part.open("rb") as file:
            start = file.read(200)
    except OSError:
        return ""
    pointer = next((what for sign, what in POINTERS.items() if sign in start), "")
    if pointer:
        return f"it is {pointer}, not the file that it stands for"
    if start.startswith(MAGIC):
        return ""
    return f"it begins with {shown(start.decode('ascii', errors='replace'))}" if start else "it is empty"


def _first_sentence(error: Exception) -> str:
    return str(error).partition("\n")[0].partition(". ")[0]
