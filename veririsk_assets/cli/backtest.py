"""`veririsk backtest`: is there skill? On recorded pools of one's own, or on the lake's history."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from veririsk_assets.cli.read import moment
from veririsk_assets.contracts.systems import POOLS
from veririsk_assets.serving.terminal import add_row, cell, errors, output, say, show

app = typer.Typer(no_args_is_help=True, help="Judge models on what really happened.")
out = output()
err = errors()
SHOWN = (("AP", "ap"), ("AUC", "auc"), ("ECE", "ece"), ("recall ≥ 6 h", "recall_lead_6"), ("by chance", "recall_null_lead_6"))


@app.callback()
def main() -> None:
    """Keeps `pools` a sub-command while it is the only one."""


@app.command("pools")
def pools(
    recorded_dir: Annotated[Path | None, typer.Option(help="Folder with pool_reserves_4h.parquet; default: the lake's own history")] = None,
    start: Annotated[str, typer.Option("--from", help="First hour, UTC; default: all there is")] = "",
    end: Annotated[str, typer.Option("--to", help="End, exclusive, UTC")] = "",
    horizon: Annotated[int, typer.Option(help="Hours ahead: 6 or 24")] = 24,
    label: Annotated[str, typer.Option(help="crash, crash_endpoint, outflow or price_fall")] = "crash",
    folds: Annotated[int, typer.Option(help="Walk-forward folds")] = 4,
    test_days: Annotated[int, typer.Option(help="Days per fold; 0: from the length of the data, at most 70")] = 0,
    validation_days: Annotated[int, typer.Option(help="Days between train and test; 0: half of a fold")] = 0,
    alert_hours: Annotated[float | None, typer.Option(help="HIGH budget, alert-hours per pool-month")] = None,
    models: Annotated[str, typer.Option(help="Names, comma-separated; default: all baselines and the learned ones")] = "",
    min_tvl: Annotated[float, typer.Option(help="Rows need a TVL above this, USD")] = 100_000.0,
    draws: Annotated[int, typer.Option(help="Bootstrap draws")] = 500,
    pool_groups: Annotated[int, typer.Option(help="Groups of the leave-pools-out run; 0: none")] = 4,
    folder: Annotated[Path, typer.Option("--out", help="Where the files go")] = Path("backtest"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a stopped run of the same data and settings ended")] = False,
    docs: Annotated[Path | None, typer.Option(help="Also write backtest.md and model_card.md into this folder")] = None,
) -> None:
    """Walk-forward backtest of every model on the same rows: report.json, report.md, predictions.parquet and plots."""
    from veririsk_assets.backtest.setting import Setting, resized
    from veririsk_assets.pages.backtest import write_pages
    from veririsk_assets.pipeline import backtest

    names = tuple(name.strip() for name in models.split(",") if name.strip())
    setting = resized(
        Setting(label=label, horizon_hours=POOLS.known_horizon(horizon), folds=folds, test_days=test_days, validation_days=validation_days),
        min_tvl_usd=min_tvl, draws=draws, pool_groups=pool_groups, models=names, high_alert_hours=alert_hours,
    )  # fmt: skip
    span = (moment("--from", start) if start else None, moment("--to", end) if end else None)
    with _sentences():
        material = backtest.recorded_material(recorded_dir, setting, *span) if recorded_dir else _lake(setting, span)
        for sentence in material.about.get("left_out", ()):
            _say(sentence)
        done = backtest.backtest_pools(material, setting, folder, resume, _say)
        _show(done.report, done.folder)
        if docs is not None:
            write_pages(done.report, docs)


def _lake(setting: Any, span: tuple[Any, Any]) -> Any:
    from veririsk_assets.pipeline.backtest import lake_material
    from veririsk_assets.pipeline.step import opened

    with opened(read_only=True) as house:
        return lake_material(house, setting, *span)


@contextmanager
def _sentences() -> Iterator[None]:
    """What cannot be trained is a sentence too, not a traceback: the command knows ValueError as something a person can mend."""
    from veririsk_assets.training.datasets import CannotTrain

    try:
        yield
    except (CannotTrain, KeyError) as reason:
        raise ValueError(str(reason.args[0])) from reason


def _say(line: str) -> None:
    say(err, line)


def _show(report: dict[str, Any], folder: Path) -> None:
    from rich.table import Table

    from veririsk_assets.pages.markdown import number, shown

    base, label = report["data"]["base_rate"], report["settings"]["label"]
    title = f"{label}, base rate {base:.4f}, {report['data']['test_rows']:,} rows out of fold; all else in {folder}/report.md"
    grid = Table("model", *(heading for heading, _ in SHOWN), title=cell(title))
    for name, found in report["results"].items():
        values = [found["all"].get(metric) or {} for _, metric in SHOWN]
        add_row(grid, name, shown(values[0]), *(number(one.get("value")) for one in values[1:]))
    show(out, grid)
    for reason in report["refused"].values():
        say(out, f"left out: {reason}")
