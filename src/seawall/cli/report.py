"""`seawall report`: a bundle without secrets, and the texts for an issue, for support, for IT. Sends nothing."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.cli import times
from seawall.cli.common import Common, ExitCode, Failure, common_options
from seawall.cli.reported import TRIED, Prepared, Wanted, prepared, state
from seawall.history.episodes import KEPT
from seawall.view.heading import heading

if TYPE_CHECKING:
    from seawall.config import Config
    from seawall.report.bundle import Bundle, Written
    from seawall.report.case import Case


@click.command()
@click.argument("episode", required=False, metavar="[ID]")
@click.option(
    "--show", is_flag=True, help="Look through the newest report of ID that is here; writes nothing."
)
@click.option(
    "--open", "browser", is_flag=True, help="Open Claude Code's bug form, filled in; you press submit."
)
@click.option("--support", is_flag=True, help="Only the mail for support, request ids first.")
@click.option("--issue", is_flag=True, help="Only the issue's text.")
@click.option("--it", is_flag=True, help="Only the text for the network team: hosts, ports, issuer, tests.")
@click.option("--stdout", is_flag=True, help="All files on stdout; writes nothing.")
@click.option(
    "--since", metavar="SPAN|DATE", help="All failures since then instead of one incident: 2h, 2026-11-01."
)
@click.option("--to", metavar="FOLDER", type=click.Path(path_type=Path), help="Write there instead of here.")
@click.option("--no-network-names", is_flag=True, help="Mask names of hosts, proxies and certificates too.")
@click.option(
    "--reveal",
    multiple=True,
    metavar="KIND",
    help="Do not mask: host, address, user, mail, organisation, path.",
)
@click.option("--tried", multiple=True, type=click.Choice(list(TRIED)), help="What you tried: opens a gate.")
@click.option("-y", "--yes", is_flag=True, help="Go on without asking.")
@common_options
def report(
    common: Common,
    episode: str | None,
    show: bool,
    browser: bool,
    support: bool,
    issue: bool,
    it: bool,
    stdout: bool,
    since: str | None,
    to: Path | None,
    no_network_names: bool,
    reveal: tuple[str, ...],
    tried: tuple[str, ...],
    yes: bool,
) -> int:
    """Write a redacted support bundle and the text of an issue; send nothing.

    Without ID it is about the newest incident on record, or about what is measured now.
    """
    only = [
        name
        for name, on in (
            ("show", show),
            ("support", support),
            ("issue", issue),
            ("it", it),
            ("stdout", stdout),
        )
        if on
    ]
    if len(only) > 1 or (only and browser):
        raise Failure(
            "of --show, --open, --support, --issue, --it and --stdout only one at a time", ExitCode.USAGE
        )
    if since is not None and episode is not None:
        raise Failure("an incident's id, or --since for all failures since a time: not both", ExitCode.USAGE)
    now = time.time()
    wanted = Wanted(
        episode=episode,
        text=only[0] if only else "bundle",
        browser=browser,
        since=None if since is None else max(times.begin(since, now), now - KEPT),
        to=to or Path(),
        reveal=_revealed(reveal, yes),
        no_network_names=no_network_names,
        yes=yes,
    )
    if wanted.text == "show" and (files := _written_before(wanted)):
        return _all(files, common)
    return _go(common, wanted, tried, now)


def _revealed(given: Sequence[str], yes: bool) -> tuple[str, ...]:
    """The kinds that stay readable: each was asked about."""
    from seawall.report.bundle import kinds

    try:
        chosen = kinds(given)
    except ValueError as error:
        raise Failure(f"--reveal: {error}", ExitCode.USAGE) from None
    for kind in chosen:
        if not _agreed(f"Leave every {kind} readable in this report?", yes):
            raise Failure(f"--reveal {kind} needs a yes: answer it in a terminal, or add -y", ExitCode.USAGE)
    return tuple(chosen)


def _agreed(question: str, yes: bool) -> bool:
    """Whether the person says yes; only in a terminal can they be asked."""
    if yes:
        return True
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _written_before(wanted: Wanted) -> Mapping[str, str] | None:
    from seawall.report.bundle import newest

    return newest(wanted.to, _name(wanted.episode)) if wanted.episode else None


def _name(episode: str) -> str:
    return f"seawall-report-{''.join(char for char in episode.lower() if char.isalnum())[:40]}"


def _go(common: Common, wanted: Wanted, tried: Sequence[str], now: float) -> int:
    from seawall.report import bundle, issue, letters

    ready = prepared(common, wanted, tried, now)
    case = ready.case
    should, due = _should(case, now)
    writes = wanted.text == "bundle"
    quiet = common.json or not writes
    if not due:
        should += "  (-y to go on)" if writes and not wanted.yes else ""
    if not common.json:
        for line in [should, *([] if due else _gates(case, common.plain))]:
            click.echo(line, err=quiet)
    if writes and not due and not _agreed("Go on?", wanted.yes):
        if sys.stdin is not None and sys.stdin.isatty():
            return ExitCode.OK
        raise Failure("nothing was written; -y writes the report all the same", ExitCode.USAGE)
    try:
        if wanted.text in ("issue", "support", "it"):
            match wanted.text:
                case "issue":
                    name, text = "issue.md", issue.markdown(case)
                case "support":
                    name, text = "support.txt", letters.support(case)
                case _:
                    if letters.trouble(case) is None:
                        common.say(
                            "no fault of the network is known; the text asks for what the client needs"
                        )
                    name, text = "it.txt", letters.network(case, _config(common).report.it_contact)
            shown = bundle.checked(name, text, case, ready.masker, ready.hidden)
            _keep(common, ready)
            return _one(name, shown, common)
        made_ = bundle.made(case, ready.verdict, ready.masker, ready.hidden, ready.revealed)
    except bundle.Leak as leak:
        raise Failure(str(leak)) from None
    _keep(common, ready)
    if not writes:
        return _all(made_.files, common)
    return _wrote(common, wanted, ready, made_, should)


def _config(common: Common) -> "Config":
    from seawall.cli.common import load_settings

    return load_settings(common, {}, os.environ).config


def _should(case: "Case", now: float) -> tuple[str, bool]:
    """The first line, and whether it is time."""
    from seawall.clock import duration, local
    from seawall.doctor.escalation import State
    from seawall.history.episodes import End

    one, found = case.recorded.episode, case.escalation
    if one is not None and one.end is End.RECOVERED:
        return f"Should you? It is over since {local(one.until)}, after {duration(one.lasted)}.", False
    if one is not None and one.end is End.UNSEEN:
        return f"Should you? Nothing has failed since {local(one.last_failure_at)}; it may be over.", False
    match found.state:
        case State.NOW:
            return f"Should you? Yes: {found.met} of {len(found.gates)} gates met.", True
        case State.NOT_YET:
            opens = found.gates[0].opens_at
            then = f", time opens {local(opens)}" if opens else ""
            return f"Should you? Not yet: {found.met} of {len(found.gates)} gates met{then}.", False
        case State.ALREADY_KNOWN:
            return f"Should you? No, {found.text}.", False
        case State.NEVER:
            return f"Should you? Never for this cause: seawall explain {case.cause.code}", False
        case _:
            return f"Should you? Not Anthropic: {found.text}.", False


def _gates(case: "Case", plain: bool) -> list[str]:
    """What is met and what is missing, and how to say what no check can measure."""
    from seawall.doctor.escalation import Met, State, rows
    from seawall.history.episodes import End

    found, one = case.escalation, case.recorded.episode
    if found.state is not State.NOT_YET or (one is not None and one.end is not End.OPEN):
        return []
    lines = [f"  {line}" for line in rows(found, plain)[1:]]
    open_ = [gate.id for gate in found.gates if gate.state is Met.UNKNOWN]
    if one is not None and {"account", "basics", "others"} & set(open_):
        lines.append(
            f"  Say what you tried:  seawall report {case.id} --tried restart   (or others, login, network)"
        )
    return lines


def _keep(common: Common, ready: Prepared) -> None:
    """The local map of names, so that the next report says <user-1> to the same."""
    place = state()
    try:
        if place is not None:
            ready.names.keep(place)
    except OSError as error:
        common.say(
            f"the map of masked names is not kept ({error.strerror or 'no access'}); the next report has its own"
        )


def _one(name: str, text: str, common: Common) -> int:
    if common.json:
        click.echo(json.dumps(_object() | {"files": [{"name": name, "text": text}], "sent": False}))
    else:
        click.echo(text, nl=False)
    return ExitCode.OK


def _all(files: Mapping[str, str], common: Common) -> int:
    """Every file, its name before it."""
    from seawall.report.bundle import printable

    if common.json:
        listed = [{"name": name, "text": text} for name, text in files.items()]
        click.echo(json.dumps(_object() | {"files": listed, "sent": False}))
        return ExitCode.OK
    for number, (name, text) in enumerate(files.items()):
        click.echo(f"{chr(10) if number else ''}==> {name} <==")
        click.echo(printable(text), nl=False)
    return ExitCode.OK


def _wrote(common: Common, wanted: Wanted, ready: Prepared, made: "Bundle", should: str) -> int:
    from seawall.report import bundle

    case = ready.case
    try:
        written = bundle.write(wanted.to, _name(case.id), made.files)
    except OSError as error:
        place = f"{wanted.to}" if str(wanted.to) != "." else "this folder"
        raise Failure(f"cannot write in {place}: {error.strerror or error}; --to names another") from None
    if common.json:
        click.echo(json.dumps(_object() | _written_object(case, written, made, should)))
    else:
        click.echo(f"\n{made.files['issue.md']}")
        _say(written, made, wanted, case)
    return _open(common, wanted, ready, written) if wanted.browser else ExitCode.OK


def _say(written: "Written", made: "Bundle", wanted: Wanted, case: "Case") -> None:
    from seawall.report.bundle import counted

    size = max(1, round(written.size / 1000))
    rows = len(case.recorded.rows)
    attempts = f"{rows} attempt{'' if rows == 1 else 's'}"
    click.echo(f"Wrote {written.zip} ({size} kB, {len(made.files)} files). Nothing was sent.")
    click.echo("  README.txt       what is in here, in plain words")
    click.echo("  verdict.json     verdict, evidence, checks")
    click.echo(f"  timeline.csv     {attempts}: time, status, type, request id, duration")
    click.echo("  environment.txt  versions, OS, proxy kind, settings names (no values)")
    click.echo("  issue.md         ready for github.com/anthropics/claude-code/issues")
    click.echo(f"  redaction.txt    what was masked: {counted(made.masked)}")
    click.echo("\nMasked text is the same everywhere (<user-1>, <host-2>): still readable.")
    where = f" --to {_quoted(wanted.to)}" if str(wanted.to) != "." else ""
    click.echo(f"Look before you send:  seawall report {case.id}{where} --show")
    if case.recorded.episode is not None:
        click.echo(f"Open a prefilled issue: seawall report {case.id} --open   (browser, you press submit)")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _open(common: Common, wanted: Wanted, ready: Prepared, written: "Written") -> int:
    """Opens the form, filled in with what was written: masked, looked at, and only what the person agrees to."""
    from seawall.cli.browser import opened
    from seawall.report import bundle, issue

    case = ready.case
    fields = issue.fields(case)
    answers = {one.id: ready.masker.text(bundle.printable(one.text)) for one in fields}
    name = ready.masker.text(issue.title(case))
    whole = {"the address": "\n".join([name, *answers.values()])}
    from seawall.report.masking import look

    if look(whole, ready.masker, ready.hidden, case.request_ids) is not None:
        raise Failure(
            "the address is not opened: something in it looks like a secret; issue.md can be read first"
        )
    address, left_out = issue.address(name, answers, frozenset(one.id for one in fields if one.long))
    if left_out:
        labels = ", ".join(one.label for one in fields if one.id in left_out)
        common.say(f"too long for an address, please paste from {written.folder / 'issue.md'}: {labels}")
    if not _agreed(
        "Your browser sends these fields to github.com when it opens the form. Open it?", wanted.yes
    ):
        common.say("not opened; the address, to open it yourself:")
    elif opened(address, os.environ):
        return ExitCode.OK
    else:
        common.say("no browser could be started here; open this address yourself:")
    click.echo(address, err=common.json)
    return ExitCode.OK


def _object() -> dict[str, object]:
    return heading("seawall.report/1", time.time())


def _written_object(case: "Case", written: "Written", made: "Bundle", should: str) -> dict[str, Any]:
    from seawall.doctor.escalation import as_json

    one = case.recorded.episode
    return {
        "cause": case.cause.code,
        "episode": one.id if one else None,
        "should": should,
        "escalate": as_json(case.escalation),
        "folder": str(written.folder),
        "zip": str(written.zip),
        "bytes": written.size,
        "files": [{"name": name, "bytes": len(text.encode())} for name, text in made.files.items()],
        "masked": dict(made.masked),
        "sent": False,
    }
