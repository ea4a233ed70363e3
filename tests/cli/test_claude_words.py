"""The words of a `claude` command: which are options, which are their values, which is the prompt."""

import pytest

from seawall.cli.claude_words import Part, parts


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", []),
        ("-p hello", [Part(("-p",), ("--print",)), Part(("hello",))]),
        ("hello -p", [Part(("hello",)), Part(("-p",), ("--print",))]),
        ("-pc x", [Part(("-pc",), ("--print", "--continue")), Part(("x",))]),
        ("-pr id x", [Part(("-pr", "id"), ("--print", "--resume"), "id"), Part(("x",))]),
        ("-rid x", [Part(("-rid",), ("--resume",), "id"), Part(("x",))]),
        ("--model opus x", [Part(("--model", "opus"), ("--model",), "opus"), Part(("x",))]),
        ("--model=opus x", [Part(("--model=opus",), ("--model",), "opus"), Part(("x",))]),
        ("--model", [Part(("--model",), ("--model",))]),
        ("--model --x y", [Part(("--model", "--x"), ("--model",), "--x"), Part(("y",))]),
        ("-r -p x", [Part(("-r",), ("--resume",)), Part(("-p",), ("--print",)), Part(("x",))]),
        ("--tools A B -p", [Part(("--tools", "A", "B"), ("--tools",), "A"), Part(("-p",), ("--print",))]),
        ("--add-dir", [Part(("--add-dir",), ("--add-dir",))]),
        ("--bg x", [Part(("--bg",), ("--background",)), Part(("x",))]),
        ("--new x", [Part(("--new", "x"), ("--new",), "x", unsure=True)]),
        ("--new=x y", [Part(("--new=x",), ("--new",), "x"), Part(("y",))]),
        ("--new --verbose", [Part(("--new",), ("--new",)), Part(("--verbose",), ("--verbose",))]),
        ("-p -", [Part(("-p",), ("--print",)), Part(("-",))]),
        ("-p -- --model x", [Part(("-p",), ("--print",)), Part(("--",), ("--",)), Part(("--model",)), Part(("x",))]),
        ("-q x", [Part(("-q", "x"), ("-q",), "x", unsure=True)]),
    ],
)  # fmt: skip
def test_the_words_of_a_command(words: str, found: list[Part]) -> None:
    """As Claude Code reads them; and no word is lost."""
    assert parts(words.split()) == found
    assert [word for part in found for word in part.words] == words.split()
