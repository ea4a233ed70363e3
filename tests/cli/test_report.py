"""`seawall report`: from a real store and real checks to what is written; and every bad input that people have."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from doctor_peers import GREEN, KEY, RED, answer, from_api, host

from many_verbs import QuickHome, Verbs
from own_home import LIMIT, Home, until
from report_cases import FAILED
from seawall.config import Store
from seawall.store.rows import Attempt
from seawall.store.writer import Pace, Writer
from shapes import conforms


@pytest.fixture(scope="module")
def verbs() -> Iterator[Verbs]:
    """One process for all commands of this file that need no terminal."""
    one = Verbs()
    yield one
    one.close()


@pytest.fixture
def own_home(tmp_path: Path, verbs: Verbs) -> Iterator[Home]:
    """A home of its own for each test."""
    home = QuickHome(tmp_path, verbs)
    yield home
    home.end()


FILES = ["README.txt", "environment.txt", "issue.md", "redaction.txt", "timeline.csv", "verdict.json"]


def fill(home: Home, *rows: Attempt) -> None:
    """The store of this home, with these rows, written as the gateway does."""
    path = home.path / ".local/share/seawall/seawall.db"
    writer = Writer(Store(path=str(path)), pace=Pace(gather=0.001, counts_every=0.001))
    writer.start()
    for row in rows:
        writer.put(row)
    assert writer.close(20).dropped == 0


def incident(home: Home, age: float = 300.0) -> str:
    """Three failures, the last 20 s ago; the incident's id."""
    now = time.time()
    fill(
        home,
        *(replace(FAILED, at=at, number=n) for n, at in enumerate((now - age, now - age / 2, now - 20), 1)),
    )
    listed = json.loads(home.seawall("history", "list", "--json").stdout)
    [one] = listed["episodes"]
    return one["id"]


def in_terminal(home: Home, arguments: list[str], keys: bytes, after: str) -> tuple[int, str]:
    """Exit code and what was shown of a command in a terminal of its own; `keys` are typed once `after` was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "seawall", *arguments], env=home.environ | {"TERM": "xterm"}, cwd=home.path,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown, typed, end = b"", False, time.monotonic() + LIMIT
    with contextlib.suppress(OSError):  # the end of a terminal is an error on Linux
        while time.monotonic() < end:
            if select.select([ours], [], [], 0.2)[0]:
                if not (data := os.read(ours, 65536)):
                    break
                shown += data
            if not typed and after.encode() in shown:
                os.write(ours, keys)
                typed = True
    code = process.wait(LIMIT)
    os.close(ours)
    assert typed, shown
    return code, shown.decode()


def folders(place: Path) -> list[Path]:
    return sorted(one for one in place.iterdir() if one.name.startswith("seawall-report") and one.is_dir())


def test_the_bundle(own_home: Home) -> None:
    """The gate line first, the issue's text, then what was written: folder and zip, for their owner only."""
    id_ = incident(own_home)
    done = own_home.seawall("report", id_, "-y", "--offline")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Should you? Not yet: ")
    assert lines[0].split(", time opens ")[1].rstrip(".").count(":") == 2
    gates = [line.split()[1] for line in lines[1:7]]
    assert gates == ["time", "page", "network", "account", "basics", "others"]
    assert re.match(r"  x time     5 min (\d+ s )?of 10 min   opens ", lines[1])
    assert (
        lines[7]
        == f"  Say what you tried:  seawall report {id_} --tried restart   (or others, login, network)"
    )
    assert "### What's Wrong?" in lines
    assert f"Wrote seawall-report-{id_}.zip (" in done.stdout
    assert "6 files). Nothing was sent." in done.stdout
    assert "  timeline.csv     3 attempts: time, status, type, request id, duration" in lines
    assert f"Look before you send:  seawall report {id_} --show" in lines
    [folder] = folders(own_home.path)
    assert sorted(one.name for one in folder.iterdir()) == FILES
    packed = folder.with_name(f"{folder.name}.zip")
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    with zipfile.ZipFile(packed) as archive:
        assert len(archive.namelist()) == 6
    assert json.loads((folder / "verdict.json").read_text())["schema"] == "seawall.verdict/1"
    assert FAILED.request_id in (folder / "timeline.csv").read_text()


def test_the_newest_incident_is_meant(own_home: Home) -> None:
    """Without an id."""
    id_ = incident(own_home)
    assert f"seawall-report-{id_}" in own_home.seawall("report", "-y", "--offline").stdout


