"""The dashboard's two ends on the command line: what `serve` answers it with, and `watch --web`, which opens it."""

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from seawall.cli.common import Common, ExitCode, Failure, settings_files
from seawall.view.web.door import Answers, Door

if TYPE_CHECKING:
    from pathlib import Path

    from seawall.config import Config
    from seawall.gateway.local import LocalHandler
    from seawall.gateway.runtime import Record
    from seawall.gateway.sharing import Sharing
    from seawall.gateway.tally import Tallies

_PROVE = 2.0
"""Seconds that a gateway may take to prove that it is ours."""


def routes(
    config: "Config",
    sources: Mapping[str, str],
    figures: "Callable[[], tuple[Tallies, float]]",
    sharing: "Sharing",
    token: str,
    common: Common,
) -> "dict[str, LocalHandler]":
    """All that the gateway answers itself: to its own commands, to the page, to Prometheus."""

    user, project = settings_files(common, os.environ)
    files = {"user": str(user), "project": str(project) if project else None}

    def make() -> Answers:
        from seawall.cli.settings import entries, shown_fallback
        from seawall.view.web.ask import Asker
        from seawall.view.web.routes import Sources, Web

        return Web(
            Sources(
                token,
                sharing.told,
                figures,
                lambda: {
                    "schema": "seawall.config/1",
                    "files": files,
                    "problems": [],  # with one, this gateway would not have started
                    "values": entries(config, sources),
                    "fallback": [shown_fallback(one) for one in config.fallback],
                },
                lambda: sharing.closing,
                time.time,
                bool(config.gateway.tls_cert),
            ),
            Asker(asked_with(common), asked_in(config, sources, os.environ)),
        )

    return Door(make, token, sharing.told, time.time).routes(sharing.routes())


def asked_with(common: Common) -> list[str]:
    """The options that the page's verbs get, so that they go by the settings that the gateway goes by."""
    return [
        *(["--config", str(common.config.absolute())] if common.config is not None else []),
        *(["--offline"] if common.offline else []),
    ]


def asked_in(config: "Config", sources: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Their environment: an upstream that was given as an option is in no file that they could read it from."""
    given = sources["gateway.upstream"].startswith("option")
    return {**environ, **({"SEAWALL_GATEWAY_UPSTREAM": config.gateway.upstream} if given else {})}


def show(common: Common) -> int:
    """Opens the dashboard of the user's gateway in a browser, and prints its link, which works once."""
    import click  # not above: the gateway does without it

    from seawall.gateway import runtime
    from seawall.view.web.keys import link

    place = runtime.folder(os.environ, create=False)
    token = runtime.read_token(place) if place is not None else None
    record = _proven(place, token) if place is not None and token else None
    if record is None or token is None:
        raise Failure("no gateway of yours runs; `seawall run -- claude` or `seawall serve` starts one")
    address = record.address + link(token, time.time())
    if common.json:
        import json

        click.echo(json.dumps({"schema": "seawall.web/1", "address": record.address, "link": address}))
        return ExitCode.OK
    if not _opened(address, os.environ) or not common.quiet:
        click.echo(f"{address}\nThe link works once, within a minute.")
    return ExitCode.OK


def _proven(place: "Path", token: str) -> "Record | None":
    """The gateway that listens at the usual address if one does, else the newest."""
    from seawall.gateway import runtime

    found = sorted(runtime.records(place), key=lambda one: (not one.shared, one.started_at), reverse=True)
    for record in found:
        try:
            runtime.approach(record, token, _PROVE).close()
        except OSError:
            continue
        return record
    return None


def _opened(address: str, environ: Mapping[str, str]) -> bool:
    """Whether a browser took it. One is looked for only where somebody sits before a screen."""
    import sys

    screen = environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or environ.get("BROWSER")
    if sys.platform.startswith("linux") and not screen:
        return False
    import webbrowser

    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
