"""A token bucket: bursts are fine, the average is not exceeded."""

from veririsk_assets.wire.clock import Clock


class TokenBucket:
    """Starts full with `burst` tokens and gains `per_minute` of them each minute of the clock."""

    def __init__(self, clock: Clock, per_minute: float, burst: int) -> None:
        if per_minute <= 0 or burst < 1:
            raise ValueError(f"a bucket needs a rate above 0 and a burst of at least 1, got {per_minute} and {burst}")
        self._clock, self._per_second, self._burst = clock, per_minute / 60.0, burst
        self._tokens, self._counted_at = float(burst), clock.now()

    def seconds_until_free(self) -> float:
        """How long to wait before `take` may be called; 0 when a token is there."""
        self._refill()
        return max((1.0 - self._tokens) / self._per_second, 0.0)

    def take(self) -> None:
        self._refill()
        self._tokens -= 1.0

    def _refill(self) -> None:
        now = self._clock.now()
        # A clock that jumps back must not drain the bucket.
        passed = max((now - self._counted_at).total_seconds(), 0.0)
        self._tokens, self._counted_at = min(self._burst, self._tokens + passed * self._per_second), now