def test_the_object(own_home: Home) -> None:
    """Statement 14 for this verb: what `--json` prints is of the shipped shape, with everything that was written."""
    id_ = incident(own_home)
    value = conforms(own_home.seawall("report", id_, "-y", "--json", "--offline").stdout)
    assert value["episode"] == id_
    assert value["sent"] is False
    assert Path(own_home.path / value["zip"]).stat().st_size == value["bytes"]
    assert value["escalate"]["state"] == "not_yet"
    value = conforms(own_home.seawall("report", id_, "--issue", "--json", "--offline").stdout)
    assert [one["name"] for one in value["files"]] == ["issue.md"]


@pytest.mark.parametrize(
    ("option", "first"),
    [("--issue", "<!-- title: "), ("--support", "To: Anthropic support"), ("--it", "To: the network team"),
     ("--stdout", "==> README.txt <=="), ("--show", "==> README.txt <==")],
)  # fmt: skip
def test_texts_alone_write_nothing(own_home: Home, option: str, first: str) -> None:
    """They need no yes; the gate line is on stderr, so that stdout can be piped."""
    id_ = incident(own_home)
    done = own_home.seawall("report", id_, option, "--offline")
    assert done.returncode == 0
    assert done.stdout.startswith(first)
    assert done.stderr.startswith("Should you? ")
    assert folders(own_home.path) == []


def test_show_shows_what_was_written(own_home: Home) -> None:
    """The files themselves, not new ones: what one looks at is what one sends."""
    id_ = incident(own_home)
    own_home.seawall("report", id_, "-y", "--offline")
    [folder] = folders(own_home.path)
    (folder / "README.txt").write_text("as it was written \x1b[2J\n")
    done = own_home.seawall("report", id_, "--show")
    assert (done.returncode, done.stderr) == (0, "")
    assert "as it was written ?[2J" in done.stdout
    assert done.stdout.count("==> ") == 6


def test_without_a_yes_nothing_is_written(own_home: Home) -> None:
    """Where nobody can be asked, it stops and says how to go on."""
    id_ = incident(own_home)
    done = own_home.seawall("report", id_, "--offline")
    assert done.returncode == 2
    assert done.stdout.splitlines()[0].endswith("  (-y to go on)")
    assert "-y" in done.stderr
    assert folders(own_home.path) == []


def test_in_a_terminal_one_is_asked(own_home: Home) -> None:
    """Enter is no; y is yes."""
    id_ = incident(own_home)
    code, shown = in_terminal(own_home, ["report", id_, "--offline"], b"\n", "Go on? [y/N]")
    assert code == 0
    assert folders(own_home.path) == []
    code, shown = in_terminal(own_home, ["report", id_, "--offline"], b"y\n", "Go on? [y/N]")
    assert code == 0
    assert "Nothing was sent." in shown
    assert len(folders(own_home.path)) == 1


def test_an_incident_that_is_over(own_home: Home) -> None:
    """It says so, and since when."""
    now = time.time()
    fill(
        own_home, replace(FAILED, at=now - 400), replace(FAILED, at=now - 300, number=2),
        replace(FAILED, at=now - 200, number=3, cause=None, status=200, ended="recovered", held=200.0),
    )  # fmt: skip
    lines = own_home.seawall("report", "-y", "--offline").stdout.splitlines()
    assert lines[0].startswith("Should you? It is over since ")
    assert lines[1] == "", "no gate matters any more"


def test_what_was_tried_opens_gates(own_home: Home) -> None:
    """What no check can measure, the person says; it is kept for the incident."""
    id_ = incident(own_home)

    def met(*options: str) -> dict[str, str]:
        value = json.loads(own_home.seawall("report", id_, "-y", "--json", "--offline", *options).stdout)
        return {one["id"]: one["state"] for one in value["escalate"]["gates"]}

    assert {met()[name] for name in ("basics", "others", "account")} == {"unknown"}
    said = met("--tried", "restart", "--tried", "others", "--tried", "login", "--tried", "network")
    assert {said[name] for name in ("basics", "others", "account", "network")} == {"yes"}
    assert met("--tried", "no-others")["others"] == "no"
    assert met()["basics"] == "yes"


