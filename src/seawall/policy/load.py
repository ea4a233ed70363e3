"""What the parts of a lane see of how busy it is."""


class Load:
    """Counts of one lane, kept by it and read by its parts."""

    __slots__ = ("in_flight", "queued")

    def __init__(self) -> None:
        self.queued = 0
        """Requests that wait."""
        self.in_flight = 0
        """Attempts that have not ended, with a verdict or without."""

    @property
    def fleet(self) -> int:
        """All that the lane has to carry."""
        return self.queued + self.in_flight
