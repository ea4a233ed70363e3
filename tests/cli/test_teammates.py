"""Two of a team: one's gateway has trouble, the other's doctor asks it."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from doctor_peers import answer, host

from own_home import LIMIT, Home
from seawall.fake.scenario import Rule, Scenario
from seawall.fake.thread import BackgroundFakeApi
from shapes import conforms

TOKEN = "token-of-the-team-0123456789"
CALL = json.dumps(
    {"model": "claude-sonnet-5-5", "max_tokens": 16, "messages": [{"role": "user", "content": "hello"}]}
).encode()


def get(url: str, token: str = "") -> bytes:
    request = urllib.request.Request(url, headers={"x-seawall-token": token} if token else {})
    with urllib.request.urlopen(request, timeout=LIMIT) as found:
        body: bytes = found.read()
    return body


def called(url: str) -> int:
    """The status of a call that is not held."""
    headers = {
        "content-type": "application/json", "x-api-key": "sk-ant-api03-" + "k" * 93 + "AA",
        "anthropic-version": "2023-06-01", "x-seawall-hold": "0s",
    }  # fmt: skip
    request = urllib.request.Request(f"{url}/v1/messages", CALL, headers)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT) as found:
            status: int = found.status
            return status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_teammates_trouble_is_evidence(own_home: Home) -> None:
    """What a gateway shares is of its shape, needs the team's token, and reaches the other's doctor."""
    outage = Scenario(rules=(Rule(do="status code=529"),))
    with BackgroundFakeApi(outage) as api, host(answer(204)) as quiet:
        process = own_home.start(
            "serve", "--listen", "127.0.0.1:0", "--json",
            SEAWALL_GATEWAY_UPSTREAM=api.url, SEAWALL_TEAM_SHARE="true", SEAWALL_TEAM_TOKEN=TOKEN,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        [record] = own_home.gateways()
        assert called(record.address) == 529
        shared = conforms(get(f"{record.address}/api/v1/peers", TOKEN).decode() + "\n")
        assert [one["cause"] for one in shared["counts"]] == ["provider.overloaded"]
        for token in ("", "another"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                get(f"{record.address}/api/v1/peers", token)
            with refused.value as error:
                assert error.code == 401
        done = own_home.seawall(
            "doctor", "--json", "--only", "seen.peers",
            SEAWALL_GATEWAY_UPSTREAM=api.url, SEAWALL_TEAM_PEERS=record.address, SEAWALL_TEAM_TOKEN=TOKEN,
            SEAWALL_STORE_PATH=str(Path(own_home.path) / "other.db"), SEAWALL_DOCTOR_CAPTIVE_PROBE=quiet.url,
        )  # fmt: skip
    found = json.loads(done.stdout)
    (check,) = [one for one in found["checks"] if one["id"] == "seen.peers"]
    assert (check["state"], check["facts"]["failing"]) == ("warn", 1)
    assert check["facts"]["causes"] == {"provider.overloaded": 1}
