"""Lines of transcripts of all shapes that there were, as facts."""

import json

import pytest

from seawall.claude_code import record as records
from transcript_lines import OVERLOADED, answer, line, overloaded, prompt, refused, retry, shown

AT = 1_795_217_553.5


def told(data: bytes):
    """The attempt in a failure's line."""
    record = records.decoded(data)
    assert record is not None
    at = records.moment(record)
    assert at is not None
    return records.failure(record, at, "api.anthropic.com", "opus")


def test_a_failure_that_was_shown() -> None:
    """Everything that is kept of it, and nothing else."""
    one = told(
        shown("u", "p", AT, OVERLOADED, "req_011abc", apiErrorStatus=529, apiErrorType="overloaded_error")
    )
    assert (one.at, one.cause, one.status, one.error_type) == (
        AT,
        "provider.overloaded",
        529,
        "overloaded_error",
    )
    assert (one.request_id, one.ended, one.family) == ("req_011abc", "given_up", "opus")
    assert (one.client, one.source, one.route) == ("claude-cli/2.1.329", "transcript", "api.anthropic.com")
    assert (one.call, one.number, one.held) == ("", 0, 0.0)


@pytest.mark.parametrize(
    ("error", "cause", "status", "request_id"),
    [
        (overloaded("req_7654321"), "provider.overloaded", 529, "req_7654321"),
        (refused(), "network.connection_refused", None, None),
        # Older versions: the API's error within the SDK's, headers beside it.
        (
            {
                "status": 529,
                "headers": {"request-id": "req_7654321"},
                "error": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            },
            "provider.overloaded",
            529,
            "req_7654321",
        ),
        ({"cause": {"code": "ENOTFOUND"}, "message": "Connection error."}, "network.dns_failure", None, None),
        ({"status": "503", "requestID": "req_7654321"}, "provider.service_unavailable", 503, "req_7654321"),
        ("529 Overloaded", "provider.overloaded", 529, None),
        (None, "unknown.unknown", None, None),
        ([1, {"a": None}], "unknown.unknown", None, None),
        ({"error": {"error": {"error": {"error": 7}}}, "status": True, "message": 5}, "unknown.unknown", None, None),
    ],
)  # fmt: skip
def test_retries_of_all_shapes(error: object, cause: str, status: int | None, request_id: str | None) -> None:
    """`error` is an object of several layers, a text, nothing, or nonsense."""
    one = told(retry("u", "p", AT, 3, error))
    assert (one.cause, one.status, one.request_id) == (cause, status, request_id)
    assert (one.ended, one.number) == ("retried", 3)


@pytest.mark.parametrize(
    ("text", "more", "cause", "ended"),
    [
        ("API Error: 500 Internal server error.", {"error": "server_error"}, "provider.internal_server_error",
         "given_up"),
        ("API Error: Connection lost mid-response. The response above may be incomplete.",
         {"error": "server_error", "apiError": "connection_failed"}, "network.stream_truncated", "broken"),
        ("You've hit your 5-hour limit · resets 12:33am (UTC)", {"apiErrorStatus": 429, "error": "rate_limit"},
         "limit.usage_limit_reached", "passed"),
        # Before the status was a field, and before there was a word for the error.
        ("API Error (529 {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}})", {},
         "provider.overloaded", "given_up"),
        ("Overloaded", {"apiErrorStatus": 529, "error": {"type": "overloaded_error"}}, "provider.overloaded",
         "given_up"),
        ("Prompt is too long", {"error": "invalid_request"}, "request.context_too_long", "passed"),
        ("Request timed out", {}, "network.client_timeout", "given_up"),
        ("Credit balance is too low", {"error": "billing_error"}, "account.credit_exhausted", "passed"),
    ],
)  # fmt: skip
def test_texts_of_all_versions(text: str, more: dict[str, object], cause: str, ended: str) -> None:
    """The cause comes from the words, the status and the type, as far as they are there."""
    one = told(shown("u", "p", AT, text, **more))
    assert (one.cause, one.ended) == (cause, ended)


