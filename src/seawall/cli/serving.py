"""The process of `seawall serve`: the gateway, until a signal ends it or, started by `run`, until nobody needs it.

It runs for days and its memory counts, so it does without click: 1.2 MB, and 20 ms of its start.
"""

import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Coroutine, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall import __version__
from seawall.cli.common import FLAGS, Common, ExitCode, Failure, load_settings
from seawall.clock import SystemClock, duration
from seawall.config import Config, ConfigError, check, listen_address, upstream_address

_MOST_FILES = 65_536
_LOOKED_UP = 60.0
"""Seconds for which what was looked up of the past is believed; it is added up once a day."""

if TYPE_CHECKING:
    from seawall.gateway.app import GatewayServer
    from seawall.gateway.runtime import Record
    from seawall.gateway.sharing import Sharing
    from seawall.store.writer import State


@dataclass(frozen=True, slots=True)
class Terms:
    """How long this gateway stays, and for whom."""

    digest: str
    shared: bool = False
    """Started by `run` for all runs of the user: it leaves when nobody needs it."""
    linger: float = 60.0


_TEXTS = {
    "--listen": "listen",
    "--upstream": "upstream",
    "--hold": "hold",
    "--ping-every": "ping_every",
    "--concurrency": "concurrency",
    "--shared": "shared",
    "--linger": "linger",
    "--config": "config",
}
_FLAGS = {**FLAGS, "--no-hold": "no_hold"}


def read(arguments: Sequence[str]) -> dict[str, Any] | None:
    """What plain options say, as `serve` takes it; None for anything else: click reads that, and says what is wrong."""
    given: dict[str, Any] = {}
    rest = iter(arguments)
    for argument in rest:
        name, stated, value = argument.partition("=")
        if argument in _FLAGS:
            given[_FLAGS[argument]] = True
        elif name in _TEXTS:
            given[_TEXTS[name]] = value if stated else next(rest, None)
        else:
            return None
    if None in given.values() or ("no_hold" in given and "hold" in given):
        return None
    if "config" in given:
        given["config"] = Path(given["config"])
        if not os.access(given["config"], os.R_OK):
            return None
    if "linger" in given:
        try:
            given["linger"] = float(given["linger"])
        except ValueError:
            return None
        if not given["linger"] >= 0:
            return None
    own = {name: given.pop(name) for name in Common.__dataclass_fields__ if name in given}
    return {**given, "common": Common(**own)}


def serve(
    *,
    listen: str | None = None,
    upstream: str | None = None,
    hold: str | None = None,
    no_hold: bool = False,
    ping_every: str | None = None,
    concurrency: str | None = None,
    shared: str | None = None,
    linger: float = 60.0,
    common: Common,
) -> int:
    """Runs the gateway, and returns its exit code when it has stopped; the verb's options say what they mean."""
    from seawall.gateway.runtime import digest_of, for_runs
    from seawall.http.loop import loop_runner

    options = {
        "gateway.listen": listen,
        "gateway.upstream": upstream,
        "gateway.hold": "0" if no_hold else hold,
        "gateway.ping_every": ping_every,
        "gateway.concurrency": concurrency,
    }
    loaded = load_settings(common, options, os.environ)
    check(loaded.config)
    config = loaded.config if shared is None else for_runs(loaded.config)
    _check_proxy(config, loaded.sources)
    digest = digest_of(config, os.environ)
    if shared is not None and shared != digest:
        raise Failure("the settings changed while the gateway was being started; try again")
    terms = Terms(digest, shared is not None, linger)
    keys, fallbacks = _fallbacks(config, common)
    os.umask(0o077)
    allow_files()
    with loop_runner() as runner:
        return runner.run(_serve(config, loaded.sources, keys, fallbacks, terms, common))


def _check_proxy(config: Config, sources: Mapping[str, str]) -> None:
    """Says at once what no call could get past."""
    from seawall.http.failure import DialError
    from seawall.http.proxy import choose

    try:
        choose(upstream_address(config.gateway.upstream)[0], config.network)
    except DialError as error:
        name = "network.https_proxy" if config.network.https_proxy.strip() else "network.http_proxy"
        raise ConfigError(f"{name} ({sources[name]}): {error.text}") from None


def _fallbacks(config: Config, common: Common) -> tuple[dict[int, str], str]:
    """The keys of addresses that calls may fall back to, and a sentence on where they go.

    What keeps a fallback from being used is said.
    """
    if not config.fallback and not config.gateway.fallback:
        return {}, ""
    from seawall.cli.keys import fallback_keys
    from seawall.policy.route import read

    keys, problems = fallback_keys(config, os.environ)
    targets, wrong = read(config)
    for problem in (*wrong, *problems):
        common.say(problem)
    used = [
        f"{one.name} {f'after {duration(one.after)}' if one.after else 'at once'}"
        for one in targets
        if not one.upstream or one.table in keys
    ]
    return keys, f"Held calls fall back to {', then to '.join(used)}." if used else ""


