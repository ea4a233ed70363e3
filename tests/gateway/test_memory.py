"""The account of held bytes."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.gateway.memory import Memory


@given(st.lists(st.integers(0, 60), max_size=50))
def test_never_over_the_bound(sizes: list[int]) -> None:
    """What is taken fits; what does not fit is refused and counts nothing; all given back is nothing."""
    memory = Memory(100)
    taken = [size for size in sizes if memory.take(size)]
    assert memory.used == sum(taken) <= 100
    for size in taken:
        memory.give(size)
    assert memory.used == 0
    assert memory.take(100)
    assert not memory.take(1)
