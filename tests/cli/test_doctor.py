"""`seawall doctor` and `seawall` alone, as whole commands against hosts of our own: verdict, code, shape, time."""

import http.client
import json
import re
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from doctor_peers import GREEN, KEY, OVERLOADED, RED, answer, free_port, from_api, host, setting

from own_home import Home, until
from told_gateway import STATUS, told

if TYPE_CHECKING:
    from seawall.fake.thread import BackgroundFakeApi


def test_all_clear(own_home: Home) -> None:
    """`seawall` alone: code 0, where the time goes, nothing on stderr, no file made but Seawall's own facts."""
    with host(from_api(401)) as api, host(answer(200, GREEN)) as status, host(b"") as control:
        done = own_home.seawall(**setting(api.url, status.url, control.url))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("All clear — Claude calls should work from here.\n")
    assert "first byte" in done.stdout
    assert "status page: no open incident" in done.stdout
    assert list(own_home.runtime.iterdir()) == []
    made = [path.relative_to(own_home.path) for path in own_home.path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(".local/state/seawall") for path in made)


def test_an_overloaded_api_is_anthropics_side(own_home: Home) -> None:
    """Acceptance 2 and 5: the first word names the party although the page is green; nothing blames the user."""
    with host(from_api(529, OVERLOADED)) as api, host(answer(200, GREEN)) as status, host(b"") as control:
        done = own_home.seawall("doctor", **setting(api.url, status.url, control.url))
    assert done.returncode == 10
    first = done.stdout.splitlines()[0]
    assert first.startswith("Anthropic's side — ")
    assert first.endswith("certain")
    assert "- 127.0.0.1 shows no incident (it often lags)" in done.stdout
    do_now = done.stdout.partition("Do now")[2].partition("Don't")[0].lower()
    assert not any(word in do_now for word in ("key", "plan", "reinstall", "log out"))


def test_a_dead_local_address_is_this_machine(own_home: Home) -> None:
    """Acceptance 3: code 15, soon, and the headline names the address."""
    port = free_port()
    begun = time.monotonic()
    with host(from_api(401)) as api:
        done = own_home.seawall("doctor", **setting(api.url), ANTHROPIC_BASE_URL=f"http://127.0.0.1:{port}")
    assert done.returncode == 15
    assert done.stdout.startswith("This machine — Claude Code is sent to 127.0.0.1:")
    assert "+ the API itself is reachable from here (401 in " in done.stdout
    assert time.monotonic() - begun < 6  # a second by the clock of an idle machine


def test_where_a_dead_address_is_set(own_home: Home) -> None:
    """By file, and by the line of the profile."""
    dead = f"http://127.0.0.1:{free_port()}"
    folder = own_home.path / ".claude"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": dead}}))
    (own_home.path / ".bashrc").write_text("# mine\n" * 11 + f"export ANTHROPIC_BASE_URL={dead}\n")
    with host(from_api(401)) as api:
        done = own_home.seawall("doctor", **setting(api.url))
    assert done.returncode == 15
    assert "(found in ~/.claude/settings.json and ~/.bashrc line 12)" in " ".join(done.stdout.split())


def test_where_a_wrong_key_is_set(own_home: Home) -> None:
    """The line of the profile that sets just this value; the value stands nowhere."""
    key = "sk-proj-" + "Zq7" * 20
    (own_home.path / ".zshrc").write_text("\n" * 40 + f'export ANTHROPIC_API_KEY="{key}"\n')
    done = own_home.seawall("doctor", "--offline", ANTHROPIC_API_KEY=key)
    assert done.returncode == 12
    assert "2. Replace it where it is set: ~/.zshrc line 41\n" in done.stdout
    assert key[8:20] not in done.stdout


def test_an_openai_key_never_leaves_the_machine(own_home: Home) -> None:
    """Acceptance 4: decided by its form; no request holds it, and no output."""
    key = "sk-proj-" + "Zq7" * 20
    with host(from_api(401)) as api, host(answer(200, GREEN)) as status, host(b"") as control:
        for options in ((), ("--json",), ("--all",), ("--plain",)):
            done = own_home.seawall(
                "doctor", *options, **setting(api.url, status.url, control.url), ANTHROPIC_API_KEY=key
            )
            assert done.returncode == 12
            assert key[8:20] not in done.stdout + done.stderr
            assert "ANTHROPIC_API_KEY holds an OpenAI key" in done.stdout
        sent = b"".join([*api.requests, *status.requests, *control.requests])
    assert key[8:20].encode() not in sent


