"""Every bench runs to its end at its smallest size; how fast is asked by `make bench` alone."""

from collections.abc import Callable

import pytest

from bench import code_location, evaluation, features, hourly, protocols
from veririsk_assets.settings import REPOSITORY_ROOT

HELPERS = {"hourly_lake", "hourly_peers"}
SMALLEST: dict[str, tuple[Callable[[], object], str]] = {
    "code_location": (lambda: code_location.main(1), "code location, graph"),
    "evaluation": (lambda: evaluation.main(2 * evaluation.WEEK_ROWS), "bootstrap of 8 models, 5,000 rows"),
    "features": (lambda: features.main(2, 200), "all agree with the naive loop"),
    "protocols": (lambda: protocols.main(200, 200), "all agree with pandas"),
    "hourly": (lambda: hourly.main((2,), 60), "microseconds per pool"),
}


def test_every_bench_is_asked() -> None:
    assert {path.stem for path in (REPOSITORY_ROOT / "bench").glob("*.py")} == SMALLEST.keys() | HELPERS


@pytest.mark.parametrize("name", SMALLEST)
def test_a_bench_runs_at_its_smallest_size(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run, said = SMALLEST[name]
    run()
    assert said in capsys.readouterr().out
