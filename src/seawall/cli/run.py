"""`seawall run -- CMD`: one command behind the gateway that all runs of the user share."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from seawall.claude_code import settings as claude
from seawall.cli import child as children
from seawall.cli import times
from seawall.cli.alarm import of
from seawall.cli.common import Common, ExitCode, Failure, common_options, home, load_settings, settings_files
from seawall.clock import duration
from seawall.config import check, listen_address
from seawall.gateway import runtime
from seawall.origin import is_loopback
from seawall.settings import Loaded


@click.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False})
@click.option("--hold", metavar="TIME", help="How long a call of this run is held at most, such as 15m.")
@click.option("--no-hold", is_flag=True, help="Pass every failure of this run on at once.")
@click.option("--direct", is_flag=True, help="Without the gateway.")
@click.option("--linger", hidden=True, type=click.FloatRange(min=0))
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD...")
@common_options
def run(
    hold: str | None,
    no_hold: bool,
    direct: bool,
    linger: float | None,
    command: tuple[str, ...],
    common: Common,
) -> int:
    """Run CMD behind the gateway and return its exit code. Changes no files.

    The gateway is started if none runs; all runs share it, and it leaves a minute after the last.
    """
    if not command:
        raise click.UsageError("no command; for example: seawall run -- claude")
    if no_hold and hold is not None:
        raise click.UsageError("--hold and --no-hold exclude each other")
    asked = 0.0 if no_hold else times.length(hold, "--hold", 7 * 86400.0, "15m, at most 7d")
    program = _program(command[0])
    if direct:
        return _run_child(children.Child(command, dict(os.environ)), program, _Signals())
    settings = claude.ClaudeSettings({})
    if children.is_claude(command):
        settings = claude.read(os.environ, home(os.environ), Path.cwd())
    goes_by = children.client_environ(os.environ, settings)
    if children.is_claude(command) and (why := children.why_uncovered(command, goes_by, settings)):
        common.say(f"{why}: this command is not covered")
        return _run_child(children.Child(command, dict(os.environ)), program, _Signals())
    if name := claude.cloud(os.environ):
        common.say(f"{name} is set: Claude Code, if the command starts it, is not covered")
    if asked is None and children.names_fallback(command, settings):
        asked = children.FALLBACK_HOLD
        common.say(
            f"a fallback model is named, so calls of this run are held {duration(asked)} at most "
            "(--hold says otherwise)"
        )
    try:
        return _behind_gateway(command, program, settings, goes_by, asked, linger, common)
    except (runtime.Trouble, OSError) as error:
        raise Failure(f"{error}; `seawall run --direct` goes without a gateway") from None


def _program(name: str) -> str:
    """The file that is run. What cannot be run is unusable input: nothing is started for it."""
    found = shutil.which(name)
    if found is None:
        there = os.path.exists(name) and os.sep in name
        why = "cannot be executed" if there else "was not found"
        raise Failure(f"the command {name!r} {why}", ExitCode.USAGE)
    return found


def _behind_gateway(
    command: Sequence[str],
    program: str,
    settings: claude.ClaudeSettings,
    goes_by: Mapping[str, str],
    hold: float | None,
    linger: float | None,
    common: Common,
) -> int:
    starter = _starter(goes_by, linger, common)
    signals = _Signals()
    kept = _Kept(starter)
    try:
        before = kept.calls()
        code = _run_child(
            children.prepare(command, os.environ, settings, kept.address, hold), program, signals
        )
        after = kept.calls()
    finally:
        kept.close()
    if kept.lost:
        common.say("the gateway ended while the command ran, and could not be started again")
    elif before is not None and before == after:
        common.say("no call came through the gateway; does the command use ANTHROPIC_BASE_URL?")
    return code


@dataclass(frozen=True, slots=True)
class _Starter:
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


def _starter(goes_by: Mapping[str, str], linger: float | None, common: Common) -> _Starter:
    loaded = load_settings(common, {}, goes_by)
    listen = _free_listen(loaded, common)
    if listen:
        loaded = load_settings(Common(quiet=True, config=common.config), {"gateway.listen": listen}, goes_by)
    check(loaded.config)
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
    return _Starter(
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


class _Kept:
    """The lease of this run. Should the gateway die while the command lives, another takes its address."""

    def __init__(self, starter: _Starter) -> None:
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

    def calls(self) -> int | None:
        """How many calls the gateway has had; None if it does not say."""
        token = runtime.read_token(self._starter.place)
        try:
            talk = runtime.approach(self._lease.record, token or "", 1.0)
            try:
                _, body = talk.get("/api/v1/status", token or "")
            finally:
                talk.close()
            calls = json.loads(body).get("calls")
        except (OSError, ValueError, AttributeError):
            return None
        return calls if isinstance(calls, int) else None

    def close(self) -> None:
        """Gives the lease back."""
        self._closing = True
        self._lease.hang_up()
        self._watcher.join(1.0)
        self._lease.close()


@dataclass(slots=True)
class _Signals:
    """What reaches this process while the command runs: the terminal's signals reach both, others are passed on."""

    process: "subprocess.Popen[bytes] | None" = None
    early: list[int] = field(default_factory=list)

    def listen(self) -> None:
        """From now on. A handler, not SIG_IGN: what is ignored here would stay ignored in the command."""
        for number in (signal.SIGINT, signal.SIGQUIT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._forward)

    def _interrupt(self, number: int, frame: object) -> None:
        """A key's signal reaches the command by itself; one that no key of a terminal can have sent is passed on."""
        if not _at_the_terminal():
            self._forward(number, frame)

    def _forward(self, number: int, _frame: object) -> None:
        if self.process is None:
            self.early.append(number)
        else:
            self.process.send_signal(number)

    def started(self, process: "subprocess.Popen[bytes]") -> None:
        """Signals go to it; those that came before it was there too."""
        self.process = process
        for number in self.early:
            process.send_signal(number)


def _at_the_terminal() -> bool:
    """Whether keys of a terminal reach this process: it has one, and is in the group that runs in front there."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _run_child(child: children.Child, program: str, signals: _Signals) -> int:
    """Runs the command in this terminal and process group, and returns its code; 128+n for a signal."""
    signals.listen()
    try:
        process = subprocess.Popen(child.arguments, executable=program, env=dict(child.environ))  # noqa: S603
    except OSError as error:
        raise Failure(
            f"the command {child.arguments[0]!r} cannot be run: {error.strerror}", ExitCode.USAGE
        ) from None
    signals.started(process)
    code = process.wait()
    return 128 - code if code < 0 else code
