"""A command that ends when it is asked to, whatever it does."""

import signal
import subprocess
import sys
import time

import pytest

READY = "print('ready', flush=True)\n"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "time.sleep(60)"
ORDERLY = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n" + READY + "time.sleep(60)"


def started(code: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "veririsk_assets.defs.bounded", str(seconds), sys.executable, "-c", code]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None and running.stdout.readline() == "ready\n"
    time.sleep(0.2)
    return running


@pytest.mark.parametrize(("code", "seconds", "expected", "said"), [(DEAF, 1, 0, "did not end by itself within 1 s"), (ORDERLY, 30, 7, "")])
def test_it_ends_by_itself_or_is_ended(code: str, seconds: float, expected: int, said: str) -> None:
    with started(code, seconds) as running:
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == expected
        assert running.stderr is not None and said in running.stderr.read()


def test_a_command_that_dies_is_no_success() -> None:
    with started("import os, signal\n" + READY + "os.kill(os.getpid(), signal.SIGKILL)", 30) as running:
        assert running.wait(timeout=20) == 137
