"""`doctor --again`, `--save` and `--compare` as whole commands: what is kept, what is repeated, what differs."""

import json
import time
from pathlib import Path

import pytest
from doctor_peers import GREEN, OVERLOADED, answer, from_api, host, setting
from store_helpers import QUICK, attempt

from own_home import Home
from seawall.config import Store
from seawall.store.writer import Writer
from shapes import conforms


def last(home: Home) -> Path:
    return home.path / ".local/state/seawall/doctor-last.json"


def test_again_repeats_what_failed_and_what_hung_on_it(own_home: Home) -> None:
    """After the fix: those checks only, code 0, and nothing is left to repeat."""
    wrong, right = "sk-proj-" + "Zq7" * 20, "sk-ant-api03-" + "k" * 93 + "AA"
    with host(from_api(401)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        known = setting(api.url, page.url, control.url)
        assert own_home.seawall("doctor", **known, ANTHROPIC_API_KEY=wrong).returncode == 12
        assert last(own_home).stat().st_mode & 0o777 == 0o600
        assert wrong[8:20] not in last(own_home).read_text()
        again = own_home.seawall("doctor", "--again", "--json", **known, ANTHROPIC_API_KEY=wrong)
        assert again.returncode == 12
        ids = {one["id"] for one in conforms(again.stdout)["checks"]}
        assert {"cred.shape", "cred.live"} <= ids
        assert "again what did not pass at " in again.stderr
        fixed = own_home.seawall("doctor", "--only", "cred.shape", **known, ANTHROPIC_API_KEY=right)
        assert fixed.returncode == 0
        assert last(own_home).exists(), "a part of the checks says nothing of the rest"
        assert own_home.seawall("doctor", **known).returncode == 0
        assert not last(own_home).exists()


def test_again_without_a_run_before(own_home: Home) -> None:
    """All checks are run, and that is said."""
    with host(from_api(401)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        done = own_home.seawall("doctor", "--again", **setting(api.url, page.url, control.url))
    assert done.returncode == 0
    assert done.stderr == "seawall: nothing that failed is kept from a run before; all checks are run\n"


@pytest.mark.parametrize(
    "data", ["", "[]", '{"checks": {"no.such": {"state": "fail"}}}', '{"checks": 7, "at": "x"}']
)
def test_again_with_a_file_that_is_broken(own_home: Home, data: str) -> None:
    """As if it were not there."""
    last(own_home).parent.mkdir(parents=True)
    last(own_home).write_text(data)
    done = own_home.seawall("doctor", "--again", "--list", "--offline")
    assert done.returncode == 0


def test_two_networks_that_differ(own_home: Home) -> None:
    """Only the facts that differ are printed, and what both say together; the same as JSON."""
    with host(answer(200, GREEN)) as page, host(b"") as control:
        with host(from_api(529, OVERLOADED)) as api:
            kept = own_home.seawall("doctor", "--save", "office", **setting(api.url, page.url, control.url))
        assert kept.returncode == 10
        assert kept.stderr.endswith(
            'kept as "office"; on the other network: seawall doctor --compare office\n'
        )
        with host(from_api(401)) as api:
            known = setting(api.url, page.url, control.url)
            shown = own_home.seawall("doctor", "--compare", "office", **known)
            value = conforms(own_home.seawall("doctor", "--compare", "office", "--json", **known).stdout)
    assert shown.returncode == 0
    assert shown.stdout.startswith('Compared with "office", kept ')
    assert "api.edge status" in shown.stdout
    assert "net.dns" not in shown.stdout, "it is the same in both"
    said = " ".join(shown.stdout.split())
    assert (
        'Says the API is at capacity on "office", and all is well here: it was not the network, and it is over.'
        in said
    )
    facts = {(one["check"], one["fact"]): (one["there"], one["here"]) for one in value["compared"]["differs"]}
    assert facts["api.edge", "status"] == (529, 401)
    assert value["compared"]["there"]["cause"] == "provider.overloaded"
    assert all(there != here for there, here in facts.values())


def test_two_networks_that_are_alike(own_home: Home) -> None:
    """No fact is printed, and that is said."""
    with host(from_api(401)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        known = setting(api.url, page.url, control.url)
        own_home.seawall("doctor", "--only", "net.dns", "--save", "here", **known)
        done = own_home.seawall("doctor", "--only", "net.dns", "--compare", "here", **known)
    assert done.returncode == 0
    assert ": 0 of " in done.stdout.splitlines()[0]
    assert "Nothing is the matter on either network." in done.stdout
    assert "net.dns" not in done.stdout


def test_a_second_network_opens_its_gate(own_home: Home) -> None:
    """The same fault on another network is an answer that escalation asks for; it is kept for the incident."""
    writer = Writer(Store(path=str(own_home.path / ".local/share/seawall/seawall.db")), pace=QUICK)
    writer.start()
    writer.put(attempt(at=time.time() - 60, route="127.0.0.1"))
    assert writer.close(20).dropped == 0
    state = own_home.path / ".local/state/seawall"
    with host(from_api(529, OVERLOADED)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        known = setting(api.url, page.url, control.url)
        own_home.seawall("doctor", "--save", "office", **known)
        own_home.seawall("doctor", "--compare", "office", **known)
        assert not (state / "answers.json").exists(), "it is the same network"
        saved = state / "doctor-saved/office.json"
        run = json.loads(saved.read_text())
        if not run["checks"]["net.link"]["facts"].get("label"):
            pytest.skip("this machine has no way out by which its network could be told from another")
        run["checks"]["net.link"]["facts"]["label"] = "another"
        saved.write_text(json.dumps(run))
        own_home.seawall("doctor", "--compare", "office", **known)
        shown = own_home.seawall("doctor", "--verbose", **known).stdout
    [kept] = json.loads((state / "answers.json").read_text())["episodes"].values()
    assert kept["other_network"]["yes"] is True
    assert "+ network  a second network fails too\n" in shown


def test_names_of_runs(own_home: Home) -> None:
    """Letters and digits; one that is not kept is wrong usage that names those that are; no path leaves the folder."""
    for name in ("../x", "", ".hidden", "a/b", "x" * 50, "-x"):
        done = own_home.seawall("doctor", f"--save={name}", "--offline")
        assert (done.returncode, done.stdout) == (2, ""), name
        assert "is no name for a run" in done.stderr
    nothing = own_home.seawall("doctor", "--compare", "office", "--offline")
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "none is kept; seawall doctor --save NAME keeps one" in nothing.stderr
    own_home.seawall("doctor", "--save", "home", "--offline")
    assert "there are: home" in own_home.seawall("doctor", "--compare", "office", "--offline").stderr


def test_where_nothing_can_be_kept(own_home: Home) -> None:
    """`--save` says so; a run without it does not mind."""
    (own_home.path / ".local").write_text("in the way")
    done = own_home.seawall("doctor", "--save", "office", "--offline")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("seawall: the run cannot be kept: ")
    assert own_home.seawall("doctor", "--offline").returncode == 19


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--save", "a", "--compare", "b"], "give one of --save, --compare"),
        (["--list", "--wait"], "give one of --list, --wait"),
        (["--again", "--only", "net.dns"], "--again chooses the checks itself"),
        (["--timeout", "0"], "--timeout takes seconds, at least 1"),
        (["--timeout", "nan"], "--timeout takes seconds, at least 1"),
        (["--timeout", "x"], "Invalid value for '--timeout'"),
    ],
)
def test_options_that_do_not_go_together(own_home: Home, arguments: list[str], said: str) -> None:
    """Wrong usage in one line."""
    done = own_home.seawall("doctor", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_kept_holds_no_secret(own_home: Home) -> None:
    """Facts only: no key, no password of a proxy."""
    key = "sk-ant-api03-" + "Qw9" * 31 + "AA"
    own_home.seawall(
        "doctor", "--save", "here", **setting("http://127.0.0.1:9"), ANTHROPIC_API_KEY=key,
        HTTPS_PROXY="http://someone:hunter2hunter2@127.0.0.1:9",
    )  # fmt: skip
    for path in (own_home.path / ".local/state/seawall").rglob("*.json"):
        text = path.read_text()
        json.loads(text)
        assert key[20:40] not in text
        assert "hunter2" not in text
