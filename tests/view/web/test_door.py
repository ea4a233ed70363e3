"""What costs nothing until somebody asks."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable

from seawall.gateway.local import LocalRequest, LocalResponse
from seawall.view.web.door import GATEWAY, METRICS, PAGE, PATHS, STATUS, Door


class Behind:
    """Answers everything with its path."""

    async def answer(self, request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None] | None:
        return LocalResponse(200, "text/plain", request.path.encode())


def door(make: Callable[[], Behind] = Behind) -> Door:
    return Door(make, "t", lambda: {"held": 2}, lambda: 0.0)


async def own(request: LocalRequest) -> LocalResponse:
    return LocalResponse(200, "text/plain", b"the gateway's own")


def test_what_answers_is_made_at_the_first_request() -> None:
    """And once."""
    made = []

    def make() -> Behind:
        made.append(1)
        return Behind()

    routes = door(make).routes({STATUS: own})
    assert not made
    for _ in range(2):
        answer = asyncio.run(_asked(routes[METRICS], LocalRequest("GET", METRICS, {}, {})))
        assert answer is not None
        assert answer.body == METRICS.encode()
    assert len(made) == 1


def test_the_bare_address_is_the_page_for_browsers_only() -> None:
    """Whatever a client asks of the API at `/` goes on to the API."""
    page = door().routes({STATUS: own})[PAGE]
    browser = {"accept": "text/html,application/xhtml+xml"}
    assert asyncio.run(_asked(page, LocalRequest("GET", PAGE, {}, browser))) is not None
    for method, headers in (("GET", {}), ("GET", {"accept": "*/*"}), ("POST", browser), ("HEAD", {})):
        assert asyncio.run(_asked(page, LocalRequest(method, PAGE, {}, headers))) is None, (method, headers)


def test_the_status_of_programs_needs_no_page() -> None:
    """`seawall status` has 80 ms, and asks with the token; whoever else asks gets the same, or is told how."""

    def make() -> Behind:
        raise AssertionError("nobody asked for a page")

    status = door(make).routes({STATUS: own})[STATUS]
    for headers in ({"x-seawall-token": "t"}, {"authorization": "Bearer t"}):
        asked = asyncio.run(_asked(status, LocalRequest("GET", STATUS, {}, headers)))
        assert asked is not None
        said = json.loads(asked.body)
        assert (said["schema"], said["generated_at"], said["held"]) == (GATEWAY, "1970-01-01T00:00:00Z", 2)
    for wrong in ({}, {"x-seawall-token": "x"}, {"cookie": "seawall=forged"}):
        asked = asyncio.run(_asked(status, LocalRequest("GET", STATUS, {}, wrong)))
        assert asked is not None
        assert (asked.status, json.loads(asked.body)["schema"]) == (401, "seawall.error/1")


def test_what_only_tells_is_not_told_anything() -> None:
    """The gateway's own paths and the status take GET and HEAD; another method reaches nobody."""
    routes = door().routes({"/api/v1/own": own})
    for path in ("/api/v1/own", STATUS):
        for method in ("DELETE", "POST", "OPTIONS", "get"):
            asked = asyncio.run(
                _asked(routes[path], LocalRequest(method, path, {}, {"x-seawall-token": "t"}))
            )
            assert asked is not None
            assert (asked.status, asked.headers) == (405, [(b"allow", b"GET, HEAD")])


def test_the_gateway_starts_without_the_page() -> None:
    """Nothing that answers it is imported with `serve`'s door; nor is what the page's verbs need."""
    script = (
        "import sys, seawall.cli.serving, seawall.cli.web, seawall.gateway.app, seawall.gateway.sharing\n"
        "heavy = {'seawall.view.web.routes', 'seawall.view.web.ask', 'seawall.view.metrics', 'prometheus_client',\n"
        "         'opentelemetry', 'sqlalchemy', 'seawall.doctor', 'seawall.history'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_file_of_the_page_has_its_path() -> None:
    """A script that no path leads to would be missed only in a browser."""
    from seawall.view.web import routes

    files = {
        path.name
        for path in routes._FILES.iterdir()
        if path.suffix in (".js", ".css", ".svg") and path.is_file()
    }
    assert {f"/seawall/{name}" for name in files} <= set(PATHS)


async def _asked(handler: object, request: LocalRequest) -> LocalResponse | None:
    answer = await handler(request)  # type: ignore[operator]
    assert answer is None or isinstance(answer, LocalResponse)
    return answer
