"""`seawall config`: every setting with where it came from; whether the files are good; where they are."""

import json
import os
import re

import click

from seawall.cli.common import Common, ExitCode, common_options, settings_files


def shown(key: str, value: object) -> object:
    """A setting's value as it may be printed: no token, no password of a proxy."""
    if not value:
        return value
    if key == "team.token":
        return "set, not shown"
    if key in ("gateway.upstream", "network.https_proxy", "network.http_proxy"):
        return re.sub(r"^(\w+://)?[^/]*@", r"\1...@", str(value))
    return value


@click.command()
@click.argument("what", type=click.Choice(["show", "check", "path"]), default="show")
@common_options
def config(what: str, common: Common) -> int:
    """Every setting and where it came from (show), mistakes in the files (check), where they are (path)."""
    from seawall.config import ConfigError, check
    from seawall.settings import KEYS, load

    user, project = settings_files(common, os.environ)
    files = {"user": str(user), "project": str(project) if project else None}
    if what == "path":
        click.echo(json.dumps({"schema": "seawall.config/1", **files}) if common.json else str(user))
        return ExitCode.OK
    loaded = load({}, os.environ, user_file=user, project_file=project)
    problems = list(loaded.warnings)
    try:
        check(loaded.config)
    except ConfigError as error:
        problems.append(str(error))
    values: dict[str, object] = {}
    for key in KEYS:
        value: object = loaded.config
        for part in key.split("."):
            value = getattr(value, part)
        values[key] = shown(key, value)
    if common.json:
        entries = {key: {"value": value, "source": loaded.sources[key]} for key, value in values.items()}
        object_ = {"schema": "seawall.config/1", "files": files, "problems": problems}
        click.echo(json.dumps(object_ | ({"values": entries} if what == "show" else {})))
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
    return ExitCode.USAGE if problems and what == "check" else ExitCode.OK


def _text(value: object) -> str:
    return json.dumps(value) if not isinstance(value, float) else f"{value:g}"
