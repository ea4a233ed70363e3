"""Verbs of the command line, run beside the gateway for the page: their JSON is what the page shows.

What they need (the store's library, the doctor) never gets into the gateway's own process, and the event loop only
waits for a pipe. One runs at a time of each kind, at a lower priority; an answer is good for some seconds.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

LIMIT = 30.0
"""Seconds that a verb may take: the doctor ends within 8, and a busy machine is slow."""
OUTPUT = 8 << 20
"""Bytes of an answer; 400 days of history are about 2 MB."""
WAITING = 8
"""Who may wait for one kind."""
_KEPT = 4 << 20
"""Bytes of answers that are kept; the newest always is."""
_NICE = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb said: one JSON object, and the code it ended with."""

    code: int
    body: bytes


class Busy(Exception):
    """Too many ask for the same."""


class Broken(Exception):
    """The verb gave no answer; one line says why."""


@dataclass(slots=True)
class Asker:
    """Runs verbs. `common` are the options that every one of them gets."""

    common: Sequence[str] = ()
    environ: Mapping[str, str] | None = None
    limit: float = LIMIT
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _waiting: dict[str, int] = field(default_factory=dict)
    _answers: dict[tuple[str, ...], tuple[float, Answer]] = field(default_factory=dict)

    async def ask(self, verb: str, *arguments: str, fresh: float = 0.0, text: bytes | None = None) -> Answer:
        """What `seawall VERB ARGUMENTS --json` says, with `text` on its stdin; one not older than `fresh` seconds
        will do. Raises Busy and Broken.
        """
        key = (verb, *arguments)
        if (kept := self._kept(key, fresh, text)) is not None:
            return kept
        if self._waiting.get(verb, 0) >= WAITING:
            raise Busy
        self._waiting[verb] = self._waiting.get(verb, 0) + 1
        try:
            async with self._locks.setdefault(verb, asyncio.Lock()):
                if (kept := self._kept(key, fresh, text)) is not None:  # somebody just asked the same
                    return kept
                answer = await self._run(key, text)
        finally:
            self._waiting[verb] -= 1
        if text is None and answer.code not in (1, 2):  # a failure may be over in a second
            self._answers.pop(key, None)
            self._answers[key] = monotonic(), answer
            while len(self._answers) > 1 and sum(len(one.body) for _, one in self._answers.values()) > _KEPT:
                del self._answers[next(iter(self._answers))]
        return answer

    def _kept(self, key: tuple[str, ...], fresh: float, text: bytes | None) -> Answer | None:
        at, answer = self._answers.get(key, (-1e9, None))
        return answer if text is None and answer is not None and monotonic() - at <= fresh else None

    async def _run(self, arguments: Sequence[str], text: bytes | None) -> Answer:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "seawall", *arguments, "--json", "--quiet", *self.common,
                stdin=asyncio.subprocess.DEVNULL if text is None else asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=self.environ,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise Broken(f"it could not be started: {error.strerror}") from None
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
        try:
            async with asyncio.timeout(self.limit):
                said, _ = await asyncio.gather(_read(process), _write(process, text))
                code = await process.wait()
        except TimeoutError:
            raise Broken(f"no answer within {self.limit:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            # Nothing more is read from it. A pipe that is full would keep `wait` from ending.
            process._transport.close()  # type: ignore[attr-defined]
            # Also where the asker left: a process that nobody waits for would stay.
            await asyncio.shield(process.wait())
        if not _is_object(said):
            raise Broken(f"it ended with code {code} and no answer")
        return Answer(code, said)


async def _read(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    pieces, size = [], 0
    while piece := await process.stdout.read(1 << 16):
        pieces.append(piece)
        size += len(piece)
        if size > OUTPUT:
            raise Broken("its answer is too large")
    return b"".join(pieces)


async def _write(process: asyncio.subprocess.Process, text: bytes | None) -> None:
    if text is None:
        return
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(text)
        await process.stdin.drain()
    process.stdin.close()


def _is_object(said: bytes) -> bool:
    """Whether it is one JSON object: looked at its ends only, for it may be megabytes and is read by the page."""
    whole = said.strip()
    if len(whole) > 1 << 16:
        return whole[:1] == b"{" and whole[-1:] == b"}"
    try:
        return isinstance(json.loads(whole), dict)
    except ValueError:
        return False
