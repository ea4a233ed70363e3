"""OpenTelemetry for who has a collector: the gateway's figures and its calls in trouble, by OTLP over HTTP.

Off unless an address is set; only then is the library imported, in a thread of its own. A call that succeeds at once
costs nothing here: metrics are read from the counters that are there anyway, and spans are made from the rows that
failed attempts leave. What a collector does not take is dropped.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from seawall import __version__
from seawall.gateway.tally import BOUNDS, Histogram, Tallies
from seawall.store.latency import Latency
from seawall.store.rows import Attempt, Count

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric
    from opentelemetry.trace import Span

EVERY = 60.0
_LIMIT = 5.0
"""Seconds that the last words may take."""
_OPEN_MOST = 1000
"""Calls whose end is still to come; beyond that the oldest are ended as they are."""
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
MISSING = "telemetry is asked for, but OpenTelemetry is not installed: pip install 'seawall[otel]'"
_SCOPE = "seawall"
Figures = Callable[[], tuple[Tallies, float]]
Status = Callable[[], Mapping[str, object]]


def wanted(endpoint: str, environ: Mapping[str, str]) -> bool:
    """Whether telemetry is to be sent anywhere."""
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not off and bool(endpoint or environ.get(ENDPOINT))


class Telemetry:
    """Sends from `start` to `close`. `put` may be called before and after, from any thread, and never waits."""

    def __init__(self, endpoint: str, environ: Mapping[str, str], figures: Figures, status: Status) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._address = endpoint or environ.get(ENDPOINT, "")
        self._every = _milliseconds(environ, "OTEL_METRIC_EXPORT_INTERVAL", EVERY)
        self._figures, self._status = figures, status
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Span] = OrderedDict()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._provider: Any = None
        self._tracer: Any = None
        self._exporter: Any = None
        self._resource: Any = None

    def start(self) -> None:
        """Imports the library and begins to send; ImportError where it is not installed, ValueError for an address that
        it could never reach. Takes up to half a second.
        """
        import logging

        scheme, _, place = self._address.partition("://")
        if scheme.lower() not in ("http", "https") or not place.strip("/ "):
            # The library would try, and fail, for ever. It is not repeated: it may have a key in it.
            raise ValueError("the collector's address is none such as http://127.0.0.1:4318")

        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        # A collector that is down would be told of in the gateway's log every few seconds.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        traces, metrics = (
            f"{self._endpoint}/v1/{kind}" if self._endpoint else None for kind in ("traces", "metrics")
        )
        self._resource = Resource.create({"service.version": __version__}).merge(Resource({}))
        if self._resource.attributes.get("service.name", "").startswith("unknown_service"):
            self._resource = self._resource.merge(Resource({"service.name": "seawall"}))
        self._provider = TracerProvider(resource=self._resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=traces)))
        self._exporter = OTLPMetricExporter(endpoint=metrics)
        self._tracer = self._provider.get_tracer(_SCOPE, __version__)
        self._thread = threading.Thread(target=self._send, name="seawall-telemetry", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Sends what there is, if that can be done within seconds, and ends."""
        self._stop.set()
        if self._thread is None:
            return
        with self._lock:
            left, self._open = self._open, OrderedDict()
        for span in left.values():
            span.end()
        last = threading.Thread(target=self._last_words, daemon=True)
        last.start()
        last.join(_LIMIT)

    def put(self, row: Attempt | Count | Latency) -> None:
        """Takes a row that the store gets too."""
        if isinstance(row, Attempt) and self._tracer is not None and not self._stop.is_set():
            with self._lock:
                self._spans(row)

    def _spans(self, row: Attempt) -> None:
        """A span for the attempt, in that of its call, which ends with it unless it is tried again."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        call = self._open.get(row.call)
        if call is None:
            begun = _nanoseconds(row.at - max(row.held, row.took))
            about = {"seawall.call": row.call, "server.address": row.route, "seawall.family": row.family}
            call = self._tracer.start_span("call", start_time=begun, kind=SpanKind.SERVER, attributes=about)
            self._open[row.call] = call
            if len(self._open) > _OPEN_MOST:
                self._open.popitem(last=False)[1].end()
        span = self._tracer.start_span(
            "attempt",
            context=set_span_in_context(call),
            start_time=_nanoseconds(row.at - row.took),
            kind=SpanKind.CLIENT,
            attributes=_about(row),
        )
        if row.cause:
            span.set_status(Status(StatusCode.ERROR, row.cause))
        span.end(_nanoseconds(row.at))
        if row.ended != "retried":
            call.set_attribute("seawall.outcome", row.ended)
            call.set_attribute("seawall.held", row.held)
            if row.ended != "recovered":
                call.set_status(Status(StatusCode.ERROR, row.cause or row.ended))
            call.end(_nanoseconds(row.at))
            del self._open[row.call]

    def _send(self) -> None:
        while not self._stop.wait(self._every):
            self._export()

    def _last_words(self) -> None:
        self._export()
        self._provider.shutdown()
        self._exporter.shutdown(timeout_millis=1000)

    def _export(self) -> None:
        import contextlib

        from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        status, (tallies, _) = self._status(), self._figures()
        scope = ScopeMetrics(InstrumentationScope(_SCOPE, __version__), metrics(status, tallies), "")
        # Whatever a collector answers, the next minute brings the sums again.
        with contextlib.suppress(Exception):
            self._exporter.export(
                MetricsData([ResourceMetrics(self._resource, [scope], "")]), timeout_millis=10_000
            )


def metrics(status: Mapping[str, object], tallies: Tallies, at: float | None = None) -> "list[Metric]":
    """The figures of `/metrics` in OpenTelemetry's form: the same names, with dots, without `_total`."""
    import time

    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        Gauge,
        HistogramDataPoint,
        Metric,
        NumberDataPoint,
        Sum,
    )
    from opentelemetry.sdk.metrics.export import Histogram as Buckets

    from seawall.view.metrics import HISTOGRAMS, families

    begun = _nanoseconds(float(str(status.get("started_at") or 0)))
    now = _nanoseconds(time.time() if at is None else at)
    found = []
    for name, kind, text, samples in families(status, tallies, 0):
        points = [NumberDataPoint(dict(labels), begun, now, value) for labels, value in samples]
        sums = Sum(points, AggregationTemporality.CUMULATIVE, True) if kind == "counter" else Gauge(points)
        found.append(Metric(_dotted(name), text, "1", sums))
    for name, text, part in HISTOGRAMS:
        rows = [(labels, getattr(tally, part)) for labels, tally in list(tallies.by_name.items())]
        buckets = [
            HistogramDataPoint(
                {"route": route, "family": family},
                begun,
                now,
                sum(counts),
                seen.total,
                counts,
                BOUNDS,
                0.0,
                0.0,
            )
            for (route, family), seen in rows
            if (counts := _counts(seen)) and any(counts)
        ]
        found.append(Metric(_dotted(name), text, "s", Buckets(buckets, AggregationTemporality.CUMULATIVE)))
    return [one for one in found if one.data.data_points]


def _counts(seen: Histogram) -> list[int]:
    return list(seen.counts)


def _dotted(name: str) -> str:
    return name.replace("seawall_", "seawall.", 1).removesuffix("_total").removesuffix("_seconds")


def _about(row: Attempt) -> dict[str, str | int | float | bool]:
    """What is told of an attempt: what the store keeps of it, without the account."""
    facts = {
        "seawall.call": row.call, "seawall.attempt": row.number, "seawall.cause": row.cause,
        "seawall.outcome": row.ended, "seawall.family": row.family, "server.address": row.route,
        "http.response.status_code": row.status, "error.type": row.error_type or row.cause,
        "seawall.request_id": row.request_id, "user_agent.original": row.client,
        "seawall.fallback": row.fallback,
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value not in (None, "")}  # type: ignore[misc]


def _nanoseconds(at: float) -> int:
    return int(at * 1e9)


def _milliseconds(environ: Mapping[str, str], name: str, otherwise: float) -> float:
    """A length that a variable gives in milliseconds, in seconds."""
    try:
        return max(0.05, int(environ[name]) / 1000)
    except (KeyError, ValueError):
        return otherwise