def test_a_text_that_is_no_list_and_one_that_is_missing() -> None:
    """`content` may be a text; without any, the error's own word is all there is."""
    plain = line(type="assistant", isApiErrorMessage=True, timestamp=AT * 1000,
                 message={"content": "API Error: 529 Overloaded"})  # fmt: skip
    assert told(plain).cause == "provider.overloaded"
    bare = line(type="assistant", isApiErrorMessage=True, timestamp=AT, apiErrorStatus=500)
    assert (told(bare).cause, told(bare).at) == ("provider.internal_server_error", AT)
    word = line(type="assistant", isApiErrorMessage=True, timestamp=AT, error="overloaded", message=7)
    assert told(word).cause == "provider.overloaded"


@pytest.mark.parametrize(
    ("host", "route"),
    [
        ("llm.corp.example", "llm.corp.example"),
        ("llm.corp.example:8443", "llm.corp.example"),
        ("127.0.0.1:8787", "api.anthropic.com"),
        ("localhost:4000", "api.anthropic.com"),
    ],
)
def test_the_route(host: str, route: str) -> None:
    """A company's gateway is named by the text; one on this machine speaks to the host that is configured."""
    text = f"API Error: 500 Internal server error. If it persists, check your inference gateway ({host})."
    assert told(shown("u", "p", AT, text, apiErrorStatus=500)).route == route


def test_the_model_that_a_text_names() -> None:
    """`Fable is experiencing high load` is of that model, whichever answered before."""
    text = "Fable is experiencing high load, please use /model to switch to Sonnet"
    assert told(shown("u", "p", AT, text)).family == "fable"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (prompt("u", None, AT, 'why is "isApiErrorMessage":true in retryAttempt?'), None),
        (line(type="user", toolUseResult=json.dumps({"isApiErrorMessage": True})), None),
        (line(type="assistant", isApiErrorMessage=False, message={"model": "<synthetic>"}), None),
        (line(type="assistant", isApiErrorMessage="true"), None),
        (line(type="progress", subtype="api_error"), None),
        (answer("u", None, AT, "req_1"), "answer"),
        (shown("u", None, AT, "x"), "shown"),
        (retry("u", None, AT, 1, None), "retry"),
        (b'{"retryAttempt": 5, "level": "info"}', None),
    ],
)
def test_what_a_line_is(data: bytes, kind: str | None) -> None:
    """Prompts and results of tools that quote such lines are none, and neither are other programs' lines."""
    record = records.decoded(data)
    assert record is not None
    assert records.kind(record) == kind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0",
        b"[1,2]",
        b"null",
        b'"isApiErrorMessage"',
        b'{"isApiErrorMessage":tru',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_record(data: bytes) -> None:
    """Nothing but a JSON object is."""
    assert records.decoded(data) is None


def test_damaged_text_is_read_all_the_same() -> None:
    """NULs around a line, bytes that are no UTF-8, half a surrogate, raw control signs."""
    whole = shown("u", "p", AT, OVERLOADED, apiErrorStatus=529).strip()
    assert told(b"\0" * 4096 + whole + b"\0\r").cause == "provider.overloaded"
    assert told(whole.replace(b"capacity", b"cap\xff\xfecity")).cause == "provider.overloaded"
    assert told(whole.replace(b"capacity", b"cap\\ud800city\x01")).cause == "provider.overloaded"


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2026-11-20T23:33:16.236Z", 1_795_217_596.236),
        ("2026-11-21T00:33:16+01:00", 1_795_217_596.0),
        (1_795_217_596_236, 1_795_217_596.236),
        (1_795_217_596, 1_795_217_596.0),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        (-5, None),
        ("0001-01-01T00:00:00", None),
        ({"a": 1}, None),
        (1e300, None),
    ],
)
def test_times(given: object, at: float | None) -> None:
    """ISO 8601 and JavaScript's milliseconds; nonsense is no time."""
    record = records.decoded(line(timestamp=given))
    assert record is not None
    assert records.moment(record) == (at if at is None else pytest.approx(at, abs=1e-6))


def test_a_copy_in_another_file_is_the_same_record() -> None:
    """The id and the time decide, not the session; without an id the whole line does."""
    one, other = (records.decoded(shown("u", parent, AT, "x")) for parent in ("p", "q"))
    assert one is not None
    assert other is not None
    assert records.name(one, b"1") == records.name(other, b"2")
    later = records.decoded(shown("u", "p", AT + 1, "x"))
    assert later is not None
    assert records.name(one, b"") != records.name(later, b"")
    nameless = records.decoded(line(timestamp=AT))
    assert nameless is not None
    assert records.name(nameless, b"the line") == b"the line"
