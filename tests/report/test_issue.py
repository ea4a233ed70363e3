"""The issue has the fields of Claude Code's bug form, and the address that fills them in is never too long."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from report_cases import EPISODE, FAILED, NOW, case, mixed, rows
from seawall.report import issue
from seawall.report.case import Recorded
from seawall.store.rows import Attempt

# The form as it was in November 2026: id, whether an answer is required, and the choices where there are some.
FORM = {
    "actual": (True, ()),
    "expected": (True, ()),
    "error_output": (False, ()),
    "reproduction": (True, ()),
    "model": (False, ("Sonnet (default)", "Opus", "Not sure / Multiple models", "Other")),
    "regression": (
        True,
        ("Yes, this worked in a previous version", "No, this never worked", "I don't know"),
    ),
    "working_version": (False, ()),
    "version": (True, ()),
    "platform": (True, ("Anthropic API", "AWS Bedrock", "Google Vertex AI", "Other")),
    "os": (True, ("macOS", "Windows", "Ubuntu/Debian Linux", "Other Linux", "Other")),
    "terminal": (
        True,
        ("Terminal.app (macOS)", "Warp", "Cursor", "iTerm2", "IntelliJ IDEA terminal", "VS Code integrated terminal",
         "PyCharm terminal", "Windows Terminal", "PowerShell", "WSL (Windows Subsystem for Linux)", "Xterm",
         "Non-interactive/CI environment", "Other"),
    ),
    "additional": (False, ()),
}  # fmt: skip


def test_the_fields_are_the_forms():
    """In its order; what is required has an answer, and a choice is one of those that there are."""
    fields = issue.fields(case())
    assert [one.id for one in fields] == list(FORM)
    for one in fields:
        required, choices = FORM[one.id]
        assert one.text or not required
        assert not choices or one.text in choices


def test_every_model_family_is_a_choice():
    """One family by its name, several as several."""
    for family in ("opus", "sonnet", "haiku", ""):
        recorded = Recorded(EPISODE, [replace(FAILED, family=family)])
        assert answer(case(recorded=recorded), "model") in FORM["model"][1]
    both = [FAILED, replace(FAILED, family="sonnet")]
    assert answer(case(recorded=Recorded(EPISODE, both)), "model") == "Not sure / Multiple models"


def answer(made, name: str) -> str:
    return next(one.text for one in issue.fields(made) if one.id == name)


def test_what_is_in_it():
    """Request ids, times in UTC, what was ruled out, Node, links to possible duplicates, what only the person knows."""
    text = issue.markdown(case())
    for part in (
        "### What's Wrong?", "req_011CSHoEeqs5C35K2UUqR0001", "2025-11-20 13:13:20 UTC  529 overloaded_error",
        "Node: 22.15.0", "fine, measured", "the status page shows no incident", "2.1.245 (npm build)",
        "https://github.com/anthropics/claude-code/issues?q=is%3Aissue%20529", "stack trace", "the command or action",
        "6 of 6 conditions met", "<!-- title: [BUG] 529 overloaded_error: The API is at capacity -->",
    ):  # fmt: skip
        assert part in text, part


def test_a_long_timeline_is_cut_in_the_middle():
    """The first and the last failures are shown, and how many are between."""
    text = answer(case(recorded=Recorded(EPISODE, rows(40))), "error_output")
    assert "R0000" in text
    assert "R0039" in text
    assert "R0020" not in text
    assert "... 28 more in timeline.csv ..." in text


def test_a_regression_names_the_last_working_version():
    """Where history knows one."""
    failed = [replace(FAILED, cause="network.stream_truncated", client="claude-cli/2.1.245")]
    worked: list[Attempt] = [replace(FAILED, cause=None, client="claude-cli/2.1.240")]
    made = case("network.stream_truncated", recorded=Recorded(EPISODE, failed, other=worked))
    assert answer(made, "regression") == "Yes, this worked in a previous version"
    assert answer(made, "working_version") == "2.1.240"
    assert answer(case(), "regression") == "I don't know"


def test_evidence_of_another_cause_is_no_error_of_this_one():
    """What is measured now is said as what it is."""
    from report_cases import verdict

    made = case(verdict=verdict("network.offline"))
    assert "3 calls failed" not in answer(made, "error_output")
    assert "(network.offline)" in answer(made, "actual")


def test_without_anything_on_record():
    """Every field still has what the form wants."""
    made = case(recorded=Recorded(), verdict=case().verdict)
    assert all(one.text or not FORM[one.id][0] for one in issue.fields(made))
    assert str(NOW) not in issue.markdown(made)


def filled(made) -> tuple[str, list[str]]:
    fields = issue.fields(made)
    answers = {one.id: one.text for one in fields}
    return issue.address(issue.title(made), answers, frozenset(one.id for one in fields if one.long))


def test_the_address_fills_the_form():
    """Every field under its id, in the words that were looked at."""
    address, left_out = filled(case())
    assert left_out == []
    assert len(address) <= 6000
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path) == (
        "https",
        "github.com",
        "/anthropics/claude-code/issues/new",
    )
    asked = parse_qs(parts.query)
    assert asked["template"] == ["bug_report.yml"]
    assert asked["os"] == ["Ubuntu/Debian Linux"]
    assert asked["actual"] == [answer(case(), "actual")]


def test_an_address_that_would_be_too_long():
    """Long fields go to the file, the longest first, until it fits; the short ones stay."""
    many = [replace(row, client="é" * 40) for row in rows(500)]
    made = case(recorded=Recorded(EPISODE, many, calls=500))
    fields = [replace(one, text=one.text + "ü" * 3000) if one.long else one for one in issue.fields(made)]
    answers = {one.id: one.text for one in fields}
    address, left_out = issue.address("[BUG] x", answers, frozenset(one.id for one in fields if one.long))
    assert len(address.encode()) <= 6000
    assert set(left_out) == {"actual", "error_output", "reproduction", "additional"}
    assert "issue.md" in parse_qs(urlsplit(address).query)["actual"][0]
    assert parse_qs(urlsplit(address).query)["os"] == ["Ubuntu/Debian Linux"]


def test_an_address_that_nothing_can_shorten():
    """Then the empty form is opened, and everything is in the file."""
    address, left_out = issue.address("t", {"os": "ü" * 5000}, frozenset())
    assert address == "https://github.com/anthropics/claude-code/issues/new?template=bug_report.yml"
    assert left_out == ["os"]


def test_several_causes():
    """The title is by the most frequent and says how many of all that are; the text counts each on its own."""
    made = mixed()
    assert issue.title(made) == "[BUG] 529 overloaded_error: The API is at capacity (252 of 294 failures)"
    wrong = next(one.text for one in issue.fields(made) if one.id == "actual")
    assert wrong.count("\n- ") == 3
    assert "10 attempts of 2 calls" in wrong
    assert all("529" in link for link in issue.searches(made)[:1])
