"""What Prometheus is told, in its text format; `docs/reference/metrics.md` describes each name.

Written here and not by a library: importing one costs the gateway 14 MB and 60 ms at the first scrape, for 60 lines of
a format that has not changed in ten years. The tests read it back with `prometheus_client`'s own parser.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from seawall import __version__
from seawall.gateway.tally import BOUNDS, Histogram, Tallies

TEXT = "text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]
Sample = tuple[Labels, float]


def exposition(
    status: Mapping[str, Any], tallies: Tallies, pages: int, accept: str = ""
) -> tuple[str, bytes]:
    """The content's type and the text. `accept` is looked at by nobody: every Prometheus reads the plain format."""
    lines: list[str] = []
    for name, kind, text, samples in families(status, tallies, pages):
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{_labels(labels)} {_number(value)}" for labels, value in samples]
    for name, text, part in HISTOGRAMS:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} histogram"]
        for (route, family), tally in sorted(tallies.by_name.copy().items()):
            lines += _histogram(name, {"route": route, "family": family}, getattr(tally, part))
    return TEXT, ("\n".join(lines) + "\n").encode()


HISTOGRAMS = (
    (
        "seawall_added_seconds",
        "Seawall's own part of a call that it did not hold: arrival to sending.",
        "added",
    ),
    (
        "seawall_upstream_first_content_seconds",
        "The upstream's part: sending to the first content of the answer.",
        "upstream",
    ),
    ("seawall_held_seconds", "Arrival to end of calls that were held, whatever their end.", "held"),
)


def families(
    status: Mapping[str, Any], tallies: Tallies, pages: int
) -> Iterable[tuple[str, str, str, list[Sample]]]:
    """Name, kind, text and samples of all that is no histogram. Tables are copied first: calls go on meanwhile."""
    rows = sorted(tallies.by_name.copy().items())
    yield "seawall_info", "gauge", "The version that runs.", [({"version": __version__}, 1)]
    yield (
        "seawall_start_time_seconds", "gauge", "When the gateway began to listen, UTC seconds since 1970.",
        [({}, status.get("started_at") or 0)],
    )  # fmt: skip
    yield (
        "seawall_attempts_total", "counter", "Attempts that ended, by cause (empty: success) and by what followed.",
        [
            ({"route": route, "family": family, "cause": cause, "outcome": outcome}, count)
            for (route, family), tally in rows
            for (cause, outcome), count in [(("", "succeeded"), tally.succeeded), *sorted(dict(tally.failed).items())]
        ],
    )  # fmt: skip
    yield (
        "seawall_holds_total", "counter", "Calls that were held, by how they ended.",
        [
            ({"route": route, "family": family, "outcome": outcome}, count)
            for (route, family), tally in rows
            for outcome, count in sorted(dict(tally.holds).items())
        ],
    )  # fmt: skip
    for name, key, text in _COUNTERS:
        yield f"seawall_{name}_total", "counter", text, [({}, status.get(key) or 0)]
    for name, key, text in _GAUGES:
        yield f"seawall_{name}", "gauge", text, [({}, status.get(key) or 0)]
    yield "seawall_pages", "gauge", "Dashboards that are open.", [({}, pages)]
    health = status.get("store")
    yield "seawall_store_up", "gauge", "1 while rows are written to the store.", [({}, int(health == "ok"))]
    yield from _lane_families(status.get("lanes") or [])


_COUNTERS = (
    ("calls", "calls", "Calls that arrived."),
    ("calls_recovered", "recovered", "Calls that failed first and succeeded then."),
    ("calls_lost", "lost", "Calls that were given up, or broke off after content."),
    ("calls_fallen_back", "fell_back", "Calls that another model or address answered."),
    (
        "answers_unread",
        "unread",
        "Answers that were forwarded as they came: encoded, or too large to be read.",
    ),
    ("rows_unwritten", "unwritten", "Rows that the store did not take."),
    ("rows_dropped", "rows_dropped", "Rows that were dropped because too many waited for the store."),
)
_GAUGES = (
    ("calls_running", "running", "Calls under way."),
    ("calls_queued", "queued", "Calls that wait in a queue."),
    ("calls_held", "held", "Calls that failed and have no answer yet."),
    ("calls_longest_held_seconds", "longest_held", "For how long the first of them has waited."),
    ("leases", "leases", "Runs of `seawall run` that use this gateway."),
)
_LANE_GAUGES = (
    ("lane_running", "running", "Attempts whose answer has begun."),
    ("lane_pending", "pending", "Attempts whose answer has not begun."),
    ("lane_queued", "queued", "Calls that wait for their turn."),
    ("lane_limit", "limit", "Attempts at a time that the limiter allows; no sample: no limit."),
)


def _lane_families(lanes: list[Mapping[str, Any]]) -> Iterable[tuple[str, str, str, list[Sample]]]:
    """Lanes by route and family: accounts are hashes without end, so theirs are added up."""

    def named(lane: Mapping[str, Any]) -> tuple[str, str]:
        return str(lane.get("upstream", "")), str(lane.get("family", ""))

    def samples(counts: Mapping[tuple[str, str], float]) -> list[Sample]:
        return [
            ({"route": route, "family": family}, value) for (route, family), value in sorted(counts.items())
        ]

    for name, key, text in _LANE_GAUGES:
        counts: Counter[tuple[str, str]] = Counter()
        for lane in lanes:
            if lane.get(key) is not None:
                counts[named(lane)] += lane[key]
        yield f"seawall_{name}", "gauge", text, samples(counts)
    opened = {named(lane): 0.0 for lane in lanes}
    refused = dict(opened)
    for lane in lanes:
        opened[named(lane)] += lane.get("breaker") == "open"
        refused[named(lane)] = max(refused[named(lane)], float(lane.get("refused_share") or 0))
    yield "seawall_lane_breakers_open", "gauge", "Lanes whose breaker is open.", samples(opened)
    yield (
        "seawall_lane_refused_ratio",
        "gauge",
        "Share of attempts refused lately; the worst lane's.",
        samples(refused),
    )


def _histogram(name: str, labels: Labels, seen: Histogram) -> list[str]:
    lines, total = [], 0
    for bound, count in zip((*BOUNDS, None), seen.counts, strict=True):
        total += count
        le = "+Inf" if bound is None else f"{bound:g}"
        lines.append(f"{name}_bucket{_labels({**labels, 'le': le})} {total}")
    lines.append(f"{name}_sum{_labels(labels)} {_number(seen.total)}")
    lines.append(f"{name}_count{_labels(labels)} {total}")
    return lines


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
