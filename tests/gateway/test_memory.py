"""The account of held bytes."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.gateway.memory import Kept, Memory


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


def test_pieces_of_an_answer_are_counted_until_they_are_taken() -> None:
    """All kept answers share one bound; what does not fit is not kept, and what was taken is there for others."""
    memory = Memory(10)
    one, two = Kept(memory), Kept(memory)
    assert one.add(b"abc")
    assert one.add(b"def")
    assert two.add(b"ghij")
    assert not one.add(b"k")
    assert one.take() == b"abcdef"
    assert memory.used == 4
    assert one.take() == b""
    assert two.add(b"klmnop")
    assert two.take() == b"ghijklmnop"
    assert memory.used == 0
