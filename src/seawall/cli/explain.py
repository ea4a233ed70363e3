"""`seawall explain`: what an error text means, whose it is, and what to do; offline, from the text alone."""

import json
import sys
import time
from pathlib import Path

import click

from seawall.cli import catalogue, source
from seawall.cli.common import Common, ExitCode, Failure, common_options, exit_code_of
from seawall.cli.look import look_of, printed
from seawall.clock import utc
from seawall.history.ids import is_id

FROM_TEXT = "from your text only; run `seawall` to measure"


class _TextCommand(click.Command):
    """An argument that begins with a dash and has a blank in it is a text, not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" not in args:
            texts = [one for one in args if one.startswith("-") and any(map(str.isspace, one.strip()))]
            if texts:
                args = [*(one for one in args if one not in texts), "--", *texts]
        return super().parse_args(ctx, args)


@click.command(cls=_TextCommand)
@click.argument("text", nargs=-1, metavar="[TEXT|FILE|CODE|-]")
@click.option(
    "--file", type=click.Path(path_type=Path, allow_dash=True), metavar="PATH", help="Read this; - is stdin."
)
@click.option("--check", is_flag=True, help="Measure as well, and say what both show together.")
@click.option("--last", is_flag=True, help="The newest failure on record.")
@click.option("--clipboard", is_flag=True, help="What was copied.")
@click.option("--jsonl", is_flag=True, help='Lines {"id","text"} on stdin, lines with the cause on stdout.')
@click.option(
    "--list", "listed", is_flag=False, flag_value="", metavar="[PARTY]", help="All causes, or a party's."
)
@click.option("--search", metavar="WORDS", help="Causes whose page has all these words.")
@click.option(
    "--request",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="A request's body, looked at before it is sent; - is stdin.",
)
@common_options
def explain(
    common: Common,
    text: tuple[str, ...],
    file: Path | None,
    check: bool,
    last: bool,
    clipboard: bool,
    jsonl: bool,
    listed: str | None,
    search: str | None,
    request: Path | None,
) -> int:
    """Name the cause of an error: whose it is, what to do, what not to do. Nothing is sent anywhere."""
    ways = [bool(text), file is not None, last, clipboard, jsonl, listed is not None, search is not None]
    ways.append(request is not None)
    if listed is not None and len(text) == 1 and not listed:
        listed, text, ways[0] = text[0], (), False
    if sum(ways) > 1:
        raise Failure(
            "give one of TEXT, --file, --last, --clipboard, --jsonl, --list, --search, --request",
            ExitCode.USAGE,
        )
    if check and (last or jsonl or listed is not None or search is not None or request is not None):
        raise Failure("--check goes with a text: an argument, --file, --clipboard, stdin", ExitCode.USAGE)
    if request is not None:
        from seawall.cli import request as lint

        return lint.answer(common, request)
    if jsonl:
        from seawall.cli.many import lines

        return lines(sys.stdin.buffer, sys.stdout.buffer)
    if listed is not None or search is not None:
        return catalogue.table(common, listed, search)
    if last:
        return _last(common)
    given = " ".join(text)
    if text and not check and (code := catalogue.code_of(given)):
        return catalogue.page(common, code)
    # Words such as `dead` look like an incident's id too: they are explained where no incident has it.
    if text and not check and is_id(given) and not Path(given).exists():
        from seawall.cli.incidents import explained

        if (ended := explained(common, given)) is not None:
            return ended
        if not given.isalpha() and not _says_something(given):
            raise Failure(
                f"no incident on record has the id {given!r}, and as a text it names no cause; "
                "`seawall history list` shows the incidents",
                ExitCode.USAGE,
            )
    return _answer(common, source.whole(source.pieces(given, file, clipboard, common)), check)


def _says_something(text: str) -> bool:
    from seawall.causes.match import UNKNOWN
    from seawall.causes.verdict import explain as explained

    return explained(text).cause != UNKNOWN


def _answer(common: Common, text: str, check: bool = False) -> int:
    """Prints what a text means, with `check` beside what is measured; ends with the code of its party."""
    from seawall import redact
    from seawall.causes.cause import load
    from seawall.causes.verdict import explain as explained

    if not text.strip():
        raise Failure("there is no text to explain", ExitCode.USAGE)
    found = explained(text)
    if check:
        from seawall.cli.merged import merged

        return merged(common, found, redact.text(text[:_SHOWN]), redact.holds_key(text))
    code = exit_code_of(found.cause)
    cause = load(found.cause)
    held_key = redact.holds_key(text)
    if common.json:
        from seawall.view import explanation_data

        masked = redact.text(text[:_SHOWN])
        click.echo(json.dumps(explanation_data.of_text(found, cause, masked, held_key, time.time(), code)))
    else:
        from seawall.view import explanation

        printed(explanation.verdict(found, cause, look_of(common), FROM_TEXT, held_key))
    return code


_SHOWN = 4000
"""Characters of a text, masked, that go into JSON."""


def _last(common: Common) -> int:
    """The newest failure that the gateway or a hook has on record, or a transcript tells of."""
    from seawall.causes.cause import load, lookup
    from seawall.cli.records import SEEN_BY, newest_failure

    seen = newest_failure(common)
    code = lookup(seen.cause or "").code
    cause, ends = load(code), exit_code_of(code)
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seen.at))
    said = ", ".join(str(one) for one in (seen.status, seen.error_type, seen.route, seen.request_id) if one)
    if common.json:
        from dataclasses import asdict

        from seawall.view import explanation_data

        row = asdict(seen)
        for name in ("at", "account", "network"):
            del row[name]
        whole = explanation_data.of_record(cause, {"at": utc(seen.at), **row}, time.time(), ends)
        click.echo(json.dumps(whole))
        return ends
    from seawall.view import explanation

    look = look_of(common)
    printed(
        [
            *explanation.row("Seen", [f"{at} {SEEN_BY.get(seen.source, seen.source)}: {said}"], look),
            "",
            *explanation.page(cause, look),
        ]
    )
    return ends
