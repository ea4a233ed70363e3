"""`seawall model`: five questions, one recommendation. Changes nothing; asks the network only with `--live`."""

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seawall.cli import typed
from seawall.cli.common import NOWHERE, Common, ExitCode, Failure, common_options, home, load_settings
from seawall.cli.look import look_of, printed
from seawall.view.heading import heading

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.doctor.subject import Subject
    from seawall.policy.choice import Choice, Question

_TRIES = 5
"""Answers outside the choices after which a person is let go."""
_RECENT = 24 * 3600.0
_OFTEN = 3
"""Refusals for lack of capacity that are worth a line; one or two are any day's."""


@click.command()
@click.option(
    "--answers", metavar="a,b,a,b,a", help="The five answers, for scripts; an empty one is the default."
)
@click.option("--live", is_flag=True, help="With an API key: also list the models that it can use.")
@common_options
def model(common: Common, answers: str | None, live: bool) -> int:
    """Five questions, and the model for the work; with what to fall back to, and the lines to use."""
    from seawall.policy.choice import choose, families

    if live and common.offline:
        raise Failure("--live asks the API, and --offline forbids it", ExitCode.USAGE)
    subject = _with_key(common) if live else None
    chosen = choose(_given(answers) if answers is not None else _asked(common))
    trouble = _trouble(common, families(chosen))
    listed = _listed(subject) if subject is not None else None
    if common.json:
        click.echo(json.dumps(_as_json(chosen, trouble, listed)))
        return ExitCode.OK
    printed(_lines(common, chosen, trouble, listed))
    return ExitCode.OK


def _given(answers: str) -> str:
    """The letters of `--answers`."""
    from seawall.policy.choice import QUESTIONS

    parts = answers.split(",") if "," in answers else list(answers.strip())
    if len(parts) != len(QUESTIONS):
        raise Failure(
            f"--answers needs {len(QUESTIONS)} letters, such as b,a,b,a,b; it has {len(parts)}",
            ExitCode.USAGE,
        )
    letters = ""
    for number, (part, question) in enumerate(zip(parts, QUESTIONS, strict=True), 1):
        letter = part.strip().lower() or question.default
        if letter not in question.choices:
            shown = "".join(char for char in part[:10] if char.isprintable())
            among = ", ".join(question.choices)
            raise Failure(
                f"answer {number} is {shown!r}; the choices are {among} ({question.ask})", ExitCode.USAGE
            )
        letters += letter
    return letters


def _asked(common: Common) -> str:
    from seawall.policy.choice import QUESTIONS

    if sys.stdin is None:
        raise Failure("nobody is there to answer; give --answers b,a,b,a,b", ExitCode.USAGE)
    if not sys.stdin.isatty():
        return "".join(_ask(number, question, _line) for number, question in enumerate(QUESTIONS, 1))
    with typed.keys() as next_key:
        return "".join(
            _ask(number, question, lambda: _key(next_key)) for number, question in enumerate(QUESTIONS, 1)
        )


def _ask(number: int, question: "Question", answer: "Callable[[], str]") -> str:
    """The letter that a person types; Enter alone is the default."""
    click.echo(f"{number}. {question.ask}", err=True)
    for letter, text in question.choices.items():
        click.echo(f"   {letter}) {text}" + (" (Enter)" if letter == question.default else ""), err=True)
    for _ in range(_TRIES):
        letter = answer().strip().lower()[:1] or question.default
        if letter in question.choices:
            return letter
        among = ", ".join(question.choices)
        if not sys.stdin.isatty():
            raise Failure(f"answer {number} is none of {among} ({question.ask})", ExitCode.USAGE)
        click.echo(f"   one of {among}, please", err=True)
    raise Failure(f"question {number} was not answered; nothing was changed", ExitCode.USAGE)


def _line() -> str:
    """One line of what is no terminal."""
    if line := sys.stdin.readline(1000):
        return line
    raise Failure(_ENDED, ExitCode.USAGE)


def _key(next_key: "Callable[[], str]") -> str:
    """One key of a terminal."""
    click.echo("> ", nl=False, err=True)
    try:
        key = next_key()
    except EOFError:
        key = ""
    click.echo(key if key.isprintable() else "", err=True)
    if key in ("", "\x04"):  # the second from a console of Windows
        raise Failure(_ENDED, ExitCode.USAGE)
    return key


_ENDED = "the answers ended too soon; give all five, or --answers b,a,b,a,b"


