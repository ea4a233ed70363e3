"""The account of bodies that are kept for replay: together they never exceed what may be held."""


class Memory:
    """Counts bytes against a bound."""

    __slots__ = ("_most", "used")

    def __init__(self, most: int) -> None:
        self._most = most
        self.used = 0

    def take(self, size: int) -> bool:
        """Count `size` bytes more, if there is room."""
        if self.used + size > self._most:
            return False
        self.used += size
        return True

    def give(self, size: int) -> None:
        """Count `size` bytes less."""
        self.used -= size