@pytest.mark.parametrize(("page", "first"), [(GREEN, "Yes: 6 of 6 gates met."), (RED, "No, already known: ")])
def test_statement_13_through_the_whole_program(own_home: Home, page: bytes, first: str) -> None:
    """With everything measured and tried it is time, and no yes is needed; never while the page shows an incident."""
    now = time.time()
    rows = [replace(FAILED, at=now - 780 + 60 * n, call=f"c{n}", number=1) for n in range(13)]
    fill(
        own_home,
        *rows,
        replace(FAILED, at=now - 100, call="z", family="haiku", cause=None, ended="recovered"),
    )

    def api(data: bytes) -> bytes:
        accepted = b"GET /v1/models" in data and KEY.encode() in data
        return (
            answer(200, b'{"data":[]}', request_id="req_1", content_type="application/json")
            if accepted
            else from_api(401)
        )

    with (
        host(api) as service,
        host(answer(200, page, content_type="application/json")) as status,
        host(b"") as other,
    ):
        tried = ["--tried", "restart", "--tried", "others"]
        done = own_home.seawall(
            "report", *tried, SEAWALL_GATEWAY_UPSTREAM=service.url, SEAWALL_DOCTOR_STATUS_PAGE=status.url,
            SEAWALL_DOCTOR_CONTROL_HOST=other.url, SEAWALL_DOCTOR_CAPTIVE_PROBE=other.url, ANTHROPIC_API_KEY=KEY,
        )  # fmt: skip
    assert done.stdout.startswith(f"Should you? {first}")
    assert done.returncode == (0 if page is GREEN else 2)
    assert len(folders(own_home.path)) == (1 if page is GREEN else 0)
    assert KEY[13:] not in done.stdout


def test_since_a_time(own_home: Home) -> None:
    """All failures since then, of every cause."""
    now = time.time()
    fill(
        own_home,
        replace(FAILED, at=now - 3000),
        replace(FAILED, at=now - 200, cause="request.too_long", status=400),
    )
    done = own_home.seawall("report", "--since", "2h", "--stdout", "--offline")
    assert "provider.overloaded" in done.stdout
    assert "request.too_long" in done.stdout
    assert "2 attempts of 1 call failed" in done.stdout
    assert "\n- 1 attempt of 1 call: " in done.stdout
    assert own_home.seawall("report", "--since", "nonsense", "--stdout").returncode == 2
    assert own_home.seawall("report", "7f3a", "--since", "2h").returncode == 2


def test_several_causes_since_a_time(own_home: Home) -> None:
    """The report is about the most frequent of them, not the newest; each has its count, and the object says which."""
    now = time.time()
    refused = replace(FAILED, cause="network.connection_refused", status=None, error_type=None, call="sw_9")
    fill(own_home, *(replace(FAILED, at=now - 900 + n) for n in range(5)), replace(refused, at=now - 60))
    done = own_home.seawall("report", "--since", "1h", "--issue", "--offline", "-y")
    assert done.stdout.startswith(
        "<!-- title: [BUG] 529 overloaded_error: The API is at capacity (5 of 6 failures) -->"
    )
    assert "\n- 5 attempts of 1 call: " in done.stdout
    assert "\n- 1 attempt of 1 call: Nobody listens" in done.stdout
    written = json.loads(own_home.seawall("report", "--since", "1h", "--offline", "-y", "--json").stdout)
    assert written["cause"] == "provider.overloaded"


def test_no_incident(own_home: Home) -> None:
    """Nothing on record, nothing wrong: there is nothing to report, and that is said; no folder is made."""
    done = own_home.seawall("report", "-y", "--offline", SEAWALL_GATEWAY_UPSTREAM="https://api.anthropic.com")
    assert done.returncode == 2
    assert "there is no incident to report" in done.stderr
    assert done.stderr.count("\n") == 1
    assert folders(own_home.path) == []