def _trouble(common: Common, families: tuple[str, ...]) -> list[tuple[str, int]]:
    """Families that were lately refused for lack of capacity, with how often, by the own records; best effort."""
    try:
        from seawall.store.place import here, store_path

        path = store_path(load_settings(common, {}, os.environ).config.store, here())
        if not path.exists():
            return []
        from seawall.store.queries import attempts_since, reading

        with reading(path) as connection:
            rows = attempts_since(connection, time.time() - _RECENT)
    except Exception:  # the records are an extra: whatever is wrong with them, `status` and `history` say so
        return []
    counts = {
        family: sum(row.family == family and row.cause in _CAPACITY for row in rows) for family in families
    }
    return [(family, count) for family, count in counts.items() if count >= _OFTEN]


_CAPACITY = ("provider.overloaded", "provider.model_capacity")


def _with_key(common: Common) -> "Subject":
    """Where the models can be asked for; `Failure`, before any question, where there is no key to ask with."""
    from seawall.doctor.check import Probe
    from seawall.doctor.checks.cred_live import why_not
    from seawall.doctor.subject import subject

    loaded = load_settings(common, {}, os.environ)
    try:
        folder = Path.cwd()
    except OSError:  # the folder is gone
        folder = NOWHERE
    seen = subject(loaded.config, loaded.sources["gateway.upstream"], os.environ, home(os.environ), folder)
    if reason := why_not(Probe(seen, {})):
        raise Failure(f"--live needs an API key: {reason}", ExitCode.USAGE)
    return seen


def _listed(seen: "Subject") -> list[str]:
    """The models that the user's key can use; `Failure` where they cannot be had."""
    import asyncio

    import msgspec

    from seawall.doctor.check import Loop
    from seawall.doctor.reach import ask

    class _Model(msgspec.Struct):
        id: str

    class _Models(msgspec.Struct):
        data: list[_Model]

    headers = {
        "x-api-key": seen.variables["ANTHROPIC_API_KEY"].text,
        "anthropic-version": "2023-06-01",
        "accept-encoding": "identity",
    }
    with asyncio.Runner(loop_factory=Loop) as runner:
        target = f"{seen.base_path}/v1/models?limit=100"
        answer = runner.run(ask(seen.api, seen.config.network, "GET", target, headers, seconds=8.0))
    if answer.status != 200:
        what = f"the API answered {answer.status}" if answer.status else answer.text.rstrip(".")
        raise Failure(f"the models cannot be listed: {what}; `seawall doctor` says whose side it is")
    try:
        found = msgspec.json.decode(answer.body, type=_Models).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Failure("the models cannot be listed: the answer is no list of models") from None
    return [one.id for one in found if re.fullmatch(r"[A-Za-z0-9._:@/-]{1,100}", one.id)]


def _as_json(chosen: "Choice", trouble: list[tuple[str, int]], listed: list[str] | None) -> dict[str, object]:
    return heading("seawall.model/1", time.time()) | {
        "model": chosen.model,
        "runner_up": chosen.runner_up,
        "fallback": list(chosen.fallback),
        "title": chosen.title,
        "why": list(chosen.why),
        "hints": list(chosen.hints),
        "command": f"claude --model {_quoted(chosen.model)}",
        "settings": {"model": chosen.model, "fallbackModel": list(chosen.fallback)},
        "trouble": [{"family": family, "refused": count, "seconds": _RECENT} for family, count in trouble],
        "live": listed,
    }


def _quoted(name: str) -> str:
    """As a shell takes it: brackets are a pattern to some."""
    return f"'{name}'" if "[" in name else name


def _lines(
    common: Common, chosen: "Choice", trouble: list[tuple[str, int]], listed: list[str] | None
) -> list[str]:
    from seawall.view.explanation import wrapped

    look = look_of(common)
    command = f"  claude --model {_quoted(chosen.model)}"
    setting = f'  "model": "{chosen.model}",'
    lines = [
        f"{chosen.title}.",
        f"{command:<36} this once",
        f"{setting:<36} ~/.claude/settings.json",
        f'  "fallbackModel": {json.dumps(list(chosen.fallback))}',
        *wrapped(f"Why: {', '.join(chosen.why)}.", look.edge),
        *wrapped(
            f"Next best: {chosen.runner_up}. When overloaded: {', then '.join(chosen.fallback)}.", look.edge
        ),
    ]
    for family, count in trouble:
        lines += wrapped(
            f"Lately: {family} was overloaded {count} times in 24 hours, by your own records.", look.edge
        )
    for hint in chosen.hints:
        lines += wrapped(hint, look.edge)
    if listed is None:
        return [
            *lines,
            *wrapped(
                "Not asked of the network; aliases are used so the answer does not go stale.", look.edge
            ),
        ]
    return [*lines, "Your key can use:", *(f"  {name}" for name in listed)]
