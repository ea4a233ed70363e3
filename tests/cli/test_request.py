"""`seawall explain --request`: where a body comes from, what is printed, and what the fake API says of the same."""

import io
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from seawall.cli import verbs as cli
from seawall.fake.thread import BackgroundFakeApi
from shapes import conforms

RIGHT = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Ahoy"}]}
WRONG = RIGHT | {"messages": [{"role": "user", "content": "Ahoy"}, {"role": "assistant", "content": "The"}]}


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str, str]:
    """Exit code, stdout and stderr of a command in this process."""
    with pytest.raises(SystemExit) as left:
        cli.run(arguments)
    out, err = capsys.readouterr()
    return left.value.code, out, err


def test_a_request_that_is_right(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Said, with what was read; code 0."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps(RIGHT))
    code, out, err = outcome(capsys, "explain", "--request", str(path))
    assert (code, err) == (0, "")
    assert out.startswith(
        "Nothing found that the API would refuse.\n\nRead      claude-sonnet-5-5 · 1 message · "
    )
    assert out.endswith("nothing was sent\n")


def test_a_request_that_is_wrong(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """From stdin: each thing with its place, its cause and what to do; code 13."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(WRONG).encode())))
    code, out, err = outcome(capsys, "explain", "--request", "-")
    assert (code, err) == (13, "")
    assert out.startswith("Your request — 1 thing that the API would refuse.\n")
    assert "x /messages/1  request.prefill_unsupported\n  The last message is the assistant's, which" in out
    assert "\n  Do: end with a message of the user" in out


def test_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One object, with the pointer, the cause and its party."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps(WRONG))
    code, out, _ = outcome(capsys, "explain", "--request", str(path), "--json")
    value = conforms(out)
    assert (code, value["schema"], value["ok"], value["exit_code"]) == (13, "seawall.request/1", False, 13)
    (one,) = value["findings"]
    assert (one["pointer"], one["cause"], one["party"]) == (
        "/messages/1",
        "request.prefill_unsupported",
        "request",
    )
    assert value["request"]["messages"] == 2


def test_warnings_alone_do_not_change_the_code(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A long answer that is not streamed is advised against."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps(RIGHT | {"max_tokens": 50_000}))
    code, out, _ = outcome(capsys, "explain", "--request", str(path))
    assert code == 0
    assert out.startswith("Nothing that the API is sure to refuse; 1 to look at.")


def test_a_body_of_over_64_mb_is_not_read_on(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Refused for its size alone."""
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(80 * 1024 * 1024)
    code, out, _ = outcome(capsys, "explain", "--request", str(path))
    assert code == 13
    assert "request.request_too_large" in out
    assert "request.malformed_json" not in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--request", "/no/such/file"), "cannot read /no/such/file"),
        (("--request", "."), "is a folder"),
        (("--request", "-", "--last"), "give one of"),
        (("--request",), "requires an argument"),
    ],
)
def test_what_cannot_be_looked_at(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    """One line and code 2."""
    code, out, err = outcome(capsys, "explain", *arguments)
    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize(
    "body",
    [
        RIGHT,
        RIGHT | {"messages": []},
        {name: value for name, value in RIGHT.items() if name != "max_tokens"},
        RIGHT | {"max_tokens": "many"},
        RIGHT | {"messages": "Ahoy"},
        RIGHT | {"messages": [{"role": 5, "content": "x"}]},
        RIGHT | {"model": "gpt-7"},
        RIGHT | {"model": 5},
        [],
    ],
    ids=str,
)
def test_what_the_api_refuses_is_found_before(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, body: Any
) -> None:
    """The fake API, asked with the same body, refuses what was found, and answers what was not."""
    encoded = json.dumps(body).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(encoded)))
    code, _, _ = outcome(capsys, "explain", "--request", "-")
    with BackgroundFakeApi() as api:
        headers = {
            "x-api-key": "sk-ant-test",
            "anthropic-version": "2023-06-01",
            "content-type": "application/json",
        }
        asked = urllib.request.Request(f"{api.url}/v1/messages", encoded, headers)
        try:
            with urllib.request.urlopen(asked) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
    assert (code == 0) == (status == 200)
    assert status in (200, 400, 404)


def test_names_are_spelled_as_they_are_typed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Fields and models begin with no capital; sentences do."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps({"model": "claude-sonnet-4-5", "max_tokens": "a", "messages": "x"}))
    out = outcome(capsys, "explain", "--request", str(path))[1]
    assert 'max_tokens is "a"' in out
    assert 'messages is "x"' in out
    path.write_text("{")
    assert "It ends in the middle" in outcome(capsys, "explain", "--request", str(path))[1]