def test_what_is_only_measured(own_home: Home) -> None:
    """Without anything on record a fault that is measured now can be reported, to whom it belongs."""
    done = own_home.seawall("report", "-y", ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    assert done.returncode == 0
    assert done.stdout.startswith("Should you? Never for this cause: seawall explain machine.dead_base_url")
    assert (own_home.path / "seawall-report-now" / "issue.md").is_file()
    assert own_home.seawall("report", "now", "--show").stdout.count("==> ") == 6


def test_what_is_measured_is_asked_for(own_home: Home) -> None:
    """`now` is no incident's id: what is on record is left out."""
    incident(own_home)
    done = own_home.seawall("report", "now", "--issue", ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    assert "machine.dead_base_url" in done.stdout
    assert "529" not in done.stdout


def test_interrupted_while_it_measures(own_home: Home) -> None:
    """Ctrl-C ends it with 130, and nothing was written."""
    incident(own_home)
    with host(lambda _: None) as silent:
        process = own_home.start(
            "report", "-y", SEAWALL_GATEWAY_UPSTREAM=silent.url, SEAWALL_DOCTOR_STATUS_PAGE=silent.url,
            SEAWALL_DOCTOR_CONTROL_HOST=silent.url, SEAWALL_DOCTOR_CAPTIVE_PROBE=silent.url,
        )  # fmt: skip
        until(lambda: silent.requests, "the first question")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert out == ""
    assert folders(own_home.path) == []


def test_an_id_that_is_unknown(own_home: Home) -> None:
    """One line that says where ids are; exit 2."""
    incident(own_home)
    for id_ in ("ffff", "", "../../etc/passwd", "a" * 5000):
        done = own_home.seawall("report", "-y", "--offline", "--", id_)
        assert done.returncode == 2
        assert "seawall history list" in done.stderr
        assert len(done.stderr) < 300
    assert folders(own_home.path) == []


def test_an_id_that_is_ambiguous(own_home: Home) -> None:
    """Several begin so: which, is said."""
    now = time.time()
    fill(own_home, *(replace(FAILED, at=now - 3600.0 * n, call=f"c{n}") for n in range(1, 400)))
    ids = [one["id"] for one in json.loads(own_home.seawall("history", "--json", "list").stdout)["episodes"]]
    short = next(one[:2] for one in ids if sum(each.startswith(one[:2]) for each in ids) > 1)
    done = own_home.seawall("report", short, "-y", "--offline")
    assert done.returncode == 2
    assert f"episodes begin with '{short}'" in done.stderr


def test_a_user_whose_name_is_a_common_word(own_home: Home, tmp_path: Path) -> None:
    """`test` is hidden where it is a name; tests, and whatever else is called so, can still be read."""
    home = tmp_path / "people" / "test"
    home.mkdir(parents=True)
    incident(own_home)
    (own_home.path / ".local").rename(home / ".local")
    environ = {"HOME": str(home), "USER": "test", "LOGNAME": "test"}
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text('{"env": {"ANTHROPIC_BASE_URL": ""}} x')
    it = own_home.seawall("report", "--it", "--offline", **environ).stdout
    assert "How to test" in it
    whole = own_home.seawall("report", "--stdout", "--offline", **environ).stdout
    assert str(home) not in whole
    assert "people/test" not in whole


def test_a_path_with_spaces(own_home: Home) -> None:
    """Folders of any name; what is printed can be copied."""
    id_ = incident(own_home)
    place = own_home.path / "my reports; $(x)"
    place.mkdir()
    done = own_home.seawall("report", id_, "-y", "--offline", "--to", str(place))
    assert done.returncode == 0
    assert len(folders(place)) == 1
    assert f"--to '{place}' --show" in done.stdout
    assert own_home.seawall("report", id_, "--show", "--to", str(place)).stdout.count("==> ") == 6


def test_a_target_that_exists(own_home: Home) -> None:
    """A second report does not touch the first."""
    id_ = incident(own_home)
    for _ in range(2):
        assert own_home.seawall("report", id_, "-y", "--offline").returncode == 0
    first, second = folders(own_home.path)
    assert (first.name, second.name) == (f"seawall-report-{id_}", f"seawall-report-{id_}-2")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(own_home: Home) -> None:
    """One line, with the way around it."""
    id_ = incident(own_home)
    place = own_home.path / "shut"
    place.mkdir(mode=0o500)
    done = own_home.seawall("report", id_, "-y", "--offline", "--to", str(place))
    assert done.returncode == 1
    assert "--to" in done.stderr


def test_a_folder_that_is_not_there(own_home: Home) -> None:
    """Likewise, for anybody."""
    id_ = incident(own_home)
    done = own_home.seawall("report", id_, "-y", "--offline", "--to", "/nonexistent/place")
    assert done.returncode == 1
    assert "--to names another" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["locked", "damaged", "newer"])
def test_records_that_cannot_be_read(own_home: Home, kind: str) -> None:
    """The report is of what is measured then, and says so; an id that was named cannot be had."""
    incident(own_home)
    path = own_home.path / ".local/share/seawall/seawall.db"
    lock = sqlite3.connect(path)
    try:
        match kind:
            case "damaged":
                path.write_bytes(b"\x00" * 5000)
            case "newer":
                lock.execute("UPDATE alembic_version SET version_num = 'r9999'")
                lock.commit()
            case _:
                lock.execute("PRAGMA journal_mode = DELETE")
                lock.execute("BEGIN EXCLUSIVE")
        done = own_home.seawall("report", "--it", ANTHROPIC_BASE_URL="http://127.0.0.1:9")
        assert "the report is of what is measured now" in done.stderr
        assert done.stdout.startswith("To: the network team")
        assert own_home.seawall("report", "7f3a", "-y").returncode == 1
    finally:
        lock.close()


def test_opening_the_form(own_home: Home) -> None:
    """The person's own browser gets the address, with the fields; what was written is there too."""
    id_ = incident(own_home)
    got = own_home.path / "got"
    own_home.tool("mybrowser", f'printf %s "$1" > "{got}.new" && mv "{got}.new" "{got}"')
    done = own_home.seawall("report", id_, "--open", "-y", "--offline", BROWSER="mybrowser")
    assert done.returncode == 0
    until(got.exists, "the browser")
    asked = parse_qs(urlsplit(got.read_text()).query)
    assert asked["template"] == ["bug_report.yml"]
    assert "529 overloaded_error" in asked["title"][0]
    assert len(got.read_text()) <= 6000
    assert len(folders(own_home.path)) == 1


def test_no_browser_and_no_clipboard(own_home: Home) -> None:
    """No program at all is found: the address is printed, to be opened by hand, and the long texts are in the file."""
    id_ = incident(own_home)
    done = own_home.seawall("report", id_, "--open", "-y", "--offline", PATH="/nonexistent")
    assert done.returncode == 0
    assert "no browser could be started" in done.stderr
    assert (
        done.stdout.rstrip()
        .splitlines()[-1]
        .startswith("https://github.com/anthropics/claude-code/issues/new?")
    )


def test_an_address_that_is_too_long(own_home: Home) -> None:
    """Long fields are left to issue.md, and it is said which."""
    now = time.time()
    rows = [
        replace(
            FAILED,
            at=now - 280 + n,
            number=n + 1,
            request_id="req_" + f"{n:060d}",
            client="claude-cli/2.1.245",
        )
        for n in range(250)
    ]
    fill(own_home, *rows)
    done = own_home.seawall("report", "--open", "-y", "--offline", PATH="/nonexistent")
    address = done.stdout.rstrip().splitlines()[-1]
    assert len(address) <= 6000
    assert "too long for an address" in done.stderr
    assert "issue.md" in done.stderr
    assert "Additional Information" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--reveal", "key"], ["--reveal", "nonsense"], ["--reveal", "host"], ["--issue", "--it"], ["--open", "--stdout"],
     ["--tried", "nothing"], ["--tried", "restart", "--offline"]],
)  # fmt: skip
def test_options_that_do_not_go_together(own_home: Home, arguments: list[str]) -> None:
    """One line, exit 2; a kind is revealed after a yes only."""
    done = own_home.seawall("report", *arguments)
    assert done.returncode == 2
    assert folders(own_home.path) == []


