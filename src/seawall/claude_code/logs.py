"""Logs of other programs, as text or one JSON object a line: which of their lines tell of a failed call to Claude.

A line counts if it says when, and if the catalogue is sure or nearly sure of its cause. Lines without a time (the
lines of a stack, say) belong to one with a time, and are left out. Two lines of different shape, less than `SAME` apart
and of the same cause, that do not name two requests, are one failure: clients log the answer, programs the exception.
"""

import re
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache

from seawall.causes.cause import Hold, index
from seawall.causes.verdict import Confidence, explain
from seawall.claude_code import record as records
from seawall.claude_code.record import identity, offset, request_id_in
from seawall.claude_code.scan import Line, Scan
from seawall.claude_code.transcripts import HOST, MARKERS, MOST, NO_TIME, TOO_LONG, Reading
from seawall.store.imported import Told
from seawall.store.rows import Attempt
from seawall.wire.request import family

SIGNS = (
    b"rror", b"RROR", b"xception", b"verloaded", b"imed out", b"imeout", b"efused", b"ailed", b"529", b"429", b"503",
    b"limit", b"ECONN",
)  # fmt: skip
"""Every wording of the catalogue that is an error has one of them, or stands beside one in a log."""
KIND = "l"
SAME = 1.0
"""Seconds between what two parts of one program write of one failure."""
_MOST_READ = 16 * 1024
"""Bytes of a line that are looked at; what a failure says stands at its begin, or at its end."""
AHEAD = 86400.0
"""Seconds that a log's time may lie in the future: a zone that is not named."""


