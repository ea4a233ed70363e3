"""The laboratory's score at the end of a run."""

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Verdicts right of all that were tried, and those that named the wrong party."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.getreports(kind)]
    graded = [dict(one.user_properties) for one in reports if one.when == "call"]
    words = [one["verdict"] for one in graded if "verdict" in one]
    if words:
        right = sum(word == "right" for word in words)
        wrong = sum(word.startswith("wrong party") for word in words)
        terminalreporter.write_line(
            f"Network laboratory: {right} of {len(words)} verdicts right; {wrong} name the wrong party."
        )