def test_no_network_at_all(own_home: Home) -> None:
    """Acceptance 1, as a loopback sees it: nobody answers anywhere; the network is named, not Anthropic."""
    nobody = f"http://127.0.0.1:{free_port()}"
    begun = time.monotonic()
    done = own_home.seawall(**setting(nobody))
    assert done.returncode == 14
    assert done.stdout.startswith("Your network — ")
    assert "Anthropic's side" not in done.stdout
    assert time.monotonic() - begun < 8


def test_hosts_that_take_the_call_and_say_nothing(own_home: Home) -> None:
    """It ends by itself within 8 s, and does not call it clear."""
    begun = time.monotonic()
    with host(lambda _: None) as api, host(lambda _: None) as status, host(lambda _: None) as control:
        done = own_home.seawall("doctor", "--json", **setting(api.url, status.url, control.url))
    assert time.monotonic() - begun < 8
    value = json.loads(done.stdout)
    assert value["ok"] is False
    states = {one["id"]: one["state"] for one in value["checks"]}
    assert states["api.edge"] == "fail"
    assert states["status.page"] == "unknown"


def test_json(own_home: Home) -> None:
    """One object of the published shape; times are UTC; a key is neither shown nor needed."""
    with host(from_api(529, OVERLOADED)) as api, host(answer(200, RED)) as status, host(b"") as control:
        done = own_home.seawall(
            "doctor", "--json", **setting(api.url, status.url, control.url), ANTHROPIC_API_KEY=KEY
        )
    value = json.loads(done.stdout)
    assert (value["schema"], value["ok"], value["exit_code"], done.returncode) == (
        "seawall.verdict/1", False, 10, 10,
    )  # fmt: skip
    verdict = value["verdict"]
    assert (verdict["cause"], verdict["party"], verdict["confidence"]) == (
        "provider.overloaded", "provider", "certain",
    )  # fmt: skip
    assert {"title", "do", "dont", "verify", "evidence", "also", "host", "action"} <= verdict.keys()
    for one in verdict["evidence"]:
        assert one.keys() == {"for", "direction", "weight", "text", "check", "at", "age", "facts"}
        assert one["at"].endswith("Z")
    for one in value["checks"]:
        assert {"id", "state", "took", "cost", "summary", "facts"} <= one.keys()
    assert KEY[20:40] not in done.stdout


def test_what_is_held_just_now(own_home: Home, fake_api: "BackgroundFakeApi") -> None:
    """A real gateway that holds a call, and its records: who, what Seawall does, since when, and the incident's id."""
    fake_api.script(*["overloaded"] * 500)
    process = own_home.start("serve", "--json", "--listen", "127.0.0.1:0", "--upstream", fake_api.url)
    assert process.stdout is not None
    address = urlsplit(json.loads(process.stdout.readline())["address"])
    asked = {
        "model": "claude-opus-5",
        "max_tokens": 5,
        "stream": True,
        "messages": [{"role": "user", "content": "x"}],
    }
    with (
        host(answer(200, GREEN)) as page,
        host(b"") as control,
        closing(http.client.HTTPConnection(str(address.hostname), address.port)) as client,
    ):
        client.request("POST", "/v1/messages", json.dumps(asked), {
            "x-api-key": "sk-ant-api03-fake", "anthropic-version": "2023-06-01", "user-agent": "claude-cli/2.1.329",
            "content-type": "application/json",
        })  # fmt: skip
        known = setting(fake_api.url, page.url, control.url)
        found: dict[str, Any] = {}

        def recorded() -> bool:
            found.update(json.loads(own_home.seawall("doctor", "--json", **known).stdout))
            # One failure is not many; sooner or later there are.
            return found["episode"] is not None and found["verdict"]["confidence"] == "certain"

        until(recorded, "the call is held and its failures are on record")
        shown = own_home.seawall("doctor", **known)
    assert (found["verdict"]["cause"], found["verdict"]["confidence"]) == ("provider.overloaded", "certain")
    assert found["verdict"]["action"]["calls"] == 1
    assert (found["episode"]["cause"], found["episode"]["held"]) == ("provider.overloaded", 1)
    assert found["outlook"]["basis"] == "published"
    texts = " ".join(one["text"] for one in found["verdict"]["evidence"])
    assert re.search(r"(\d+) of \1 answers in 3 min (was|were) 529 from the API itself \(last req_", texts), (
        texts
    )
    assert shown.returncode == 10
    assert "\nSeawall is holding 1 call for you. Nothing is lost; leave the window open.\n" in shown.stdout
    assert "press Esc and resend: you lose your place in the queue" in shown.stdout
    assert f"\nincident {found['episode']['id']} · provider.overloaded · seawall watch" in shown.stdout


