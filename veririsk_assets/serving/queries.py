"""The read side: questions to the published file, and nothing else. One connection per question, so that the file can be replaced."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from veririsk_assets.contracts.vocabulary import CRASH_HEAD
from veririsk_assets.contracts.windows import naive


class NothingPublished(Exception):
    """There is no published file, or it has no scores yet."""


class UnknownPool(Exception):
    """No published pool has this id or name."""


@dataclass(frozen=True)
class Published:
    """The published file at `path`. Every method raises NothingPublished when it is not there."""

    path: Path

    def sql(self, query: str, *parameters: Any) -> pd.DataFrame:
        if not self.path.exists():
            raise NothingPublished(
                f"nothing is published yet in {self.path.parent}: run `veririsk demo`, `veririsk run` or `veririsk publish` first"
            )
        with duckdb.connect(str(self.path), read_only=True) as connection:
            try:
                return connection.execute(query, list(parameters)).df()
            except (duckdb.BinderException, duckdb.CatalogException) as error:
                raise NothingPublished("the published file was built by another version: run `veririsk publish` first") from error

    def ranking(self, horizon_hours: int = 24) -> pd.DataFrame:
        """Pools of the newest hour: scored ones by falling score, then the insufficient ones."""
        rows = self.sql("SELECT * FROM pool_risk_latest WHERE horizon_hours = ? ORDER BY risk_score DESC NULLS LAST, name", horizon_hours)
        if rows.empty:
            raise NothingPublished("the published file has no scores yet: run `veririsk demo` or `veririsk run` first")
        return rows

    def twins(self) -> dict[str, list[str]]:
        """Id → the other ids that are probably the same pool."""
        rows = self.sql("SELECT pool_id, list(twin_pool_id ORDER BY twin_pool_id) AS twins FROM pool_twins GROUP BY pool_id")
        return dict(zip(rows["pool_id"], map(list, rows["twins"]), strict=True))

    def pool_id(self, pool: str) -> str:
        """The id of a pool named by id or by name; a name that several pools carry means the one with the highest score."""
        rows = self.sql(
            "SELECT pool_id FROM pool_risk_history WHERE pool_id = ? OR lower(name) = lower(?) ORDER BY pool_id = ? DESC, as_of DESC, risk_score DESC NULLS LAST LIMIT 1",
            pool, pool, pool,
        )  # fmt: skip
        if rows.empty:
            raise UnknownPool(f"no published pool has the id or name {pool!r}; `veririsk rank --all` lists them")
        return str(rows["pool_id"].iloc[0])

    def score(self, pool_id: str, as_of: datetime | None, horizon_hours: int = 24) -> dict[str, Any]:
        """The score at `as_of`, or the newest one. Raises UnknownPool where that hour has none."""
        wanted = "AND as_of = ?" if as_of else "AND ? IS NULL"
        rows = self.sql(
            f"SELECT * FROM pool_risk_history WHERE pool_id = ? AND horizon_hours = ? {wanted} ORDER BY as_of DESC LIMIT 1",
            pool_id, horizon_hours, naive(as_of) if as_of else None,
        )  # fmt: skip
        if rows.empty:
            raise UnknownPool(
                f"{pool_id} has no published score at {as_of:%Y-%m-%d %H:%M} UTC" if as_of else f"{pool_id} has no published score"
            )
        return rows.iloc[0].to_dict()

    def reasons(self, pool_id: str, as_of: datetime, horizon_hours: int = 24, head: str = CRASH_HEAD) -> pd.DataFrame:
        """The reasons of one score, or of one of its causes, strongest first; empty where they are older than the detail that is kept."""
        return self.sql(
            "SELECT * FROM pool_risk_reasons WHERE pool_id = ? AND as_of = ? AND horizon_hours = ? AND head = ? ORDER BY rank",
            pool_id, as_of, horizon_hours, head,
        )  # fmt: skip

    def detection(self, pool_id: str, as_of: datetime) -> dict[str, Any] | None:
        """What had begun at an hour; None where that is not published (of earlier hours only drops are)."""
        rows = self.sql(
            "SELECT * FROM pool_detections_latest WHERE pool_id = ? AND as_of = ? UNION "
            "SELECT * FROM pool_detections_history WHERE pool_id = ? AND as_of = ?",
            pool_id, naive(as_of), pool_id, naive(as_of),
        )  # fmt: skip
        return None if rows.empty else rows.iloc[0].to_dict()

    def features(self, pool_id: str, as_of: datetime) -> dict[str, float | None]:
        """Every known feature of a pool at an hour."""
        rows = self.sql("SELECT * EXCLUDE (pool_id, as_of) FROM pool_features_history WHERE pool_id = ? AND as_of = ?", pool_id, as_of)
        return {} if rows.empty else {k: None if v != v else float(v) for k, v in rows.iloc[0].to_dict().items()}

    def history(self, pool_id: str, horizon_hours: int = 24) -> pd.DataFrame:
        """Every published score of a pool, oldest first."""
        return self.sql("SELECT * FROM pool_risk_history WHERE pool_id = ? AND horizon_hours = ? ORDER BY as_of", pool_id, horizon_hours)


def prediction(published: Published, pool: str, as_of: datetime | None) -> dict[str, Any]:
    """The JSON of `veririsk predict --json`: score, level, three reasons and the features used."""
    pool_id = published.pool_id(pool)
    score = published.score(pool_id, as_of)
    reasons = published.reasons(pool_id, score["as_of"])
    top = [
        {"feature": r["feature"], "impact": round(float(r["contribution"]), 6), "direction": r["direction"], "explanation": r["sentence"]}
        for r in reasons.head(3).to_dict("records")
    ]
    return {
        "pool_id": pool_id,
        "risk_score": _number(score["risk_score"]),
        "risk_level": score["risk_level"],
        "prediction_horizon": "24h",
        "prediction_type": "predictive",
        "top_reasons": top,
        "early_warning_score": _number(score["early_warning_score"]),
        "features_used": published.features(pool_id, score["as_of"]),
        "model_version": f"{score['model_name']}:{score['model_version']}",
        "timestamp": f"{score['as_of']:%Y-%m-%dT%H:%M:%SZ}",
    }


def _number(value: Any) -> float | None:
    return None if value is None or value != value else round(float(value), 4)
