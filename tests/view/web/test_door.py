"""What costs nothing until somebody asks."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator

from seawall.gateway.local import LocalRequest, LocalResponse
from seawall.view.web.door import METRICS, PAGE, PATHS, STATUS, Door


class Behind:
    """Answers everything with its path."""

    async def answer(self, request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None] | None:
        return LocalResponse(200, "text/plain", request.path.encode())


async def own(request: LocalRequest) -> LocalResponse:
    return LocalResponse(200, "text/plain", b"the gateway's own")


def test_what_answers_is_made_at_the_first_request() -> None:
    """And once."""
    made = []

    def make() -> Behind:
        made.append(1)
        return Behind()

    routes = Door(make).routes({STATUS: own})
    assert not made
    for _ in range(2):
        answer = asyncio.run(_asked(routes[METRICS], LocalRequest("GET", METRICS, {}, {})))
        assert answer is not None
        assert answer.body == METRICS.encode()
    assert len(made) == 1


def test_the_bare_address_is_the_page_for_browsers_only() -> None:
    """Whatever a client asks of the API at `/` goes on to the API."""
    page = Door(Behind).routes({STATUS: own})[PAGE]
    browser = {"accept": "text/html,application/xhtml+xml"}
    assert asyncio.run(_asked(page, LocalRequest("GET", PAGE, {}, browser))) is not None
    for method, headers in (("GET", {}), ("GET", {"accept": "*/*"}), ("POST", browser), ("HEAD", {})):
        assert asyncio.run(_asked(page, LocalRequest(method, PAGE, {}, headers))) is None, (method, headers)


def test_the_status_of_programs_needs_no_page() -> None:
    """`seawall status` has 80 ms, and asks with the token."""
    status = Door(Behind).routes({STATUS: own})[STATUS]
    asked = asyncio.run(_asked(status, LocalRequest("GET", STATUS, {}, {"x-seawall-token": "t"})))
    assert asked is not None
    assert asked.body == b"the gateway's own"
    asked = asyncio.run(_asked(status, LocalRequest("GET", STATUS, {}, {"cookie": "c"})))
    assert asked is not None
    assert asked.body == STATUS.encode()


def test_the_gateway_starts_without_the_page() -> None:
    """Nothing that answers it is imported with `serve`'s door; nor is what the page's verbs need."""
    script = (
        "import sys, seawall.cli.serve, seawall.cli.web, seawall.gateway.app, seawall.gateway.sharing\n"
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
