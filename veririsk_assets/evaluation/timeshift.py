"""Circular shifts of alerts within each key, counted for all shifts at once. Meaning and definitions: `events`."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Windows:
    """For each event (hour, key) and each lead, the hours [hour − horizon, hour − lead] that may warn of it."""

    hour_index: np.ndarray
    key_index: np.ndarray
    leads: tuple[int, ...]
    horizon_hours: int


def shifted_warnings(claims: np.ndarray, covered: np.ndarray, windows: Windows, shifts: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Leads × events: share of all shifts that warn of the event. Leads × shifts: events warned of in each seeded draw.

    `claims`, `covered`: hours × keys, bool; every event's key has a covered hour.
    """
    chance, warned = np.zeros((len(windows.leads), len(windows.hour_index))), np.zeros((len(windows.leads), shifts))
    rng = np.random.default_rng(seed)
    for key in np.unique(windows.key_index):
        mine = np.flatnonzero(windows.key_index == key)
        hours = np.flatnonzero(covered[:, key])
        turn = rng.integers(len(hours), size=shifts)
        for row, at in enumerate(windows.leads):
            first = np.searchsorted(hours, windows.hour_index[mine] - windows.horizon_hours)
            width = np.searchsorted(hours, windows.hour_index[mine] - at, side="right") - first
            chance[row, mine], hits = _one_key(claims[hours, key], first, width, turn)
            warned[row] += hits
    return chance, warned


def _one_key(claim: np.ndarray, first: np.ndarray, width: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Windows of `width` covered hours from place `first`: share of all shifts that put a claim in, and windows hit per draw."""
    hours = len(claim)
    before = np.concatenate([[0], np.cumsum(np.concatenate([claim, claim]))])
    shares, hits = np.zeros(len(first)), np.zeros(len(turn))
    for i in np.flatnonzero(width > 0):
        claimed = before[width[i] : width[i] + hours] > before[:hours]
        shares[i] = claimed.mean()
        hits += claimed[(first[i] - turn) % hours]
    return shares, hits
