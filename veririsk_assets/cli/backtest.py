"""`veririsk backtest`: is there skill? On recorded pools of one's own, or on the lake's history."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import Field
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from veririsk_assets.backtest.setting import options, setting_of
from veririsk_assets.cli.read import moment
from veririsk_assets.evaluation.resampling import DRAWS
from veririsk_assets.serving.terminal import add_row, cell, errors, output, say, show

app = typer.Typer(no_args_is_help=True, help="Judge models on what really happened.")
out = output()
err = errors()
SHOWN = (
    ("AUC within hours", "within_hour_auc"), ("AP", "ap"), ("slope", "slope"), ("ECE / base", "ece_to_base"),
    ("recall ≥ 6 h", "recall_lead_6"), ("by chance", "recall_null_lead_6"),
)  # fmt: skip


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for everything of a setting that a person may set, in place of its last parameter."""
    plain = signature(command, eval_str=True)
    own = list(plain.parameters.values())[:-1]
    given = [
        Parameter(name, Parameter.KEYWORD_ONLY, default="" if one.name == "models" else one.default, annotation=_typed(one))
        for name, one in options().items()
    ]
    command.__signature__ = plain.replace(parameters=[*own, *given])  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in (*own, *given)}
    return command


def _typed(one: Field[Any]) -> Any:
    about = one.metadata["about"]
    return (
        Annotated[str, typer.Option(help=f"{about}; comma-separated")]
        if one.name == "models"
        else Annotated[one.type, typer.Option(help=about)]
    )


@app.command("pools")
@_with_options
def pools(
    recorded_dir: Annotated[Path | None, typer.Option(help="Folder with pool_reserves_4h.parquet; default: the lake's own history")] = None,
    start: Annotated[str, typer.Option("--from", help="First hour, UTC; default: all there is")] = "",
    end: Annotated[str, typer.Option("--to", help="End, exclusive, UTC")] = "",
    folder: Annotated[Path, typer.Option("--out", help="Where the files go")] = Path("backtest"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a stopped run of the same data and settings ended")] = False,
    docs: Annotated[Path | None, typer.Option(help="Also write backtest.md and model_card.md into this folder")] = None,
    **given: Any,
) -> None:
    """Walk-forward backtest of every model on the same rows: report.json, report.md, predictions.parquet and plots."""
    from veririsk_assets.pages.backtest import write_pages
    from veririsk_assets.pipeline import backtest

    setting = setting_of({**given, "models": [name.strip() for name in given["models"].split(",")]})
    span = (moment("--from", start) if start else None, moment("--to", end) if end else None)
    with _sentences():
        material = backtest.recorded_material(recorded_dir, setting, *span) if recorded_dir else _lake(setting, span)
        for sentence in material.about.get("left_out", ()):
            _say(sentence)
        done = backtest.backtest_pools(material, setting, folder, resume, _say)
        _show(done.report, done.folder)
        if docs is not None:
            write_pages(done.report, docs)


@app.command("protocols")
def protocols(
    recorded_dir: Annotated[Path, typer.Option(help="Folder with protocol_chain_tvl_daily.parquet, protocol_market_daily.parquet or both")],
    days: Annotated[int, typer.Option(help="Days ahead: 1, 3 or 7", min=1, max=30)] = 7,
    label: Annotated[str, typer.Option(help="crash, halving or crash_against_market")] = "crash",
    folds: Annotated[int, typer.Option(help="Walk-forward folds")] = 4,
    test_days: Annotated[int, typer.Option(help="Days per fold; half as many before it calibrate")] = 180,
    min_tvl: Annotated[float, typer.Option(help="Rows need a TVL above this, USD")] = 1_000_000.0,
    models: Annotated[str, typer.Option(help="Names; default: all of the catalogue; comma-separated")] = "",
    groups: Annotated[int, typer.Option(help="Groups of the leave-protocols-out run; 0: none")] = 0,
    draws: Annotated[int, typer.Option(help="Bootstrap draws")] = DRAWS,
    folder: Annotated[Path, typer.Option("--out", help="Where the files go")] = Path("backtest_protocols"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a stopped run of the same data and settings ended")] = False,
    docs: Annotated[Path | None, typer.Option(help="Also write the page into this folder")] = None,
) -> None:
    """The same of protocols by the day: does TVL fall by 20 % within days?"""
    from veririsk_assets.backtest.setting import Setting
    from veririsk_assets.pages.backtest import write_pages
    from veririsk_assets.pipeline.backtest_protocols import backtest_protocols, read_protocols

    names = tuple(name.strip() for name in models.split(",") if name.strip())
    setting = Setting(
        label=label, horizon_hours=24 * days, folds=folds, test_days=test_days, validation_days=test_days // 2, min_train_days=180,
        min_tvl_usd=min_tvl, models=names, pool_groups=groups, draws=draws,
    )  # fmt: skip
    with _sentences():
        recorded = read_protocols(recorded_dir)
        for sentence in recorded.about["left_out"]:
            _say(sentence)
        done = backtest_protocols(recorded, setting, folder, resume, _say)
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
