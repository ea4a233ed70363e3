"""The accounts of what is kept, each with a bound: bodies for their replay, answers for their clients' return."""


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


class Kept:
    """The pieces of one answer, which may have to be finished without its client."""

    __slots__ = ("_memory", "_pieces", "_size")

    def __init__(self, memory: Memory) -> None:
        """`memory`: what all such answers may take together."""
        self._memory = memory
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> bool:
        """Keep one piece more, if there is room."""
        if not self._memory.take(len(data)):
            return False
        self._size += len(data)
        self._pieces.append(data)
        return True

    def take(self) -> bytes:
        """All of it, which is kept no more."""
        whole = b"".join(self._pieces)
        self._memory.give(self._size)
        self._pieces, self._size = [], 0
        return whole
