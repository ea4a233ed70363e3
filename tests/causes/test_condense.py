"""Long texts made short."""

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.causes.condense import condensed
from seawall.causes.extract import MOST
from seawall.causes.verdict import explain

ERROR = 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


def chunks(text, size):
    return (text[start : start + size] for start in range(0, len(text), size))


def test_an_error_anywhere_in_much_text_is_found():
    """At the begin, in the middle, at the end; on a line of its own or on one of a million characters."""
    noise = "all is quiet here\n" * 30_000
    for text in (ERROR + "\n" + noise, noise + ERROR + "\n" + noise, noise + ERROR):
        short = condensed(chunks(text, 65_536))
        assert len(short) < 1000
        assert explain(short).cause == "provider.overloaded"
    assert explain("x" * 500_000 + " " + ERROR + " " + "y" * 500_000).cause == "provider.overloaded"


def test_much_that_matters_is_cut_in_the_middle():
    """The first and the last state are kept; memory is bounded."""
    text = "API Error: 401 invalid x-api-key\n" + "connect ECONNREFUSED\n" * 50_000 + ERROR
    short = condensed(chunks(text, 10_000))
    assert len(short) <= MOST
    assert short.startswith("API Error: 401")
    assert short.endswith(ERROR)


def test_lines_behind_one_that_matters_go_with_it():
    """What was wrapped stays whole."""
    assert condensed(["one\nECONNREFUSED\ntwo\nthree\nfour\nfive\nsix"]) == "ECONNREFUSED\ntwo\nthree\nfour"


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200))
def test_how_the_text_arrives_does_not_matter(size):
    """Chunks of any size give the same."""
    text = "quiet\n" * 50 + ERROR + "\nquiet\n" * 20 + "ECONNRESET"
    assert condensed(chunks(text, size)) == condensed([text])
