"""OpenTelemetry, as a collector on this machine receives it from a real gateway."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from own_home import LIMIT, Home, until
from seawall.fake.thread import BackgroundFakeApi
from seawall.gateway.tally import BOUNDS, Tallies
from seawall.store.rows import Attempt
from seawall.view.telemetry import Telemetry, metrics, wanted

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

SECRET = "sk-ant-api03-" + "Zq9" * 31 + "AA"
BODY = b'{"model":"claude-opus-4-1","max_tokens":5,"messages":[{"role":"user","content":"hello there, you"}]}'


class Collector:
    """What came, decoded."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: dict[str, Any] = {}
        self.resource: dict[str, str] = {}
        self.raw = b""
        self.status = 200
        self.url = ""

    def take(self, path: str, body: bytes) -> None:
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        self.raw += body
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    self.spans += scope.spans
        elif path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.resource = {one.key: one.value.string_value for one in resource.resource.attributes}
                for scope in resource.scope_metrics:
                    self.metrics |= {one.name: one for one in scope.metrics}


@contextmanager
def collector() -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            import gzip

            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            found.take(self.path, body)
            self.send_response(found.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield found
        server.shutdown()


def attributes(one: Any) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in one.attributes}


QUICK = {"OTEL_METRIC_EXPORT_INTERVAL": "200", "OTEL_BSP_SCHEDULE_DELAY": "100"}


def _called(address: str) -> None:
    import urllib.request

    headers = {
        "content-type": "application/json", "x-api-key": SECRET, "anthropic-version": "2023-06-01",
        "user-agent": "claude-cli/2.1.329 (external, cli)", "x-stainless-timeout": "600",
    }  # fmt: skip
    with urllib.request.urlopen(
        urllib.request.Request(address + "/v1/messages", BODY, headers), timeout=60
    ) as answer:
        answer.read()


def test_a_collector_gets_metrics_and_the_trace_of_a_call_in_trouble(own_home: Home) -> None:
    """Two failures and a success are one trace; the key and the prompt are nowhere in what was sent."""
    with collector() as found, BackgroundFakeApi(seed=1) as fake:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": found.url, **QUICK}
        process = own_home.start(
            "serve", "--listen", "127.0.0.1:0", "--json", "--upstream", fake.url, **environ
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        [record] = own_home.gateways()
        until(lambda: "seawall.calls" in found.metrics, "the first metrics")
        _called(record.address)
        fake.script("overloaded", "overloaded")
        _called(record.address)
        until(lambda: len(found.spans) >= 4, "the spans of a call")
        until(lambda: _value(found, "seawall.calls_recovered") == 1, "its figures")
        process.terminate()
        assert process.wait(LIMIT) == 0
    [call] = [one for one in found.spans if one.name == "call"]
    attempts = [one for one in found.spans if one.name == "attempt"]
    assert {one.trace_id for one in attempts} == {call.trace_id}
    assert {one.parent_span_id for one in attempts} == {call.span_id}
    assert [attributes(one).get("http.response.status_code") for one in attempts] == [529, 529, None]
    assert [attributes(one)["seawall.outcome"] for one in attempts] == ["retried", "retried", "recovered"]
    assert attributes(call)["seawall.outcome"] == "recovered"
    assert call.start_time_unix_nano <= attempts[0].start_time_unix_nano <= attempts[-1].end_time_unix_nano
    assert found.resource["service.name"] == "seawall"
    assert _value(found, "seawall.calls") == 2
    assert SECRET[14:40].encode() not in found.raw
    assert b"hello there" not in found.raw


def _value(found: Collector, name: str) -> float | None:
    one = found.metrics.get(name)
    points = [] if one is None else (one.sum if one.HasField("sum") else one.gauge).data_points
    return next((point.as_double or point.as_int for point in points), None)


def test_a_collector_that_is_down_harms_nobody(own_home: Home) -> None:
    """Calls go on, nothing is written to the log about it, and the gateway leaves in time."""
    environ = {"SEAWALL_TELEMETRY_ENDPOINT": "http://127.0.0.1:9", **QUICK}
    with BackgroundFakeApi(seed=1) as fake:
        process = own_home.start(
            "serve", "--listen", "127.0.0.1:0", "--json", "--upstream", fake.url, **environ
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        [record] = own_home.gateways()
        fake.script("overloaded")
        _called(record.address)
        process.terminate()
        assert process.wait(LIMIT) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    "address", ["127.0.0.1:4317", "grpc://127.0.0.1:4317", "https://", "sk-ant-api03-secret"]
)
@pytest.mark.parametrize("setting", [True, False])
def test_an_address_that_is_none_is_said(own_home: Home, address: str, setting: bool) -> None:
    """Once, without the address: it would be tried in vain for ever. Calls are not touched by it."""
    name = "SEAWALL_TELEMETRY_ENDPOINT" if setting else "OTEL_EXPORTER_OTLP_ENDPOINT"
    process = own_home.start("serve", "--listen", "127.0.0.1:0", "--json", **{name: address})
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    said = process.stderr.readline()
    assert (
        said
        == "seawall: telemetry is not sent: the collector's address is none such as http://127.0.0.1:4318\n"
    )
    process.terminate()
    assert process.wait(LIMIT) == 0


def test_nothing_is_imported_where_nothing_is_asked_for() -> None:
    """Neither address nor variable; or the SDK's own switch is off."""
    assert not wanted("", {})
    assert wanted("http://127.0.0.1:4318", {})
    assert wanted("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    assert not wanted("http://127.0.0.1:4318", {"OTEL_SDK_DISABLED": "true"})


def test_histograms_go_as_they_are() -> None:
    """The same buckets as for Prometheus, from the start of the gateway on."""
    tallies = Tallies()
    tally = tallies.of("api.anthropic.com", "opus")
    for value in (0.2, 0.3, 5000.0):
        tally.upstream.add(value)
    found = {one.name: one for one in metrics({"started_at": 1000.0, "calls": 3}, tallies, 2000.0)}
    [point] = found["seawall.upstream_first_content"].data.data_points
    assert (point.count, point.sum) == (3, pytest.approx(5000.5))
    assert tuple(point.explicit_bounds) == BOUNDS
    assert sum(point.bucket_counts) == 3
    assert (point.start_time_unix_nano, point.time_unix_nano) == (1000 * 10**9, 2000 * 10**9)
    assert "seawall.held" not in found  # of nothing, nothing is sent


def test_calls_without_an_end_take_bounded_room() -> None:
    """Clients that leave in the middle leave no row of their end."""
    with collector() as found:
        telemetry = Telemetry(found.url, {}, lambda: (Tallies(), 0.0), dict)
        telemetry.put(_row(0))  # before the start: nothing happens
        telemetry.start()
        for number in range(1200):
            telemetry.put(_row(number))
        assert len(telemetry._open) == 1000
        telemetry.close()
        telemetry.put(_row(1))
    assert {one.name for one in found.spans} == {"call", "attempt"}


def _row(number: int) -> Attempt:
    return Attempt(
        at=1.795e9, utc_offset=0, call=f"sw_{number}", number=1, route="api.anthropic.com", family="opus",
        status=529, error_type="overloaded_error", cause="provider.overloaded", request_id=None, took=0.1, held=0.2,
        ended="retried",
    )  # fmt: skip
