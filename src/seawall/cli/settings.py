"""`seawall config`: every setting with where it came from; whether the files are good; where they are."""

import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from seawall import redact
from seawall.cli.common import Common, ExitCode, common_options, settings_files
from seawall.settings import NEVER_SHOWN

if TYPE_CHECKING:
    from seawall.config import Config, Fallback


def shown(key: str, value: object) -> object:
    """A setting's value as it may be printed: no token, no password of a proxy."""
    if not value:
        return value
    if key in NEVER_SHOWN:
        return "set, not shown"
    if key in ("gateway.upstream", "network.https_proxy", "network.http_proxy"):
        return redact.text(re.sub(r"^(\w+://)?[^/]*@", r"\1...@", str(value)))
    return masked(value)


def masked(value: object) -> object:
    """The value without credentials: people paste keys into the wrong setting."""
    match value:
        case str():
            return redact.text(value)
        case tuple():
            return tuple(redact.text(one) for one in value)
        case _:
            return value


def shown_fallback(fallback: "Fallback") -> dict[str, object]:
    """A `[[fallback]]` as it may be printed: where its key is, never the key itself."""
    from dataclasses import asdict

    made = {"for" if name == "causes" else name: masked(one) for name, one in asdict(fallback).items()}
    return made | {"upstream": shown("gateway.upstream", fallback.upstream)}


def entries(config: "Config", sources: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """Every setting in force by its key: its value as it may be shown, and where it came from."""
    from seawall.settings import KEYS

    found = {}
    for key in KEYS:
        value: object = config
        for part in key.split("."):
            value = getattr(value, part)
        found[key] = {"value": shown(key, value), "source": sources[key]}
    return found


@click.command()
@click.argument("what", type=click.Choice(["show", "check", "path"]), default="show")
@common_options
def config(what: str, common: Common) -> int:
    """Every setting and where it came from (show), mistakes in the files (check), where they are (path)."""
    from seawall.config import ConfigError, check, notify_problems
    from seawall.policy.route import read
    from seawall.settings import load

    user, project = settings_files(common, os.environ)
    files = {"user": str(user), "project": str(project) if project else None}
    if what == "path":
        click.echo(json.dumps({"schema": "seawall.config/1", **files}) if common.json else str(user))
        return ExitCode.OK
    loaded = load({}, os.environ, user_file=user, project_file=project)
    problems = [*loaded.warnings, *read(loaded.config)[1], *notify_problems(loaded.config.notify)]
    try:
        check(loaded.config)
    except ConfigError as error:
        problems.append(str(error))
    values = {key: one["value"] for key, one in entries(loaded.config, loaded.sources).items()}
    fallbacks = [shown_fallback(fallback) for fallback in loaded.config.fallback]
    if common.json:
        object_ = {"schema": "seawall.config/1", "files": files, "problems": problems}
        all_of_it = (
            {"values": entries(loaded.config, loaded.sources), "fallback": fallbacks}
            if what == "show"
            else {}
        )
        click.echo(json.dumps(object_ | all_of_it))
    elif what == "check":
        for line in problems:
            click.echo(line)
        if not problems:
            click.echo(f"{user}: {'fine' if user.exists() else 'not there, and none is needed'}")
    else:
        for line in problems:
            common.say(line)
        for key, value in values.items():
            click.echo(f"{key:<38} {_text(value):<28} {loaded.sources[key]}")
        for number, fallback in enumerate(fallbacks, 1):
            for name, value in fallback.items():
                click.echo(f"{f'[[fallback]] {number} {name}':<38} {_text(value):<28} {user}")
    return ExitCode.USAGE if problems and what == "check" else ExitCode.OK


def _text(value: object) -> str:
    return json.dumps(value) if not isinstance(value, float) else f"{value:g}"
