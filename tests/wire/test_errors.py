"""Error bodies of every kind into one value, and Anthropic's envelope."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.wire.errors import ErrorBody, envelope, read, status_of, type_of

OVERLOADED = json.dumps(
    {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
)
CODED = json.dumps(
    {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "Slow down",
            "details": {"error_code": "ramp_limit_exceeded"},
        },
        "request_id": "req_2",
    }
)


def test_the_apis_own_envelope():
    """Type, stable code, message and request id are found."""
    assert read(CODED.encode(), "application/json") == ErrorBody(
        "json", "rate_limit_error", "ramp_limit_exceeded", "Slow down", "req_2"
    )


@pytest.mark.parametrize(
    "body",
    [
        OVERLOADED,
        "\ufeff \n" + OVERLOADED,
        json.dumps(OVERLOADED),
        json.dumps([json.loads(OVERLOADED)]),
        json.dumps({"error": {"code": 500, "message": OVERLOADED, "status": "INTERNAL"}}),
        json.dumps({"error": json.dumps({"error": {"message": OVERLOADED}})}),
        json.dumps({"detail": "upstream said: " + OVERLOADED}),
        json.dumps({"error": {"message": "RelayError: b'" + OVERLOADED + "'. Received model group: x"}}),
        json.dumps({"error": {"message": str(json.loads(OVERLOADED))}}),
    ],
)
def test_the_innermost_error_wins(body):
    """Relays wrap the service's body as text in bodies of their own, some more than once."""
    said = read(body.encode(), None)
    assert (said.kind, said.type, said.message, said.request_id) == (
        "json", "overloaded_error", "Overloaded", "req_1",
    )  # fmt: skip


def test_an_error_inside_plain_text():
    """A client's line around the body does not hide it."""
    said = read(b"Error code: 529 - " + OVERLOADED.encode(), "text/plain")
    assert (said.kind, said.type, said.message) == ("text", "overloaded_error", "Overloaded")


def test_json_that_was_cut_off():
    """What had arrived before the cut is used."""
    said = read(OVERLOADED[:72].encode(), "application/json")
    assert (said.kind, said.type) == ("cut", "overloaded_error")


def test_an_error_event_as_a_body():
    """A failure can be written as an event of a stream."""
    said = read(b"event: error\ndata: " + OVERLOADED.encode() + b"\n\n", "text/event-stream")
    assert (said.kind, said.type) == ("stream", "overloaded_error")
    assert read(b"event: ping\n\n", "text/event-stream") == ErrorBody("stream")


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"", None, ErrorBody("empty")),
        (b" \r\n ", "application/json", ErrorBody("empty")),
        (b"no healthy upstream", "text/plain", ErrorBody("text", message="no healthy upstream")),
        (b"two\n  lines", None, ErrorBody("text", message="two lines")),
        (b'{"error":"Unauthorized\\n"}', None, ErrorBody("json", message="Unauthorized")),
        (b'{"detail":"Not Found"}', None, ErrorBody("json", message="Not Found")),
        (b'{"Message":"denied"}', None, ErrorBody("json", message="denied")),
        (b"{}", "application/json", ErrorBody("json")),
        (b"[]", "application/json", ErrorBody("json")),
        (b'{"a": [1, {"b": null}]}', "application/json", ErrorBody("json")),
        (
            b"<html><head><TITLE>502 Bad &amp; worse\n</TITLE>",
            None,
            ErrorBody("html", message="502 Bad & worse"),
        ),
        (b"<h1 class=x>Blocked</h1>", "text/html; charset=utf-8", ErrorBody("html", message="Blocked")),
        (b"<!doctype html><title>", "text/html", ErrorBody("html")),
        (b"plain but called a page", "text/html", ErrorBody("html")),
        (gzip.compress(b"{}", mtime=0), "application/json", ErrorBody("encoded")),
        (b"\x00\x00", None, ErrorBody("encoded")),
    ],
)
def test_bodies_that_the_api_never_sends(body, content_type, said):
    """Pages, sentences, other vendors' forms and nothing at all each have a kind of their own."""
    assert read(body, content_type) == said


def test_another_vendors_word_is_kept_as_the_type():
    """`status` is where Google has what Anthropic calls `type`."""
    said = read(b'{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}', None)
    assert (said.type, said.message) == ("RESOURCE_EXHAUSTED", "m")