def test_names_of_hosts(own_home: Home) -> None:
    """Masked, the same in every report; left as they are when asked for, or by the setting; never by a project."""
    now = time.time()
    fill(own_home, *(replace(FAILED, at=now - at, route="relay.corp.example") for at in (300, 20)))

    def issue(*options: str, **environ: str) -> str:
        return own_home.seawall("report", "--issue", "--offline", *options, **environ).stdout

    first = issue()
    assert "relay.corp.example" not in first
    sign = first[first.index("<host-") :].split(">")[0]
    assert sign in issue()
    assert "relay.corp.example" in issue("--reveal", "host", "-y")
    assert "relay.corp.example" in issue(SEAWALL_REPORT_INCLUDE_HOSTNAMES="true")
    assert "relay.corp.example" not in issue("--no-network-names", SEAWALL_REPORT_INCLUDE_HOSTNAMES="true")
    (own_home.path / ".seawall.toml").write_text("[report]\ninclude_hostnames = true\n")
    assert "relay.corp.example" not in issue()
    it = own_home.seawall("report", "--it", "--offline").stdout
    assert "relay.corp.example" in it
    assert (
        "relay.corp.example"
        not in own_home.seawall("report", "--it", "--no-network-names", "--offline").stdout
    )


def test_the_map_of_names_is_local(own_home: Home) -> None:
    """For its owner only, without a name in it, and never in the bundle."""
    id_ = incident(own_home)
    own_home.seawall("report", id_, "-y", "--offline")
    path = own_home.path / ".local/state/seawall/report-names.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [folder] = folders(own_home.path)
    salt = json.loads(path.read_text())["salt"]
    assert all(salt not in one.read_text() for one in folder.iterdir())


def test_an_alias(own_home: Home) -> None:
    """People who type `bundle` get the report."""
    incident(own_home)
    done = own_home.seawall("bundle", "--support", "--offline")
    assert done.stdout.startswith("To: Anthropic support")
