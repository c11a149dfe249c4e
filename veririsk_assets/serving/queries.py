"""The read side: questions to the published file, and nothing else. One connection per question, so that the file can be replaced."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from veririsk_assets.contracts.systems import POOLS, System
from veririsk_assets.contracts.texts import is_shown_as, repaired, shown
from veririsk_assets.contracts.windows import first_as_of, floor_hour, naive


class NothingPublished(Exception):
    """There is no published file, or it has no scores yet."""


class UnknownEntity(Exception):
    """Nothing published has this id or name."""


@dataclass(frozen=True)
class PublishedFile:
    """What the published file at `path` says of a system. Every method raises NothingPublished when it is not there."""

    path: Path
    system: System = POOLS

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

    def ranking(self, horizon_hours: int | None = None) -> pd.DataFrame:
        """Entities of the newest instant: scored ones by falling score, then the insufficient ones. Without a horizon: the one that is shown."""
        horizon, one = self.system.known_horizon(horizon_hours), self.system.singular
        rows = self.sql(f"SELECT * FROM {one}_risk_latest WHERE horizon_hours = ? ORDER BY risk_score DESC NULLS LAST, name", horizon)
        if rows.empty:
            raise NothingPublished(self._why_no_scores())
        return rows

    def twins(self) -> dict[str, list[str]]:
        """Id → the other ids that are probably the same entity; none where a system publishes no twins."""
        if not self._publishes("twins"):
            return {}
        id_, twin = self.system.id, f"twin_{self.system.id}"
        rows = self.sql(f"SELECT {id_}, list({twin} ORDER BY {twin}) AS twins FROM {self.system.singular}_twins GROUP BY {id_}")
        return dict(zip(rows[id_], map(list, rows["twins"]), strict=True))

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

    def entity_id(self, entity: str) -> str:
        """The id of an entity named by id or by name; a name that several carry means the one with the highest score.

        What is shown of an odd or a long id or name names it too.
        """
        wanted, (one, id_, many) = repaired(entity), (self.system.singular, self.system.id, self.system.name)
        rows = self.sql(
            f"SELECT {id_} FROM {one}_risk_history WHERE {id_} = ? OR lower(name) = lower(?) ORDER BY {id_} = ? DESC, as_of DESC, risk_score DESC NULLS LAST LIMIT 1",
            wanted, wanted, wanted,
        )  # fmt: skip
        if not rows.empty:
            return str(rows[id_].iloc[0])
        known = self.sql(f"SELECT {id_}, arg_max(name, as_of) AS name, max(as_of) AS seen, arg_max(coalesce(risk_score, 0), as_of) AS score "
                         f"FROM {one}_risk_history GROUP BY {id_} ORDER BY seen DESC, score DESC, {id_}")  # fmt: skip
        found = known[[is_shown_as(i, wanted) or is_shown_as(n, wanted) for i, n in zip(known[id_], known["name"], strict=True)]]
        if found.empty:
            raise UnknownEntity(
                f"no published {one} has the id or name {entity!r}; `veririsk rank --all --system {many}` lists them; --system asks about another kind"
            )
        if found["name"].nunique() > 1:
            raise UnknownEntity(f"{len(found)} {many} are shown as {entity!r}; their ids: {', '.join(map(shown, found[id_].head(10)))}")
        return str(found[id_].iloc[0])

    def score(self, entity_id: str, as_of: datetime | None, horizon_hours: int | None = None) -> dict[str, Any]:
        """The score at `as_of`, or the newest one. Raises UnknownEntity where there is none then."""
        horizon, wanted = self.system.known_horizon(horizon_hours), "AND as_of = ?" if as_of else "AND ? IS NULL"
        rows = self.sql(
            f"{self._of('risk_history')} AND horizon_hours = ? {wanted} ORDER BY as_of DESC LIMIT 1",
            entity_id, horizon, naive(as_of) if as_of else None,
        )  # fmt: skip
        if rows.empty:
            at = f" at {as_of:%Y-%m-%d %H:%M} UTC" if as_of else ""
            raise UnknownEntity(f"{entity_id} has no published score{at}")
        return rows.iloc[0].to_dict()

    def reasons(self, entity_id: str, as_of: datetime, horizon_hours: int | None = None, head: str = "") -> pd.DataFrame:
        """The reasons of one score, or of one of its causes, strongest first; empty where they are older than the detail that is kept."""
        return self.sql(
            f"{self._of('risk_reasons')} AND as_of = ? AND horizon_hours = ? AND head = ? ORDER BY rank",
            entity_id, as_of, self.system.known_horizon(horizon_hours), head or self.system.head,
        )  # fmt: skip

    def detection(self, entity_id: str, as_of: datetime) -> dict[str, Any] | None:
        """What had begun at an instant; None where that is not published (of earlier instants only drops are)."""
        if not self._publishes("detections_latest"):
            return None
        rows = self.sql(
            f"{self._of('detections_latest')} AND as_of = ? UNION {self._of('detections_history')} AND as_of = ?",
            entity_id, naive(as_of), entity_id, naive(as_of),
        )  # fmt: skip
        return None if rows.empty else rows.iloc[0].to_dict()

    def features(self, entity_id: str, as_of: datetime) -> dict[str, float | None]:
        """Every known feature of an entity at an instant."""
        rows = self.sql(f"{self._of('features_history')} AND as_of = ?", entity_id, as_of)
        found = {} if rows.empty else rows.drop(columns=["as_of", self.system.id]).iloc[0].to_dict()
        return {k: None if v != v else float(v) for k, v in found.items()}

    def history(self, entity_id: str, horizon_hours: int | None = None) -> pd.DataFrame:
        """Every published score of an entity, oldest first."""
        horizon = self.system.known_horizon(horizon_hours)
        return self.sql(f"{self._of('risk_history')} AND horizon_hours = ? ORDER BY as_of", entity_id, horizon)

    def _publishes(self, name: str) -> bool:
        return any(one.table.name == f"{self.system.singular}_{name}" for one in self.system.published)

    def _of(self, name: str) -> str:
        """The query of an entity's rows in one of the system's tables."""
        return f"SELECT * FROM {self.system.singular}_{name} WHERE {self.system.id} = ?"


def prediction(published: PublishedFile, entity: str, as_of: datetime | None, horizon_hours: int | None = None) -> dict[str, Any]:
    """The JSON of `veririsk predict --json`: score, level, three reasons and the features used."""
    entity_id, horizon = published.entity_id(entity), published.system.known_horizon(horizon_hours)
    score = published.score(entity_id, as_of, horizon)
    reasons = published.reasons(entity_id, score["as_of"], horizon)
    top = [
        {"feature": r["feature"], "impact": round(float(r["contribution"]), 6), "direction": r["direction"], "explanation": r["sentence"]}
        for r in reasons.head(3).to_dict("records")
    ]
    features = published.features(entity_id, score["as_of"])
    return {
        published.system.id: entity_id,
        "risk_score": _number(score["risk_score"]),
        "risk_level": score["risk_level"],
        "prediction_horizon": f"{horizon}h",
        "prediction_type": "predictive",
        "top_reasons": top,
        "early_warning_score": _number(score["early_warning_score"]),
        "features_used": features,
        "model_version": f"{score['model_name']}:{score['model_version']}",
        "timestamp": f"{score['as_of']:%Y-%m-%dT%H:%M:%SZ}",
        **(_as_documented(score, reasons, features) if "confidence" in score else {}),
    }


def _as_documented(score: Mapping[str, Any], reasons: pd.DataFrame, features: Any) -> dict[str, Any]:
    """What the DeFi Risk Assessment documentation calls a prediction beside its score: of systems that say how sure they are."""
    told = reasons.to_dict("records")
    importance = {r["feature"]: round(abs(float(r["contribution"])), 6) for r in told}
    drivers = [
        {
            "feature": r["feature"],
            "value": _number(r["value"]),
            "importance": importance[r["feature"]],
            "direction": r["direction"],
            "interpretation": r["sentence"],
        }
        for r in told
    ]
    explanation = {"method": told[0]["method"] if told else None, "feature_importance": importance, "key_risk_drivers": drivers}
    about = {name: score[name] for name in ("status", "status_reason")} | {
        name: _number(score[name]) for name in ("probability", "confidence")
    }
    return {**about, "features": features, "explanation": explanation}


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _number(value: Any) -> float | None:
    return None if value is None or value != value else round(float(value), 4)