def test_a_message_is_redacted_before_it_is_cut():
    """Neither a whole credential nor the front of one that crosses the cut may remain."""
    key = "sk-ant-api03-" + "Zq7" * 30
    for before in range(440, 510):
        body = {"type": "error", "error": {"type": "x_error", "message": "w " * (before // 2) + key}}
        said = read(json.dumps(body).encode(), None).message
        assert "Zq7Zq7" not in said
        assert len(said) <= 500


def test_words_that_are_no_identifiers_are_left_out():
    """Type, code and request id go to logs and tables as they are."""
    body = {
        "type": "error",
        "error": {
            "type": "a b\n<script>",
            "message": "m",
            "details": {"error_code": "sk-ant-api03-" + "a1" * 20},
        },
        "request_id": {"x": 1},
    }
    assert read(json.dumps(body).encode(), None) == ErrorBody("json", message="m")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 900_000,
        b'{"a":' * 150_000,
        b'{"error":{"message":"' + b'{\\"error\\":' * 50_000 + b'"}}',
        b"<title" * 150_000,
        b"<" * 1_000_000,
        b"'type': '" * 100_000,
        b'{"error":[' + b'{"x":1},' * 100_000 + b"1]}",
        b'{"error":' * 5000 + b"1" + b"}" * 5000,
        b"{" + b'"type":"x",' * 90_000,
        b'{"message":"' + b"\\ud800" * 1000 + b'"}',
        b'{"message":"\xff\xfe"}',
        b"x" * (3 * 1024 * 1024),
    ],
)
def test_hostile_bodies_are_read_in_bounded_work(body):
    """Depth, width and size are bounded; what is kept is small."""
    said = read(body, None)
    assert len(said.message or "") <= 500


def test_a_body_beyond_the_bound_is_read_from_its_beginning():
    """The envelope's first fields say enough."""
    body = OVERLOADED[:-1].encode() + b', "padding": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    said = read(body, "application/json")
    assert (said.kind, said.type, said.message) == ("cut", "overloaded_error", "Overloaded")


@given(st.binary(max_size=400), st.one_of(st.none(), st.text(max_size=20)))
def test_any_bytes_can_be_read(body, content_type):
    """Reading never raises."""
    read(body, content_type)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                ["error", "type", "message", "details", "error_code", "request_id", "detail", "x"]
            ),
            inner,
        ),
    ),
    max_leaves=12,
)


@given(json_values, st.booleans(), st.integers(0, 200))
def test_any_json_can_be_read_whole_or_cut(value, twice, cut):
    """Fields of a wrong kind are left out, wherever they stand."""
    body = json.dumps(json.dumps(value) if twice else value).encode()
    read(body, "application/json")
    read(body[:cut], "application/json")


@given(st.text(max_size=50), st.text(max_size=50), st.one_of(st.none(), st.text(max_size=20)))
def test_an_envelope_is_valid_json(type_, message, request_id):
    """Whatever the words are, the body parses and has the API's form."""
    body = json.loads(envelope(type_, message, request_id))
    assert body["type"] == "error"
    assert body["error"] == {"type": type_, "message": message}
    assert body.get("request_id") == request_id


def test_an_envelope_reads_back():
    """What we write is what we read."""
    said = read(envelope("api_error", "Seawall is stopping", "sw_1"), "application/json")
    assert said == ErrorBody("json", "api_error", None, "Seawall is stopping", "sw_1")


@pytest.mark.parametrize(
    ("type_", "status"),
    [
        ("invalid_request_error", 400),
        ("authentication_error", 401),
        ("billing_error", 402),
        ("permission_error", 403),
        ("not_found_error", 404),
        ("conflict_error", 409),
        ("request_too_large", 413),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("timeout_error", 504),
        ("overloaded_error", 529),
    ],
)
def test_types_and_statuses_go_together(type_, status):
    """The table of the API's documentation, both ways."""
    assert status_of(type_) == status
    assert type_of(status) == type_


def test_unknown_types_and_statuses():
    """What is not in the table gets the general word of its class."""
    assert status_of("a_new_error") == 500
    assert [type_of(s) for s in (408, 422, 502, 503, 599)] == [
        "timeout_error", "invalid_request_error", "api_error", "api_error", "api_error",
    ]  # fmt: skip
