"""Ctrl-C that is never lost: a `KeyboardInterrupt` raised inside a library's callback or clean-up is swallowed there without a word."""

import signal
from threading import Event
from types import FrameType
from typing import NoReturn

_asked = Event()


def listen() -> None:
    """Remembers Ctrl-C besides raising it. A command that was started deaf to it (`nohup`, `&`) stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _ask)


def stop_if_asked() -> None:
    """Between two steps: raises the `KeyboardInterrupt` that was swallowed in the one before."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _ask(_signal: int, _frame: FrameType | None) -> NoReturn:
    _asked.set()
    raise KeyboardInterrupt
