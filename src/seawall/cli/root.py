"""`seawall doctor --export-ca`: the root that re-signs connections, as a file for programs that do not know it."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seawall.cli import examine
from seawall.cli.common import Common, ExitCode, Failure

if TYPE_CHECKING:
    from seawall.doctor.root import Root


def export(common: Common, path: Path, base_url: str | None) -> int:
    """Writes the root to a new file, its fingerprint said first; `Failure` where there is none to be trusted."""
    target = path.expanduser()
    if target.exists() or target.is_symlink():
        raise Failure(f"{target} is there already, and is left as it is; name another file", ExitCode.USAGE)
    if not target.parent.is_dir():
        raise Failure(f"there is no folder {target.parent}", ExitCode.USAGE)
    if common.offline:
        raise Failure(
            "--export-ca asks the API's host for its certificate; leave out --offline", ExitCode.USAGE
        )
    root = _found(common, base_url)
    day = [time.strftime("%Y-%m-%d", time.gmtime(at)) for at in (root.begins, root.ends)]
    if not common.json:
        click.echo(f"{_harmless(root.name)}, valid {day[0]} to {day[1]}; this machine trusts it already.")
        click.echo(f"SHA-256 {root.fingerprint}")
    _write(target, root.pem)
    if common.json:
        said = {"path": str(target), "name": root.name, "sha256": root.fingerprint, "valid_until": day[1]}
        click.echo(json.dumps({"schema": "seawall.root/1", **said}))
    else:
        click.echo(f"Wrote {target}. In your shell profile: export NODE_EXTRA_CA_CERTS={target}")
    return ExitCode.OK


def _found(common: Common, base_url: str | None) -> "Root":
    from seawall.doctor.root import private_roots, signer
    from seawall.http.failure import DialError

    subject = examine.subject_of(common, base_url)
    if subject.api.scheme != "https":
        raise Failure(f"{subject.api.host} is asked without TLS: no certificate, no root", ExitCode.USAGE)
    roots = private_roots()
    try:
        root = asyncio.run(signer(subject.api, subject.config.network, roots)) if roots else None
    except DialError as error:
        raise Failure(f"{error.text}; seawall doctor says why", ExitCode.NETWORK) from None
    if root is None:
        beside = (
            f"{len(roots)} beside the public ones, and none of them"
            if roots
            else "only the public ones; none"
        )
        raise Failure(
            f"of the roots that this machine trusts ({beside} signs the connection to {subject.api.host}) "
            "there is none to write. Ask IT for the company's root: one from the connection itself proves nothing",
            ExitCode.NETWORK,
        )
    return root


def _write(target: Path, text: str) -> None:
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        raise Failure(f"{target} cannot be written: {error.strerror}", ExitCode.USAGE) from None
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise Failure(f"{target} cannot be written: {error.strerror}", ExitCode.SEAWALL) from None


def _harmless(name: str) -> str:
    from seawall.view.doctor import harmless

    return harmless(name)
