"""A text's facts: what is left when terminals, logs and encodings are taken away."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.causes.evidence import Body
from seawall.causes.extract import MOST, Part, glue, plain, read


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("API Error: 529 Overloaded", (529,)),
        ("API Error (401 {)", (401,)),
        ("Error code: 401 - {'type'", (401,)),
        ('"code": 429, "status"', (429,)),
        ("{'status_code': 400, 'headers'", (400,)),
        ('"POST /v1/messages HTTP/1.1" 502', (502,)),
        ("HTTP 503", (503,)),
        ("[404]", (404,)),
        ("524 <!DOCTYPE html>", (524,)),
        ("Received HTTP code 407 from proxy", (407,)),
        ("Request failed with status code 403", (403,)),
        ("5Z9 Overloaded", (529,)),
        ("got 500, then 502 Bad Gateway", (500, 502)),
        ("cli.js:11:500", ()),
        ("at line 404 of the book", ()),
        ("took 429 ms", ()),
        ("error 535", ()),
        ("10.500 tokens", ()),
        ("port 443", ()),
    ],
)
def test_statuses_are_told_from_other_numbers(text, statuses):
    """A number is a status where its neighbours say so."""
    assert Part(text.lower()).statuses == statuses


def test_a_part_is_about_its_most_frequent_status():
    """Of equals about the last."""
    assert Part("error 500, error 502").status == 502
    assert Part("error 500, error 502, error 500").status == 500
    assert Part("fine").status is None


def test_the_last_of_several_types_is_the_innermost():
    """Relays put theirs in front."""
    assert Part("invalid_request_error: rate_limit_error").type == "rate_limit_error"
    assert Part("nothing").type is None


@pytest.mark.parametrize(
    ("flat", "body"),
    [
        ("<!doctype html>", Body.HTML),
        ('{"a"', Body.JSON),
        ("500 status code (no body)", Body.EMPTY),
        ("x", Body.TEXT),
    ],
)
def test_what_the_body_was(flat, body):
    """As far as a text shows it."""
    assert Part(flat).evidence().body is body


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\\u001b[31mred\\u001b[0m", "red"),
        ("^[[31mred", "red"),
        ("\x1b]0;title\x07red", "red"),
        ("it’s “so”", 'it\'s "so"'),
        ("a\u200bb\ufeff", "ab"),
        ("ＡＰＩ", "API"),
        ("│ a │", "  a  "),
        ("%7B%22a%22%7D", '{"a"}'),
        ("&quot;a&quot; &lt;b&gt;", '"a" <b>'),
        ("a\r\nb", "a\n\nb"),
        ("a\x00b\x07c", "ab c"),
        ("x\n  12 | y", "x\ny"),
        ("x\n> y", "x\ny"),
    ],
)
def test_what_is_around_a_text_goes(text, want):
    """Colours, titles, signs, borders, encodings, numbers of lines."""
    assert plain(text) == want


def test_glued_texts_are_alike_however_they_were_wrapped():
    """Blanks, quotes and line ends say nothing."""
    assert glue("The `tool_use`\n   'ids'") == glue('the "tool_use" ids')


def test_json_in_json_in_json_is_one_text():
    """Backslashes go, escaped line ends become blanks, escaped letters letters."""
    assert read('"{\\\\\\"type\\\\\\": \\\\\\"a\\\\nb\\u0041\\\\\\"}"').flat == '"{"type": "a ba"}"'


def test_a_word_that_a_line_end_broke_is_known_whole():
    """As terminals break what is longer than they are."""
    assert "request_id" in read('"reques\n     t_id"').broken


def test_each_error_of_a_paste_is_a_part():
    """Equal ones are counted, in the order of their last appearance."""
    parts = read(
        "API Error (529 x) · Retrying in 1 seconds… (attempt 1/10)\nAPI Error (Timeout.)\n"
        "API Error (529 x) · Retrying in 2 seconds… (attempt 2/10)\n"
    ).parts
    assert [part.count for part in parts] == [1, 2]
    assert parts[0].flat.startswith("api error (timeout.)")


def test_thousands_of_errors_are_not_thousands_of_parts():
    """The first and the last are kept."""
    parts = read("".join(f"API Error: {'x' * (n % 97)} failed {n}\n" for n in range(3000))).parts
    assert 1 < len(parts) <= 400


def test_counters_times_hosts_and_ids():
    """What a page shows as facts."""
    facts = read(
        "API Error (x) attempt 3/10 … attempt 4/10; Failed to connect to api.anthropic.com:443. "
        "You've hit your limit · resets 6pm (Europe/Warsaw), request req_011CUabcdef"
    )
    assert facts.attempt == (4, 10)
    assert facts.resets == "6pm (Europe/Warsaw)"
    assert facts.hosts == ("api.anthropic.com",)
    assert facts.request_id == "req_011CUabcdef"
    assert read("regain access on 2026-12-01 at 00:00 UTC").resets == "2026-12-01 at 00:00 UTC"
    assert read("cli.js and node:internal, a.b").hosts == ()


def test_only_so_much_is_looked_at():
    """The rest is for `condense`."""
    assert len(read("a" * (MOST + 100)).flat) == MOST


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_facts(text):
    """Nothing fails; each part is lower case on one line."""
    facts = read(text)
    assert "\n" not in facts.flat
    assert facts.parts
    for part in facts.parts:
        assert part.statuses is not None
        assert part.evidence().phase
    assert facts.attempt is None or facts.attempt[0] < 1000
    assert isinstance(facts.hosts, tuple)
    assert facts.resets is None or facts.resets