class LogReader:
    """Reads a part of one open log. `now` is wall time, `route` the host where the line names none."""

    def __init__(self, scan: Scan, now: float, route: str = HOST) -> None:
        self._scan, self._now, self._route = scan, now, route
        self._told: list[Told] = []
        self._odd: dict[str, int] = {}
        self._late: deque[tuple[Attempt, str]] = deque()
        """The failures of the last second that nothing was taken for yet, with the shapes of their lines."""

    def read(self) -> Reading:
        """What the part tells. Raises `scan.Stopped` and OSError."""
        for line in self._scan.lines():
            if line.data is None:
                self._odd[TOO_LONG] = self._odd.get(TOO_LONG, 0) + 1
            elif line.whole:
                self._line(line, line.data)
            if len(self._told) >= MOST:
                return Reading(self._told, line.end, False, self._odd)
        return Reading(self._told, self._scan.position, True, self._odd)

    def _line(self, line: Line, data: bytes) -> None:
        if len(data) > _MOST_READ:
            data = data[: _MOST_READ // 2] + b" " + data[-_MOST_READ // 2 :]
        text = data.decode("utf-8", "replace")
        shape = _shape(text)
        found = _judged(shape)
        if found is None:
            return
        at = moment(text, self._now)
        if at is None:
            self._odd[NO_TIME] = self._odd.get(NO_TIME, 0) + 1
            return
        attempt = _attempt(text, at, self._route, *found)
        if not self._same(attempt, shape):
            self._told.append(Told(identity(KIND, b"%d " % line.at + data), attempt))

    def _same(self, attempt: Attempt, shape: str) -> bool:
        """Whether a line of another shape has just told of this failure."""
        while self._late and abs(attempt.at - self._late[0][0].at) > SAME:
            self._late.popleft()
        for one in self._late:
            before, other = one
            apart = attempt.request_id and before.request_id and attempt.request_id != before.request_id
            if before.cause == attempt.cause and other != shape and not apart:
                self._late.remove(one)
                return True
        self._late.append((attempt, shape))
        return False


def is_transcript(data: bytes) -> bool:
    """Whether the first lines of a file are Claude Code's."""
    for line in data.split(b"\n")[:20]:
        if b'"sessionId"' in line or (b'"parentUuid"' in line and b'"uuid"' in line):
            return True
        if any(marker in line for marker in MARKERS) and (found := records.decoded(line)):
            return records.kind(found) is not None
    return False


_RUN = re.compile(r"req_[A-Za-z0-9]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4,}|(?<![\d.])\d{1,2}(?!\d)")


def _shape(text: str) -> str:
    """The line without what differs each time; statuses stay."""
    return _RUN.sub(lambda found: "req_xxxxxxx" if found[0].startswith("req_") else "0", text)


@lru_cache(2048)
def _judged(shape: str) -> tuple[str, int | None, str | None, str | None, str] | None:
    """Cause, status, error type, host and family of such a line; None if it tells of no failed call to Claude."""
    verdict = explain(shape)
    party = verdict.cause.partition(".")[0]
    if party in ("unknown", "unrelated", "machine", "seawall"):
        return None
    if verdict.confidence not in (Confidence.CERTAIN, Confidence.LIKELY):
        return None
    facts = verdict.facts
    host = next((host for host in facts.hosts if _SERVICE.search(host)), None)
    model = _MODEL.search(facts.flat)
    return verdict.cause, facts.whole.status, facts.whole.type, host, family(model[0]) if model else ""


_SERVICE = re.compile(r"^(?:api\.|bedrock|[\w-]*aiplatform)")
_MODEL = re.compile(r"claude-[\w.-]{1,60}")
_RETRIED = re.compile(r"retry(?:ing)?|will be retried|attempt \d+ ?(?:/|of)", re.IGNORECASE)


def _attempt(
    text: str,
    at: float,
    route: str,
    cause: str,
    status: int | None,
    kind: str | None,
    host: str | None,
    kin: str,
) -> Attempt:
    hold = index().causes[cause].hold
    return Attempt(
        at=at,
        utc_offset=offset(at),
        call="",
        number=0,
        route=host or route,
        family=kin,
        status=status,
        error_type=kind,
        cause=cause,
        request_id=request_id_in(text),
        took=0.0,
        held=0.0,
        ended="retried" if _RETRIED.search(text) else "passed" if hold is Hold.NO else "given_up",
        source="log",
    )


_ISO = re.compile(
    r"(?<!\d)(20\d\d)[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?"
)
_WEB = re.compile(r"(?<!\d)(\d\d)/([A-Z][a-z]{2})/(20\d\d):(\d\d):(\d\d):(\d\d) ([+-]\d{4})")
_SYSLOG = re.compile(r"^(?:<\d{1,3}>)?([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(?!\d)")
_SECONDS = re.compile(
    r"[\"'](?:ts|time|timestamp|created|t)[\"']\s*:\s*[\"']?(1\d{9}(?:\.\d{1,9})?|1\d{12})(?!\d)"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def moment(text: str, now: float) -> float | None:
    """The time that a line begins with, or has, in UTC seconds; of this machine's zone where it names none.

    None for a line without one, or with one of a day after `now` or before 2001.
    """
    try:
        at = _moment(text, now)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at is not None and 978_307_200 <= at <= now + AHEAD else None


def _moment(text: str, now: float) -> float | None:
    head = text[:_MOST_READ]
    if found := _ISO.search(head):
        *day, fraction, zone = found.groups()
        stamp = datetime(*map(int, day)).timestamp() if not zone else _in_zone(day, zone)  # type: ignore[arg-type]
        return stamp + (float(f"0.{fraction}") if fraction else 0.0)
    if found := _WEB.search(head):
        date, month, year, hour, minute, second, zone = found.groups()
        return _in_zone([year, _MONTHS.index(month) + 1, date, hour, minute, second], zone)
    if found := _SECONDS.search(head):
        value = float(found[1])
        return value / 1000 if value > 1e11 else value
    if found := _SYSLOG.search(head):
        month, rest = _MONTHS.index(found[1]) + 1, [int(part) for part in found.groups()[1:]]
        year = datetime.fromtimestamp(now).year
        stamp = datetime(year, month, *rest).timestamp()  # type: ignore[arg-type]
        # It names no year: one that would lie in the future is of last year.
        return stamp if stamp <= now + AHEAD else datetime(year - 1, month, *rest).timestamp()  # type: ignore[arg-type]
    return None


def _in_zone(day: list[object], zone: str) -> float:
    east = 0
    if zone not in ("Z", "UTC"):
        digits = zone[1:].replace(":", "")
        east = (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if zone[0] == "-" else 1)
    parts = [int(str(part)) for part in day]
    return datetime(*parts, tzinfo=UTC).timestamp() - east * 60  # type: ignore[arg-type,misc]
