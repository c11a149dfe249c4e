"""`python -m veririsk_assets.defs.bounded SECONDS COMMAND …`: the command, and its end within so many seconds of SIGTERM.

Dagster's code server waits for its runs when it is asked to stop, by a thread that dies when a run ends while the database is away: from
then on it would wait for ever. A run that is ended with it loses its own hour at most, every write is one transaction. Standard library only.
"""

import signal
import subprocess
import sys
from types import FrameType


def run(seconds: float, command: list[str]) -> int:
    """The command's own exit code; 0 where it had to be ended, since that is what was asked for."""
    process = subprocess.Popen(command)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        process.terminate()
        signal.setitimer(signal.ITIMER_REAL, seconds)

    was_ended = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal was_ended
        was_ended = True
        sys.stderr.write(f"veririsk: {command[0]} did not end by itself within {seconds:g} s\n")
        process.kill()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGALRM, end)
    code = process.wait()
    if was_ended:
        return 0
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
