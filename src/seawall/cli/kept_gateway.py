"""The gateway that a run keeps alive while its command lives: found or started, leased, started again where it dies."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.cli.alarm import of
from seawall.cli.common import Common, load_settings, settings_files
from seawall.config import check, listen_address
from seawall.gateway import runtime
from seawall.origin import is_loopback
from seawall.settings import Loaded

if TYPE_CHECKING:
    from seawall.cli.continuing import Seen


@dataclass(frozen=True, slots=True)
class Starter:
    """How the gateway of this configuration is found, and started where there is none."""

    place: Path
    digest: str
    arguments: tuple[str, ...]
    listen: tuple[str, ...]
    environ: Mapping[str, str]
    keys: tuple[str, ...]
    """Variables with keys of the gateway's own."""
    tell: tuple[str, ...] = ()
    """The command that tells somebody that the gateway is gone; empty where that is not wanted."""

    def lease(self, port: int = 0) -> runtime.Talk:
        """A lease on the gateway; one that must be started gets this port, if one is given."""

        def start() -> None:
            from seawall.gateway.detach import start_detached

            listen = ("--listen", f"127.0.0.1:{port}") if port else self.listen
            start_detached([*self.arguments, *listen], self.environ, self.keys)

        return runtime.lease(self.place, self.digest, start)


def starter(goes_by: Mapping[str, str], linger: float | None, common: Common) -> Starter:
    loaded = load_settings(common, {}, goes_by)
    listen = _free_listen(loaded, common)
    if listen:
        loaded = load_settings(Common(quiet=True, config=common.config), {"gateway.listen": listen}, goes_by)
    check(loaded.config)
    if loaded.config.fallback or loaded.config.gateway.fallback:
        from seawall.cli.keys import missing
        from seawall.policy.route import read

        # Nobody hears what the gateway itself says of it.
        for problem in (*read(loaded.config)[1], *missing(loaded.config, goes_by)):
            common.say(problem)
    digest = runtime.digest_of(runtime.for_runs(loaded.config), goes_by)
    keys = tuple(one.key_env for one in loaded.config.fallback if one.key_env)
    arguments = ["--shared", digest, *(["--linger", str(linger)] if linger is not None else [])]
    user, _ = settings_files(common, goes_by)
    if common.config is not None:
        arguments += ["--config", str(user)]
    place = runtime.folder(os.environ, create=True)
    assert place is not None
    down = "gateway_down" in loaded.config.notify.on
    tell = ("watch", "--notify", *of(common), "--down") if down else ()
    return Starter(
        place, digest, tuple(arguments), ("--listen", listen) if listen else (), goes_by, keys, tell
    )


def _free_listen(loaded: Loaded, common: Common) -> str:
    """Where a gateway of this run should listen: empty for where the settings say, else any free port."""
    anywhere = "127.0.0.1:0"
    if loaded.sources["gateway.listen"] == "default":
        return anywhere
    host, port = listen_address(loaded.config.gateway.listen)
    return "" if is_loopback(host) and _is_free(port) else anywhere


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Calls:
    """What a gateway has counted since its start; None where it does not say."""

    all: int | None = None
    own_hold: int | None = None
    """Those that named a hold of their own."""


class Kept:
    """The lease of this run. Should the gateway die while the command lives, another takes its address."""

    def __init__(self, starter: Starter) -> None:
        self._starter = starter
        self._lease = starter.lease()
        self._closing = False
        self.lost = False
        self._watcher = threading.Thread(target=self._watch, name="seawall-lease", daemon=True)
        self._watcher.start()

    @property
    def address(self) -> str:
        return self._lease.record.address

    def _watch(self) -> None:
        while True:
            self._lease.ended()
            if self._closing:
                return
            try:
                # Said only at the end: the terminal is the command's.
                self._lease.close()
                self._lease = self._starter.lease(self._lease.record.port)
            except (runtime.Trouble, OSError):
                self.lost = True
                self._tell()
                return

    def _tell(self) -> None:
        """Has somebody told of it who does not look at the command: its calls fail from now on."""
        from seawall.gateway.detach import start_beside

        if not self._starter.tell:
            return
        with contextlib.suppress(OSError):
            process = start_beside([*self._starter.tell, self.address], self._starter.environ)
            threading.Thread(target=process.wait, name="seawall-tells", daemon=True).start()

    def calls(self) -> "Calls":
        """How many calls the gateway has had."""
        told = self._told()
        calls, own_hold = told.get("calls"), told.get("own_hold")
        return Calls(
            calls if isinstance(calls, int) else None, own_hold if isinstance(own_hold, int) else None
        )

    def seen(self) -> "Seen":
        """What the gateway knows of cut answers; nothing if it does not say."""
        from seawall.cli.continuing import Seen

        told = self._told()
        cut_at, succeeded_at = told.get("cut_at"), told.get("succeeded_at")
        return Seen(
            cut_at if isinstance(cut_at, float) else None,
            succeeded_at if isinstance(succeeded_at, float) else None,
        )

    def _told(self) -> Mapping[str, object]:
        token = runtime.read_token(self._starter.place)
        try:
            talk = runtime.approach(self._lease.record, token or "", 1.0)
            try:
                _, body = talk.get("/api/v1/status", token or "")
            finally:
                talk.close()
            told = json.loads(body)
        except (OSError, ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}

    def close(self) -> None:
        """Gives the lease back."""
        self._closing = True
        self._lease.hang_up()
        self._watcher.join(1.0)
        self._lease.close()