def allow_files() -> None:
    """Let this process have as many open files as it may: each call takes two, and 1024 are usual at first."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def passed_sockets(environ: MutableMapping[str, str], pid: int) -> list[socket.socket]:
    """Listening sockets that a supervisor holds for this process (LISTEN_FDS, as systemd passes them)."""
    try:
        if int(environ.pop("LISTEN_PID", "")) != pid:
            return []
        count = int(environ.pop("LISTEN_FDS", ""))
    except ValueError:
        return []
    return [socket.socket(fileno=3 + n) for n in range(max(0, min(count, 64)))]


async def _serve(
    config: Config,
    sources: Mapping[str, str],
    keys: dict[int, str],
    fallbacks: str,
    terms: Terms,
    common: Common,
) -> int:
    from seawall.cli import web
    from seawall.cli.alarm import alarm, starter
    from seawall.cli.telemetry import Outlet
    from seawall.gateway import runtime
    from seawall.gateway.app import GatewayServer
    from seawall.gateway.sharing import Sharing
    from seawall.store.place import account_salt
    from seawall.store.writer import Writer

    signals = _signals()
    place, token = _place_and_token(common)
    writer = Writer(config.store, on_change=_StoreVoice(common), keep=config.history.keep, each_day=_add_up)
    team = config.team.token if config.team.share else ""
    usually = _Usually(config)
    sharing = Sharing(
        token, lambda: usually.added(server.status()) | _store_of(writer.state), SystemClock(), team
    )
    sockets = passed_sockets(os.environ, os.getpid())
    outlet = Outlet(config, os.environ, writer.put, lambda: server.figures(), sharing.told)
    server = GatewayServer(
        config,
        sink=outlet.put,
        local_routes=web.routes(config, sources, lambda: server.figures(), sharing, token, common),
        salt=account_salt(config.store),
        fallback_keys=keys,
        sockets=sockets or None,
    )
    try:
        await server.start()
    except OSError as error:
        raise _no_listener(error, config, place, token) from None
    host, port = server.addresses[0]
    sealed = runtime.fingerprint(config.gateway.tls_cert) if config.gateway.tls_cert else ""
    record = runtime.Record(
        terms.digest,
        os.getpid(),
        host,
        port,
        time.time(),
        __version__,
        terms.shared,
        config.gateway.upstream,
        sealed,
    )
    if place is not None:
        runtime.publish(place, record)
    telling: asyncio.Task[None] | None = None
    try:
        _announce(config, record, server.addresses, fallbacks, common)
        writer.start()  # after the listener answers: opening the store takes longer than a first call may wait
        _spare_the_collector()
        outlet.start(common)
        if config.gateway.upstream.startswith("https:"):
            await asyncio.to_thread(_say_trust, config, common)
        telling = asyncio.create_task(alarm(server.worth_telling, config.notify, starter(common)))
        return await _until_the_end(server, sharing, terms, place, record, signals)
    finally:
        if telling is not None:
            telling.cancel()
        sharing.closing = True
        if place is not None:
            runtime.withdraw(place, record)
        await server.stop()
        await outlet.close()
        await asyncio.to_thread(writer.close, 5.0)


def _say_trust(config: Config, common: Common) -> None:
    """Roots that were named and could not be used."""
    from seawall.http.tls import trust_warnings

    for warning in trust_warnings(config.network):
        common.say(warning)


def _spare_the_collector() -> None:
    """Look for cycles seldom: a call leaves none, and what was imported is never garbage (6 % of a call's time)."""
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _place_and_token(common: Common) -> tuple[Path | None, str]:
    """Where the record goes, and the token; without such a place the gateway works, but cannot be found."""
    import secrets

    from seawall.gateway import runtime

    try:
        place = runtime.folder(os.environ, create=True)
        assert place is not None
        return place, runtime.obtain_token(place)
    except (runtime.Trouble, OSError) as error:
        common.say(f"`seawall status` and `seawall run` will not find this gateway: {error}")
        return None, secrets.token_urlsafe(32)


def _store_of(state: "State") -> dict[str, object]:
    return {
        "store": state.health.value,
        "store_reason": state.reason,
        "rows_waiting": state.waiting,
        "rows_dropped": state.dropped,
        "rows_written": state.written,
    }


def _add_up(store: Path) -> None:
    """Once a day, in the writer's thread: how long trouble usually lasts, for those who have no time to add it up."""
    from seawall.history.usual import start

    start(store)


class _Usually:
    """Adds to a status how long such trouble usually lasts, which is looked up once in a while."""

    def __init__(self, config: Config) -> None:
        self._store = config.store
        self._known: dict[str, tuple[float, dict[str, object] | None]] = {}

    def added(self, status: dict[str, object]) -> dict[str, object]:
        """The same status; with `usual` where something is wrong: the figures, or None."""
        cause, now = status["cause"], time.monotonic()
        if not isinstance(cause, str):
            return status
        at, figures = self._known.get(cause, (-_LOOKED_UP, None))
        if now - at >= _LOOKED_UP:
            from dataclasses import asdict

            from seawall.history.usual import usual

            found = usual(cause, self._store)
            figures = asdict(found) if found else None
            self._known = {cause: (now, figures)}
        return status | {"usual": figures}


class _StoreVoice:
    """Says when the store is in trouble, and when it is over."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._troubled = False

    def __call__(self, state: "State") -> None:
        troubled = state.health.value == "degraded"
        if troubled and state.reason:
            self._common.say(state.reason)
        elif self._troubled and state.health.value == "ok":
            self._common.say("The store works again; what waited has been written.")
        self._troubled = troubled


def _announce(
    config: Config, record: "Record", addresses: list[tuple[str, int]], fallbacks: str, common: Common
) -> None:
    """The one line on what this process does, or two where calls may fall back.

    As JSON it is also how `run` learns that it listens.
    """
    if common.json:
        where = [replace(record, host=host, port=port).address for host, port in addresses]
        ready = {
            "schema": "seawall.serve/1",
            "address": record.address,
            "addresses": where,
            "upstream": config.gateway.upstream,
            "pid": record.pid,
        }
        print(json.dumps(ready), flush=True)
    elif not common.quiet:
        hold = config.gateway.hold.longest
        held = f"holds failed calls up to {duration(hold)}" if hold else "holds nothing"
        print(f"Seawall listens on {record.address}, sends to {config.gateway.upstream}, {held}.", flush=True)
        if fallbacks:
            print(fallbacks, flush=True)
    if record.shared:
        # Nobody reads on: what `run` gave as stdout ends with it, and the folder it was started in may go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        os.chdir("/")


def _signals() -> "asyncio.Queue[int]":
    """The signals that end a gateway, as they come; none is lost from here on."""
    signals: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # by `nohup`
            loop.add_signal_handler(number, signals.put_nowait, number)
    return signals


async def _until_the_end(
    server: "GatewayServer",
    sharing: "Sharing",
    terms: Terms,
    place: Path | None,
    record: "Record",
    signals: "asyncio.Queue[int]",
) -> int:
    """Waits for the first signal, or for nobody needing a shared gateway; then lets calls end, unless told again."""
    from seawall.gateway import runtime

    waits: list[Coroutine[Any, Any, object]] = [signals.get()]
    if terms.shared:
        waits.append(_unneeded(server, sharing, terms.linger, place, record))
    await _first_of(*waits)
    sharing.closing = True
    if place is not None:
        runtime.withdraw(place, record)
    second = asyncio.create_task(signals.get())
    drain = asyncio.create_task(server.drain())
    await asyncio.wait((second, drain), return_when=asyncio.FIRST_COMPLETED)
    hurried = not drain.done()
    for task in (second, drain):
        task.cancel()
    await asyncio.gather(second, drain, return_exceptions=True)
    return ExitCode.INTERRUPTED if hurried else ExitCode.OK


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def _unneeded(
    server: "GatewayServer", sharing: "Sharing", linger: float, place: Path | None, record: "Record"
) -> None:
    """Returns when no run has held a lease for `linger` seconds and no call is on its way."""
    from seawall.gateway import runtime

    while sharing.unused_for() < linger or server.status().get("running"):
        await asyncio.sleep(min(1.0, max(linger / 4, 0.02)))
        if place is not None and not record.path(place).exists():
            # Something tidied the folder up. What is not found is started a second time.
            try:
                runtime.publish(place, record)
            except OSError:
                return
        _bound_log()


def _bound_log() -> None:
    """Keeps the log of a long-lived gateway within its bound; its end is lost, not its beginning on disk."""
    from seawall.gateway.runtime import LOG_LIMIT

    try:
        descriptor = sys.stderr.fileno()
        if os.fstat(descriptor).st_size > LOG_LIMIT:
            os.ftruncate(descriptor, 0)
    except OSError:
        pass


def _no_listener(error: OSError, config: Config, place: Path | None, token: str) -> Failure:
    """The line for a listener that could not be opened."""
    from seawall.gateway import runtime

    host, port = listen_address(config.gateway.listen)
    if error.errno != errno.EADDRINUSE:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        return Failure(f"cannot listen on {config.gateway.listen}: {why}", ExitCode.USAGE)
    for record in runtime.records(place) if place is not None else []:
        if record.port == port:
            try:
                runtime.approach(record, token, 1.0).close()
            except OSError:
                continue
            return Failure(
                f"port {port} is taken by your own gateway (process {record.pid}, for {record.upstream}): "
                f"use it, or end it with `kill {record.pid}`"
            )
    return Failure(
        f"port {port} on {host} is taken by another program: choose one with --listen {host}:{port + 1}"
    )
