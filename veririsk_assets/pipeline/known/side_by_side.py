"""Chains of calls side by side: within a chain one after the other, so many chains at once, and nobody is waited for past a time."""

from collections import deque
from collections.abc import Callable, Iterable
from threading import Thread
from time import monotonic

Chain = Iterable[Callable[[], None]]


def side_by_side(chains: Iterable[Chain], at_once: int, seconds: float) -> list[Exception]:
    """Begins the chains in their order and returns when all have ended, or `seconds` later; what was raised ends its chain.

    A call that is still waiting then is left to itself: the caller has to see to it that it does nothing more.
    """
    waiting, errors = deque(chains), list[Exception]()

    def work() -> None:
        while waiting:
            try:
                for call in waiting.popleft():
                    call()
            except Exception as error:
                errors.append(error)

    end = monotonic() + seconds
    # Not a pool of the library: the interpreter would wait at its end for a host that never answers.
    threads = [Thread(target=work, daemon=True) for _ in range(min(at_once, len(waiting)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(end - monotonic(), 0.0))
    return errors
