"""`seawall status`: lines, codes, and what it survives."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme

from own_home import LIMIT, Home, until
from seawall.cli.gateways import observed
from seawall.cli.status import line
from seawall.gateway import runtime
from seawall.history import usual
from shapes import conforms
from told_gateway import STATUS, told

if TYPE_CHECKING:
    from seawall.fake.thread import BackgroundFakeApi

HOUR = 3600


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"up": 6 * HOUR, "held": 0, "cause": None}, "up 6 h, nothing held"),
        (
            {"up": 6 * HOUR, "held": 2, "cause": "provider.overloaded", "cause_age": 190},
            "holding 2 · provider.overloaded 3 min 10 s · up 6 h",
        ),
        (
            {"up": 6 * HOUR, "held": 2, "cause": "provider.overloaded", "cause_age": 190, "usual": {"p75": 240.0}},
            "holding 2 · provider.overloaded 3 min 10 s · usually ≤ 4 min · up 6 h",
        ),
        ({"up": 61, "held": 0, "cause": "network.dns_failure", "cause_age": 5},
         "up 1 min 1 s, nothing held · network.dns_failure 5 s"),
        ({"up": 5, "held": 1, "cause": None}, "holding 1 · up 5 s"),
        (
            {"up": 61, "held": 2, "untried": 37, "cause": "provider.overloaded", "cause_age": 190},
            "holding 2, 37 more wait · provider.overloaded 3 min 10 s · up 1 min 1 s",
        ),
        ({"up": 5, "held": 1, "waiting": [{"id": "sw_1"}], "waiting_more": 2}, "holding 1, 2 more wait · up 5 s"),
        ({"up": 5, "held": 2, "untried": 0, "waiting": [{"id": "sw_1"}] * 3}, "holding 2 · up 5 s"),
        ({"up": 5, "held": 0, "untried": 1}, "up 5 s, nothing held, 1 waits"),
        ({"up": 5, "held": 0, "untried": 12}, "up 5 s, nothing held, 12 wait"),
        ({"up": 61, "held": 0, "fell_back": 3}, "up 1 min 1 s, nothing held · 3 fell back"),
        (
            {"up": 5, "held": 0, "fallback_troubles": [
                {"route": "other.example", "cause": "account.invalid_api_key", "since": 1.0, "recovered_at": None},
                {"route": "well.example", "cause": "provider.overloaded", "since": 1.0, "recovered_at": 2.0},
            ]},
            "up 5 s, nothing held · fallback other.example fails: account.invalid_api_key",
        ),
        ({"up": 5, "answers": False}, "does not answer · up 5 s"),
        ({"up": 5, "held": 0, "store": "degraded"}, "up 5 s, nothing held · records wait in memory"),
    ],
)  # fmt: skip
def test_the_line(facts: dict[str, object], says: str) -> None:
    """One line, for people and for scripts."""
    assert line(facts) == says


def test_the_line_in_plain() -> None:
    """The same words without a sign beyond ASCII; of several gateways each names its address."""
    facts = {
        "up": 5,
        "held": 2,
        "cause": "provider.overloaded",
        "cause_age": 190,
        "address": "http://127.0.0.1:1",
    }
    assert line(facts, plain=True, addressed=True) == (
        "holding 2; provider.overloaded 3 min 10 s; up 5 s; http://127.0.0.1:1"
    )


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({}, "up 0 s, nothing held"),
        ({"held": "2", "up": None, "cause": 7, "store": []}, "up 0 s, nothing held"),
        (
            {"held": 1e300, "up": float("nan"), "cause": "\x1b[2Jx\ny"},
            f"holding {10**15} · ?[2Jx y 0 s · up 0 s",
        ),
    ],
)
def test_the_line_of_a_status_that_is_wrong(facts: dict[str, object], says: str) -> None:
    """Keys that are missing, of another kind or hostile do not break the one line."""
    assert line(facts) == says


def test_nothing_runs(own_home: Home) -> None:
    """It says so, exits 0, and makes nothing."""
    done = own_home.seawall("status")
    assert (done.returncode, done.stdout, done.stderr) == (0, "not running\n", "")
    assert list(own_home.runtime.iterdir()) == []
    value = json.loads(own_home.seawall("status", "--json").stdout)
    assert (value["schema"], value["running"], value["gateways"]) == ("seawall.status/1", False, [])


def test_a_gateway_that_does_not_answer_is_not_waited_for(own_home: Home) -> None:
    """A stopped process and a foreign listener cost less than a second each, and are called what they are."""
    own_home.place.mkdir(mode=0o700)
    runtime.obtain_token(own_home.place)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        record = runtime.Record(
            "d" * 16, os.getpid(), "127.0.0.1", port, 0.0, "0", False, "https://x.example"
        )
        runtime.publish(own_home.place, record)
        done = own_home.seawall("status")
    runtime.withdraw(own_home.place, record)
    assert done.returncode == 0
    assert done.stdout.startswith("does not answer · up ")


def test_no_home_is_no_trouble(own_home: Home) -> None:
    """Without HOME and runtime folder there is nothing to read, and that is said."""
    del own_home.environ["HOME"], own_home.environ["XDG_RUNTIME_DIR"]
    assert own_home.seawall("status").returncode == 0


def test_how_long_it_usually_lasts(own_home: Home) -> None:
    """As the gateway looked it up, in one line and as an object."""
    figures = {"count": 23, "p50": 120.0, "p75": 240.0, "p90": 660.0}
    since = time.time() - 3.5 * HOUR  # said to the minute: the next ten minutes read alike below
    with told(own_home.place, lambda: STATUS | {"since": since, "usual": figures}):
        line = own_home.seawall("status").stdout
        value = conforms(own_home.seawall("status", "--json").stdout)
        plain = own_home.seawall("status", "--plain").stdout
    assert re.match(r"holding 2 · provider\.overloaded 3 h 3\d min · usually ≤ 4 min · up ", line)
    assert "; usually <= 4 min; up " in plain
    assert value["gateways"][0]["usual"] == figures


def test_a_real_gateway_knows_how_long_it_usually_lasts(
    own_home: Home, fake_api: "BackgroundFakeApi"
) -> None:
    """From what was added up beside its store."""
    store = own_home.path / "seawall.db"
    usual.keep(store, {"provider.overloaded": usual.Usual(23, 120.0, 240.0, 660.0)})
    fake_api.script(*["overloaded"] * 500)
    process = own_home.start(
        "serve",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        fake_api.url,
        SEAWALL_STORE_PATH=str(store),
    )
    assert process.stdout is not None
    address = urlsplit(json.loads(process.stdout.readline())["address"])
    asked = {"model": "claude-opus-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    headers = {
        "x-api-key": "sk-ant-api03-fake",
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
    }
    with closing(http.client.HTTPConnection(str(address.hostname), address.port)) as client:
        client.request("POST", "/v1/messages", json.dumps(asked), headers)
        until(lambda: own_home.seawall("status").returncode == 10, "the call is held")
        assert " · usually ≤ 4 min · up " in own_home.seawall("status").stdout


def test_a_gateway_with_tls_is_found(own_home: Home) -> None:
    """By `status`, by what the doctor goes by, and by the page: with a certificate that nobody here trusts."""
    folder = own_home.path
    cert = trustme.CA().issue_cert("gateway.example")
    cert.private_key_pem.write_to_path(folder / "key.pem")
    for blob in cert.cert_chain_pems:
        blob.write_to_path(folder / "cert.pem", append=True)
    process = own_home.start(
        "serve", "--json", "--listen", "127.0.0.1:0",
        SEAWALL_GATEWAY_TLS_CERT=str(folder / "cert.pem"), SEAWALL_GATEWAY_TLS_KEY=str(folder / "key.pem"),
    )  # fmt: skip
    assert process.stdout is not None
    address = json.loads(process.stdout.readline())["address"]
    assert address.startswith("https://127.0.0.1:")
    [one] = observed(own_home.environ, time.time(), LIMIT)
    assert (one["address"], one["held"], one.get("answers")) == (address, 0, None)
    assert "nothing held" in own_home.seawall("status").stdout
    link = json.loads(own_home.seawall("watch", "--web", "--json").stdout)
    assert link["link"].startswith(f"{address}/seawall/open?key=")
    # A new certificate in the file is not the one that this gateway shows.
    trustme.CA().issue_cert("gateway.example").cert_chain_pems[0].write_to_path(folder / "cert.pem")
    [one] = observed(own_home.environ, time.time(), LIMIT)
    assert one["held"] == 0


OWN = {
    "seawall.cli", "seawall.cli.common", "seawall.cli.gateways", "seawall.cli.leaving", "seawall.cli.look",
    "seawall.cli.status",
    "seawall.cli.streams", "seawall.cli.verbs", "seawall.clock", "seawall.gateway", "seawall.gateway.runtime",
    "seawall.view", "seawall.view.facts", "seawall.view.heading", "seawall.view.layout",
}  # fmt: skip
HEAVY = {
    "sqlalchemy", "sqlite3", "asyncio", "rich", "ssl", "apprise", "requests", "tomllib", "alembic", "uvloop", "msgspec",
    "concurrent", "email", "urllib.request", "http.client",
}  # fmt: skip


def test_what_status_imports(own_home: Home) -> None:
    """In trouble, with figures to show: none of the modules that would cost it its 80 ms, and no more than it needs."""
    code = (
        "import sys\nfrom seawall.cli import verbs\n"
        "try:\n verbs.run(['status'])\nfinally:\n print(*sorted(sys.modules))"
    )
    with told(own_home.place, lambda: STATUS | {"usual": {"p75": 9.0}}):
        done = subprocess.run(
            [sys.executable, "-c", code], env=own_home.environ, cwd=own_home.path, capture_output=True, text=True,
            timeout=LIMIT, check=False,
        )  # fmt: skip
    said, *modules = done.stdout.splitlines()
    assert said.startswith("holding 2"), done.stderr
    loaded = set(modules[0].split())
    assert loaded & HEAVY == set()
    assert {name for name in loaded if name.startswith("seawall.")} <= OWN