def test_offline_asks_nobody(own_home: Home) -> None:
    """Not even on loopback; it says what would decide."""
    with host(from_api(401)) as api:
        done = own_home.seawall("doctor", "--offline", **setting(api.url, api.url, api.url))
    assert done.returncode == 19
    assert "Run `seawall doctor` without --offline." in done.stdout
    assert api.requests == []


def test_the_list(own_home: Home) -> None:
    """Each check with what it costs and whom it would ask; nobody is asked."""
    with host(from_api(401)) as api:
        done = own_home.seawall("doctor", "--list", **setting(api.url))
        rows = json.loads(own_home.seawall("doctor", "--list", "--json", **setting(api.url)).stdout)["checks"]
    assert done.returncode == 0
    assert "api.edge        API             free  127.0.0.1\n" in done.stdout
    assert {row["id"] for row in rows} >= {"net.dns", "cred.shape", "status.page"}
    assert api.requests == []


def test_only(own_home: Home) -> None:
    """A check with what it needs; one that is not there is named with its neighbours."""
    with host(from_api(401)) as api:
        done = own_home.seawall("doctor", "--only", "cred.shape", "--json", **setting(api.url))
        assert [one["id"] for one in json.loads(done.stdout)["checks"]] == ["cred.shape"]
        assert api.requests == []
        wrong = own_home.seawall("doctor", "--only", "net.dsn", **setting(api.url))
    assert wrong.returncode == 2
    assert "no check 'net.dsn'; the nearest are: net.dns" in wrong.stderr


