"""The read side: questions to the published file, and nothing else. One connection per question, so that the file can be replaced."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from veririsk_assets.contracts.texts import is_shown_as, repaired, shown
from veririsk_assets.contracts.vocabulary import CRASH_HEAD, known_horizon
from veririsk_assets.contracts.windows import first_as_of, floor_hour, naive


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
        try:
            with duckdb.connect(str(self.path), read_only=True) as connection:
                return connection.execute(query, list(parameters)).df()
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise NothingPublished("the published file was built by another version: run `veririsk publish` first") from error
        except (duckdb.IOException, duckdb.SerializationException) as error:
            raise NothingPublished(f"{self.path} cannot be read: run `veririsk publish` to build it anew ({_first_line(error)})") from error

    def ranking(self, horizon_hours: int = 24) -> pd.DataFrame:
        """Pools of the newest hour: scored ones by falling score, then the insufficient ones."""
        known_horizon(horizon_hours)
        rows = self.sql("SELECT * FROM pool_risk_latest WHERE horizon_hours = ? ORDER BY risk_score DESC NULLS LAST, name", horizon_hours)
        if rows.empty:
            raise NothingPublished(self._why_no_scores())
        return rows

    def twins(self) -> dict[str, list[str]]:
        """Id → the other ids that are probably the same pool."""
        rows = self.sql("SELECT pool_id, list(twin_pool_id ORDER BY twin_pool_id) AS twins FROM pool_twins GROUP BY pool_id")
        return dict(zip(rows["pool_id"], map(list, rows["twins"]), strict=True))

    def _why_no_scores(self) -> str:
        """Sources may have answered, too late for their hour."""
        seen = self.sql(
            "SELECT max(last_pulled_as_of) AS pulled_as_of, (SELECT max(built_at) FROM _about) AS built_at FROM source_freshness"
        ).iloc[0]
        if seen["pulled_as_of"] != seen["pulled_as_of"]:
            return "the published file has no scores yet: run `veririsk demo`, `veririsk run` or `veririsk fetch` first"
        asked, usable = seen["built_at"], first_as_of(seen["built_at"])
        if naive(usable) == naive(floor_hour(asked)):
            return "no hour is scored yet, although sources have answered: `veririsk status` says what they gave and what was refused"
        return (
            f"no hour is scored yet: what sources said by {asked:%Y-%m-%d %H:%M} UTC counts from {usable:%H:%M} on, "
            f"for it came after the half hour; run `veririsk fetch` after {usable:%H:%M} UTC"
        )

    def pool_id(self, pool: str) -> str:
        """The id of a pool named by id or by name; a name that several pools carry means the one with the highest score.

        What is shown of an odd or a long id or name names it too.
        """
        wanted = repaired(pool)
        rows = self.sql(
            "SELECT pool_id FROM pool_risk_history WHERE pool_id = ? OR lower(name) = lower(?) ORDER BY pool_id = ? DESC, as_of DESC, risk_score DESC NULLS LAST LIMIT 1",
            wanted, wanted, wanted,
        )  # fmt: skip
        if not rows.empty:
            return str(rows["pool_id"].iloc[0])
        known = self.sql("SELECT pool_id, arg_max(name, as_of) AS name, max(as_of) AS seen, arg_max(coalesce(risk_score, 0), as_of) AS score "
                         "FROM pool_risk_history GROUP BY pool_id ORDER BY seen DESC, score DESC, pool_id")  # fmt: skip
        found = known[[is_shown_as(i, wanted) or is_shown_as(n, wanted) for i, n in zip(known["pool_id"], known["name"], strict=True)]]
        if found.empty:
            raise UnknownPool(f"no published pool has the id or name {pool!r}; `veririsk rank --all` lists them")
        if found["name"].nunique() > 1:
            raise UnknownPool(f"{len(found)} pools are shown as {pool!r}; their ids: {', '.join(map(shown, found['pool_id'].head(10)))}")
        return str(found["pool_id"].iloc[0])

    def score(self, pool_id: str, as_of: datetime | None, horizon_hours: int = 24) -> dict[str, Any]:
        """The score at `as_of`, or the newest one. Raises UnknownPool where that hour has none."""
        known_horizon(horizon_hours)
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
        known_horizon(horizon_hours)
        return self.sql("SELECT * FROM pool_risk_history WHERE pool_id = ? AND horizon_hours = ? ORDER BY as_of", pool_id, horizon_hours)


def prediction(published: Published, pool: str, as_of: datetime | None, horizon_hours: int = 24) -> dict[str, Any]:
    """The JSON of `veririsk predict --json`: score, level, three reasons and the features used."""
    pool_id = published.pool_id(pool)
    score = published.score(pool_id, as_of, horizon_hours)
    reasons = published.reasons(pool_id, score["as_of"], horizon_hours)
    top = [
        {"feature": r["feature"], "impact": round(float(r["contribution"]), 6), "direction": r["direction"], "explanation": r["sentence"]}
        for r in reasons.head(3).to_dict("records")
    ]
    return {
        "pool_id": pool_id,
        "risk_score": _number(score["risk_score"]),
        "risk_level": score["risk_level"],
        "prediction_horizon": f"{horizon_hours}h",
        "prediction_type": "predictive",
        "top_reasons": top,
        "early_warning_score": _number(score["early_warning_score"]),
        "features_used": published.features(pool_id, score["as_of"]),
        "model_version": f"{score['model_name']}:{score['model_version']}",
        "timestamp": f"{score['as_of']:%Y-%m-%dT%H:%M:%SZ}",
    }


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _number(value: Any) -> float | None:
    return None if value is None or value != value else round(float(value), 4)
