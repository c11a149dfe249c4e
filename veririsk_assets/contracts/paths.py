"""Paths for tools that read them as an address: where `?` begins options and `%` a sign in hexadecimal."""

import os
import tempfile
from hashlib import blake2b
from pathlib import Path

READ_AS_ADDRESS = frozenset("?%")


def plain(folder: Path) -> Path:
    """The folder itself, or a link to it without such signs. Raises ValueError where somebody else's link is in its place.

    Encoding the path is no way out: MLflow decodes it in one place and not in another, Dagster writes it as it is.
    """
    if not READ_AS_ADDRESS & set(str(folder)):
        return folder
    name = blake2b(os.fsencode(folder), digest_size=8).hexdigest()
    link = Path(tempfile.gettempdir()) / f"veririsk-{os.getuid()}-{name}"
    try:
        link.symlink_to(folder)
    except FileExistsError:
        if not link.is_symlink() or link.readlink() != folder:
            raise ValueError(f"{link} should be a link to {folder}: remove it, or choose a folder without ? and % in its path") from None
    return link


def write_whole(file: Path, text: str) -> None:
    """The file has all of the text or is not there: what a full disk leaves half-written would be read for ever after."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