@pytest.mark.parametrize("url", ["", "nonsense", "http://127.0.0.1:0", "https://u:secret@host.example/"])
def test_a_base_url_that_is_none(own_home: Home, url: str) -> None:
    """Wrong usage, in one line that repeats no password."""
    done = own_home.seawall("doctor", "--base-url", url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("seawall: --base-url: ")
    assert "secret" not in done.stderr


@pytest.mark.parametrize("name", ["CONTROL_HOST", "CAPTIVE_PROBE", "STATUS_PAGE"])
def test_a_host_to_ask_that_is_none(own_home: Home, name: str) -> None:
    """The setting is named, and nothing is measured."""
    done = own_home.seawall(
        "doctor", **setting("http://127.0.0.1:9") | {f"SEAWALL_DOCTOR_{name}": "nonsense"}
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"seawall: doctor.{name.lower()}: ")


def test_another_base_url(own_home: Home) -> None:
    """It is measured instead of the configured one."""
    with host(from_api(401)) as api, host(from_api(529, OVERLOADED)) as other:
        done = own_home.seawall("doctor", "--base-url", f"{other.url}/anthropic", **setting(api.url))
    assert done.returncode == 10
    assert api.requests == []
    assert other.requests[0].startswith(b"POST /anthropic/v1/messages ")


@pytest.mark.parametrize("name", ["settings.json", "settings.local.json"])
def test_a_broken_settings_file_has_line_and_column(own_home: Home, name: str) -> None:
    """Found whichever of them it is; code 15."""
    folder: Path = own_home.path / ".claude"
    folder.mkdir()
    (folder / name).write_text('{\n  "env": {,}\n}')
    with host(from_api(401)) as api:
        done = own_home.seawall("doctor", **setting(api.url))
    assert done.returncode == 15
    assert "line 2, column 11" in done.stdout


@pytest.mark.parametrize("told_address", [True, False])
def test_what_a_running_gateway_sends_calls_to_is_examined(own_home: Home, told_address: bool) -> None:
    """Its upstream is measured and named, whether the address is set or calls only go there; not a usual host."""
    del own_home.environ["SEAWALL_GATEWAY_UPSTREAM"]
    with host(from_api(529, OVERLOADED)) as api, host(answer(200, GREEN)) as status, host(b"") as control:
        hosts = setting(api.url, status.url, control.url)
        del hosts["SEAWALL_GATEWAY_UPSTREAM"]
        said = STATUS | {"upstream": api.url, "held": 4}
        with told(own_home.place, lambda: said) as record:
            named = {"ANTHROPIC_BASE_URL": record.address} if told_address else {}
            done = own_home.seawall("doctor", "--json", **hosts, **named)
            shown = own_home.seawall("doctor", **hosts, **named)
    value = json.loads(done.stdout)
    assert (done.returncode, value["verdict"]["cause"]) == (10, "provider.overloaded")
    assert value["verdict"]["host"] == urlsplit(api.url).netloc
    assert shown.stdout.startswith("Anthropic's side — ")
    assert "Seawall is holding 4 calls for you." in shown.stdout
    assert "when the name resolves" not in shown.stdout


def test_a_gateways_upstream_whose_name_does_not_resolve(own_home: Home) -> None:
    """The gateway's own words and the doctor's measurement are about one host."""
    del own_home.environ["SEAWALL_GATEWAY_UPSTREAM"]
    hosts = setting("")
    del hosts["SEAWALL_GATEWAY_UPSTREAM"]
    said = STATUS | {
        "upstream": "https://relay.example.invalid",
        "held": 4,
        "cause": "network.dns_failure",
        "waiting": [],
    }
    with told(own_home.place, lambda: said) as record:
        done = own_home.seawall("doctor", **hosts, ANTHROPIC_BASE_URL=record.address)
    assert done.returncode == 14
    assert "relay.example.invalid does not resolve" in done.stdout
    assert "Seawall is holding 4 calls and tries again when the name resolves." in " ".join(
        done.stdout.split()
    )


def test_this_machines_own_faults_are_seen_where_no_name_resolves(own_home: Home) -> None:
    """A file of roots that is not there, and checking that is off, are facts without a network, and come before its."""
    known = setting("https://api.example.invalid") | {
        "NODE_EXTRA_CA_CERTS": "/nonexist",
        "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    }
    done = own_home.seawall("doctor", "--json", **known)
    verdict = json.loads(done.stdout)["verdict"]
    assert verdict["cause"] == "network.dns_failure"
    assert verdict["also"] == ["machine.ca_file", "machine.tls_checking_off"]
    done = own_home.seawall("doctor", **known, ANTHROPIC_API_KEY="a")
    assert done.returncode == 12
    assert "Also seen machine.ca_file, machine.tls_checking_off, network.dns_failure" in done.stdout
    [fine] = [line for line in done.stdout.splitlines() if "fine:" in line] or [""]
    assert "environment" not in fine


@pytest.mark.parametrize("place", ["environment", "profile", "settings"])
def test_the_corrected_address_stands_in_the_step(own_home: Home, place: str) -> None:
    """Ready to copy, in the form of the place where the wrong one is set."""
    wrong, right = "https://llm.corp.example:8443/claude/v1", "https://llm.corp.example:8443/claude"
    if place == "settings":
        (own_home.path / ".claude").mkdir()
        (own_home.path / ".claude" / "settings.json").write_text(
            json.dumps({"env": {"ANTHROPIC_BASE_URL": wrong}})
        )
    if place == "profile":
        (own_home.path / ".bashrc").write_text(f"export ANTHROPIC_BASE_URL={wrong}\n")
    environ = {} if place == "settings" else {"ANTHROPIC_BASE_URL": wrong}
    done = own_home.seawall("doctor", "--offline", **environ)
    step = done.stdout.partition("Do now")[2].partition("Don't")[0]
    line = f'"ANTHROPIC_BASE_URL": "{right}"' if place == "settings" else f"export ANTHROPIC_BASE_URL={right}"
    where = {
        "settings": "~/.claude/settings.json",
        "profile": "~/.bashrc line 1",
        "environment": "the environment",
    }[place]
    assert done.returncode == 15
    assert f"1. Put the right value where it is set ({where}):\n             {line}\n" in step
    found = json.loads(own_home.seawall("doctor", "--offline", "--json", **environ).stdout)
    assert found["verdict"]["do"][0]["command"] == (None if place == "settings" else line)
