"""Statement 8: no output of any verb, no log, file, store or bundle holds twelve characters of a planted secret.

Forty kinds of secrets are planted in every input: the environment, Claude Code's settings, shell profiles, texts given
to explain, arguments, headers and bodies through a real gateway and back, rows of the store, paths, the user's name,
certificates, passwords of proxies, the settings of Seawall.
"""

import contextlib
import http.client
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import trustme
from doctor_peers import answer, free_port, from_api, host

from canaries import Canary, Watchman, files_below, framed, made
from many_verbs import Verbs
from own_home import LIMIT, Home, until
from seawall.cli.verbs import VERBS

CANARIES = made()
WATCHMAN = Watchman(CANARIES)
MODES = ((), ("--json",), ("--plain", "-v"))

Verb = tuple[Sequence[str], str] | tuple[Sequence[str], str, dict[str, str]]


def run_all(home: Home, verbs: Sequence[Verb], **environ: str) -> dict[str, bytes]:
    """What each of these verbs (arguments, stdin, more of an environment) wrote, by its arguments."""
    shown: dict[str, bytes] = {}
    child = Verbs()
    try:
        for number, one in enumerate(verbs):
            arguments, given = one[0], one[1]
            more = one[2] if len(one) > 2 else {}
            done = child.run(arguments, home.environ | environ | more, home.path, given)
            assert done.returncode != -1, (arguments[:2], done.stderr[-1500:])
            shown[f"{number} {' '.join(arguments)[:30]}"] = f"{done.stdout}\n{done.stderr}".encode()
    finally:
        child.close()
    return shown


def clean(outputs: dict[str, bytes]) -> None:
    finds = WATCHMAN.look(outputs)
    assert not finds, f"{len(finds)} leaks:\n" + "\n".join(finds[:40])


@pytest.fixture
def nobody() -> dict[str, str]:
    """Hosts of the doctor at which nobody answers, so that nothing real is asked."""
    port = free_port()
    return {
        f"SEAWALL_DOCTOR_{name}": f"http://127.0.0.1:{port}"
        for name in ("CONTROL_HOST", "CAPTIVE_PROBE", "STATUS_PAGE")
    }


def test_the_watchman_finds() -> None:
    """A look that finds nothing anywhere would prove nothing."""
    for one in CANARIES:
        assert WATCHMAN.finds(f"x{one.text[-14:]}y".encode()), one.kind
        assert len(one.body) >= 16
    assert WATCHMAN.finds(b"sk-ant-api03-*** and prose without a secret in it") == []
    assert len({one.kind for one in CANARIES}) >= 40


@pytest.mark.parametrize("one", CANARIES, ids=lambda one: one.kind)
def test_statement_8_texts_given_to_explain(one: Canary) -> None:
    """Each kind in several frames, as text, JSON and words for a terminal."""
    from seawall import redact

    for frame in (
        "{}",
        "API Error: 401 invalid x-api-key {}",
        '{{"error":{{"message":"{}"}}}}',
        "a\n{}\nb",
        "({}).",
    ):
        text = frame.format(framed(one))
        assert WATCHMAN.finds(redact.text(text).encode()) == [], frame


def test_statement_8_explain(own_home: Home) -> None:
    """Through the verb: on stdin, as an argument, from a file, in every mode."""
    verbs: list[Verb] = []
    for number, one in enumerate(CANARIES):
        text = f"API Error: 401 authentication_error: {framed(one)} was rejected\n{framed(one)}\n"
        verbs.append((["explain", *MODES[number % 3]], text))
        verbs.append((["explain", *MODES[(number + 1) % 3], "--", framed(one)], ""))
        if number % 4 == 0:
            path = own_home.path / f"{number}.txt"
            path.write_text(text)
            verbs.append((["explain", "--file", str(path), *MODES[(number + 2) % 3]], ""))
    whole = "\n".join(framed(one) for one in CANARIES)
    verbs += [(["explain", *mode], f"529 overloaded_error\n{whole}") for mode in MODES]
    body = {
        "model": CANARIES[0].text,
        "max_tokens": 1,
        "messages": [{"role": "user", "content": whole}],
        whole[:200]: 1,
    }
    verbs += [(["explain", "--request", "-", *mode], json.dumps(body)) for mode in MODES]
    clean(run_all(own_home, verbs))


def test_statement_8_arguments(own_home: Home) -> None:
    """A key in the wrong place of a command line is not repeated in what is said about it."""
    verbs: list[Verb] = []
    for one in CANARIES:
        text = one.text
        verbs += [
            ([text], ""),
            (["history", "show", text], ""),
            (["--config", f"/x/{text}.toml", "status"], ""),
        ]
        verbs += [(["doctor", "--only", text], ""), (["report", text, "-y"], ""), ([f"--{text}"], "")]
    for number, one in enumerate(CANARIES[:12]):
        verbs += [
            (["history", "--since", one.text], ""), (["serve", "--upstream", one.text], ""), (["help", one.text], ""),
            (["serve", "--listen", one.text, *MODES[number % 3]], ""),
            (["doctor", "--base-url", one.text, "--json"], ""),
            (["doctor", "--base-url", f"https://u:{one.text}@h.example"], ""), (["report", "--reveal", one.text], ""),
            (["report", "--to", f"/nonexistent/{one.text}", "-y", "--since", "1h"], ""),
            (["history", "--cause", one.text], ""), (["history", "--model", one.text, "--json"], ""),
            (["rules", "--write", f"/nonexistent/{one.text}"], ""), (["model", "--answers", one.text], ""),
            (["explain", "--file", f"/nonexistent/{one.text}"], ""),
        ]  # fmt: skip
    clean(run_all(own_home, verbs))


def planted_home(home: Home) -> list[Path]:
    """Settings of Claude Code, profiles and settings of Seawall, full of secrets; the files."""
    secrets = {f"SECRET_{number}": one.text for number, one in enumerate(CANARIES)}
    named = {
        "ANTHROPIC_API_KEY": CANARIES[7].text,
        "ANTHROPIC_AUTH_TOKEN": CANARIES[26].text,
        "CLAUDE_CODE_OAUTH_TOKEN": CANARIES[2].text,
        "ANTHROPIC_CUSTOM_HEADERS": f"X-Mine: {CANARIES[40].text}",
        "ANTHROPIC_BASE_URL": f"https://ann:{CANARIES[38].text}@relay.example/v1",
        "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE": CANARIES[17].text,
    }
    user = home.path / ".claude"
    project = home.path / "project" / ".claude"
    for folder in (user, project):
        folder.mkdir(parents=True)
    files = {
        user / "settings.json": json.dumps({"env": secrets | named, "apiKeyHelper": f"echo {CANARIES[0].text}"}),
        project / "settings.json": f'{{"env": {{"ANTHROPIC_API_KEY": "{CANARIES[1].text}" "oops": "{CANARIES[3].text}',
        home.path / ".zshrc": "".join(f"export {name}='{value}'\n" for name, value in {**secrets, **named}.items()),
        home.path / ".env": f"ANTHROPIC_API_KEY={CANARIES[11].text}\n",
        user / ".credentials.json": json.dumps({"claudeAiOauth": {"accessToken": CANARIES[2].text}}),
        home.path / "root.pem": f"-----BEGIN CERTIFICATE-----\n{CANARIES[18].text}\n-----END CERTIFICATE-----\n"
        f"{framed(CANARIES[37])}\n",
        home.path / ".config/seawall/config.toml": "\n".join(
            [
                "[gateway]", f'hold = "{CANARIES[20].text}"', f'nonsense = "{CANARIES[25].text}"',
                "[team]", f'token = "{CANARIES[40].text}"', "[notify]",
                f'webhook = "https://hooks.example/services/{CANARIES[41].text}"', f'slack = "{CANARIES[30].text}"',
                "[[fallback]]", f'upstream = "https://ann:{CANARIES[38].text}@other.example"',
                f'key_env = "{CANARIES[33].text}"',
                "[report]", f'it_contact = "{CANARIES[27].text}"',
            ]
        ),
    }  # fmt: skip
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(files)


def poisoned(home: Home) -> dict[str, str]:
    """An environment with every secret in it, some where the doctor looks."""
    return {
        **{f"MY_SECRET_{number}": one.text for number, one in enumerate(CANARIES)},
        "ANTHROPIC_API_KEY": CANARIES[0].text,
        "ANTHROPIC_AUTH_TOKEN": CANARIES[36].text,
        "HTTPS_PROXY": f"http://ann:{CANARIES[38].text}@127.0.0.1:{free_port()}",
        "https_proxy": f"socks5://{quote(CANARIES[39].text)}@127.0.0.1:1",
        "ALL_PROXY": CANARIES[14].text,
        "NO_PROXY": CANARIES[22].text,
        "NODE_EXTRA_CA_CERTS": str(home.path / "root.pem"),
        "SSL_CERT_FILE": f"/nonexistent/{CANARIES[15].text}.pem",
        "CLAUDE_CODE_CLIENT_CERT": str(home.path / "root.pem"),
        "SEAWALL_TEAM_TOKEN": CANARIES[40].text,
        "SEAWALL_GATEWAY_HOLD": CANARIES[23].text,
        "TERM_PROGRAM": CANARIES[12].text,
        "SHELL": f"/bin/{CANARIES[28].text}",
    }


def verbs_of_a_day(offline: bool) -> list[Verb]:
    """Every verb that only looks, in every mode."""
    found: list[Verb] = []
    for mode in MODES:
        found += [
            (["status", *mode], ""), (["config", *mode], ""), (["config", "check", *mode], ""),
            (["history", *mode], ""),
            (["history", "list", *mode], ""), (["explain", "--last", *mode], ""), (["watch", "--once", *mode], ""),
            (["report", "--stdout", *mode], ""), (["report", "--it", *mode], ""), (["report", "--support", *mode], ""),
            (["report", "-y", *mode], ""), (["doctor", "--all", *mode], ""), (["doctor", "--list", *mode], ""),
            (["model", "--answers", "b,a,b,a,b", *mode], ""), (["rules", *mode], ""), (["help", "--all"], ""),
            (["plan", *mode], ""), (["doctor", "--again", *mode], ""), (["explain", "--last", "--check", *mode], ""),
        ]  # fmt: skip
    return [
        ([*arguments, "--offline"] if offline and arguments[0] != "help" else arguments, given)
        for arguments, given in found
    ]


def verbs_of_records() -> list[Verb]:
    """Every verb that looks back, in every mode."""
    back = (
        ["history"],
        ["history", "list"],
        ["explain", "--last"],
        ["report", "--stdout"],
        ["plan"],
        ["report", "-y"],
    )
    return [([*one, *mode, "--offline"], "") for one in back for mode in MODES]


def test_every_verb_is_tried() -> None:
    """A new verb is looked at too. Drills, benchmarks and the fake API make up what they say themselves."""
    tried = {arguments[0] for arguments, *_ in verbs_of_a_day(offline=False)} | {"run", "serve", "import"}
    assert set(VERBS) - tried == {"drill", "bench", "fake"}


@pytest.mark.parametrize("where", ["home", "project"])
def test_statement_8_environment_settings_profiles_and_config(
    own_home: Home, nobody: dict[str, str], where: str
) -> None:
    """Every verb in every mode, with secrets wherever it looks; nothing in what it prints or writes."""
    own = planted_home(own_home)
    outputs: dict[str, bytes] = {}
    environ = poisoned(own_home) | nobody
    if where == "project":
        own_home.environ |= {"SEAWALL_CONFIG": "/dev/null"}
        environ = {
            name: value for name, value in environ.items() if not name.startswith("SEAWALL_GATEWAY_HOLD")
        }
        environ |= {"SEAWALL_GATEWAY_UPSTREAM": f"http://ann:{CANARIES[38].text}@127.0.0.1:9"}
    outputs |= run_all(own_home, verbs_of_a_day(offline=where == "project"), **environ)
    outputs |= files_below(own_home.path, own_home.runtime, but=own)
    clean(outputs)


def test_statement_8_every_kind_as_the_key(own_home: Home, nobody: dict[str, str]) -> None:
    """A key of any vendor, whole, cut, quoted, with a line break: what is said of it is its form."""
    verbs: list[Verb] = []
    for number, one in enumerate(CANARIES):
        value = (one.text, f'"{one.text}"', f"{one.text[:-3]}\n{one.text[-3:]}", f" Bearer {one.text}")[
            number % 4
        ]
        verbs.append(
            (
                ["doctor", "--offline", "--only", "cred.shape,local.env", "--all", *MODES[number % 3]], "",
                {"ANTHROPIC_API_KEY": value},
            )
        )  # fmt: skip
    clean(run_all(own_home, verbs, **nobody) | files_below(own_home.path, own_home.runtime))


@pytest.fixture
def talkative() -> Iterator[str]:
    """An API that says every secret back: in headers, in errors of each kind, in pages."""
    whole = " ".join(framed(one).replace("\n", " ") for one in CANARIES)
    count = iter(range(10**6))

    def says(data: bytes) -> bytes:
        if b"x-hold" in data.lower():
            return answer(529, b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')
        number = next(count)
        one = CANARIES[number % len(CANARIES)]
        kind = ("authentication_error", one.text, "overloaded_error", "invalid_request_error")[number % 4]
        body = json.dumps(
            {"type": "error", "error": {"type": kind, "message": f"{framed(one)} {whole}"}}
        ).encode()
        headers = {
            "content_type": "application/json", "x_echo": one.text, "set_cookie": f"session={one.text}",
            "anthropic_organization_id": one.text, "server": one.text,
        }  # fmt: skip
        match number % 5:
            case 0:
                return answer(401, body, request_id=one.text, **headers)
            case 1:
                return answer(529, body, request_id="req_011CSHoEeqs5C35K2UUqR7Fy", **headers)
            case 2:
                return answer(400, body, request_id=f"req_{number:024d}", **headers)
            case 3:
                return answer(
                    502,
                    f"<html><title>{whole}</title></html>".encode(),
                    content_type="text/html",
                    via=one.text,
                )
            case _:
                return answer(
                    429, body, retry_after="1", anthropic_ratelimit_unified_status=one.text, **headers
                )

    with host(says) as found:
        yield found.url


def call(address: str, one: Canary, number: int, **more: str) -> None:
    """A request that carries the secret wherever a request may."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=LIMIT)
    body = {
        "model": one.text if number % 3 else "claude-opus-4-5", "max_tokens": 16, "metadata": {"user_id": one.text},
        "messages": [{"role": "user", "content": framed(one)}], "system": framed(one),
    }  # fmt: skip
    headers = {
        "content-type": "application/json", "x-api-key": one.text, "authorization": f"Bearer {one.text}",
        "cookie": f"s={one.text}", "user-agent": f"claude-cli/{one.text} ({one.text})",
        "x-claude-code-session-id": one.text, "x-claude-code-agent-id": one.text, "x-custom": one.text,
        "x-stainless-lang": one.text, "proxy-authorization": f"Basic {one.text}",
    }  # fmt: skip
    clean_headers = {name: value.replace("\n", " ") for name, value in (headers | more).items()}
    path = f"/v1/messages?beta=true&key={quote(one.text)}" if number % 2 else f"/v1/{quote(one.text)}"
    try:
        connection.request("POST", path, json.dumps(body), clean_headers)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()


def page(address: str, token: str, path: str, body: str | None = None) -> bytes:
    """What the gateway's own page and interface say to their user."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=LIMIT)
    try:
        connection.request(
            "GET" if body is None else "POST", path, body, {"x-seawall-token": token, "accept": "text/html"}
        )
        response = connection.getresponse()
        said = response.read()
        assert response.status in (200, 400, 404, 503), (path, response.status, said[:200])
        return str(response.getheaders()).encode() + said
    finally:
        connection.close()


def pages(home: Home, address: str) -> dict[str, bytes]:
    """All of them, as they are now."""
    token = (home.place / "token").read_text().strip()
    paths = [
        "/",
        "/metrics",
        *(f"/api/v1/{name}" for name in ("status", "rates", "config", "history", "plan", "verdict")),
    ]
    found = {f"page {path}": page(address, token, path) for path in paths}
    whole = "\n".join(framed(one) for one in CANARIES)
    return found | {"page explain": page(address, token, "/api/v1/explain", f"529 overloaded_error\n{whole}")}


def test_statement_8_through_a_gateway(own_home: Home, nobody: dict[str, str], talkative: str) -> None:
    """Headers, bodies, paths and answers full of secrets: nothing of them in state, log, store, or any verb after."""
    process = own_home.start(
        "serve", "--listen", "127.0.0.1:0", "--json", "--hold", "300s", SEAWALL_GATEWAY_UPSTREAM=talkative,
        SEAWALL_GATEWAY_BACKOFF_THROTTLE_MOST="1s",
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.readline()
    address = json.loads(said)["address"]
    with ThreadPoolExecutor(len(CANARIES) + 6) as pool:
        quick = [
            pool.submit(call, address, one, n, **{"x-seawall-hold": "1s"}) for n, one in enumerate(CANARIES)
        ]
        held = [pool.submit(call, address, one, 1, **{"x-hold": "1"}) for one in CANARIES[::7]]
        for each in quick:
            each.result(LIMIT)
        states = [["status", *mode] for mode in MODES] + [["watch", "--once", *mode] for mode in MODES]
        holding: list[Verb] = [([*one, "--verbose"], "") for one in states]
        outputs = run_all(own_home, holding, **nobody)
        outputs |= pages(own_home, address)
        [state] = json.loads(outputs["1 status --json --verbose"].splitlines()[0])["gateways"]
        assert state["held"] > 0, "nothing is held: then what is said of held calls was not looked at"
        assert not any(each.done() for each in held)
        process.terminate()
        out, err = process.communicate(timeout=LIMIT)
    outputs["serve"] = f"{said}{out}{err}".encode()
    store = own_home.path / ".local/share/seawall/seawall.db"
    until(store.exists, "the store")
    outputs |= run_all(own_home, verbs_of_records(), **nobody)
    ids = json.loads(
        outputs[next(name for name in outputs if "history list --json" in name)].splitlines()[0]
    )["episodes"]
    assert ids, "nothing was recorded: then nothing was tried"
    outputs |= {
        f"show {n}": d
        for n, d in run_all(own_home, [(["history", "show", ids[0]["id"]], "")], **nobody).items()
    }
    clean(outputs | files_below(own_home.path, own_home.runtime))


def test_statement_8_rows_of_the_store(own_home: Home, nobody: dict[str, str]) -> None:
    """A secret in any field of a row is not kept, whoever wrote it there."""
    from dataclasses import fields, replace

    from report_cases import FAILED
    from seawall.config import Store
    from seawall.store.writer import Pace, Writer

    path = own_home.path / ".local/share/seawall/seawall.db"
    writer = Writer(Store(path=str(path)), pace=Pace(gather=0.001, counts_every=0.001))
    writer.start()
    now = time.time()
    # A call's id is Seawall's own. A request's id stays, and one of plain hex cannot be told from a key of plain hex.
    # A host's name may look like anything but a vendor's key.
    kept = ("call", "request_id")
    names = [one.name for one in fields(FAILED) if one.type in (str, str | None) and one.name not in kept]
    for number, one in enumerate(CANARIES):
        row = replace(FAILED, at=now - 400 + number, number=number + 1)
        writer.put(row)
        for name in names:
            if name != "route" or one.prefix:
                writer.put(replace(row, **{name: one.text}))
                writer.put(replace(row, **{name: f"claude-cli/{one.text}"}))
                writer.put(replace(row, **{name: one.text[:24]}))
    assert writer.close(20).dropped == 0
    clean(run_all(own_home, verbs_of_records(), **nobody) | files_below(own_home.path, own_home.runtime))


@pytest.mark.parametrize("answered", [False, True])
def test_statement_8_notifications(
    own_home: Home, nobody: dict[str, str], talkative: str, answered: bool
) -> None:
    """The addresses of webhooks are secrets, and so is what signs them; whatever those answer is not repeated."""
    place = talkative if answered else f"http://127.0.0.1:{free_port()}"
    environ = nobody | {
        "SEAWALL_NOTIFY_WEBHOOK": f"{place}/services/{CANARIES[41].text}?token={CANARIES[26].text}",
        "SEAWALL_NOTIFY_SLACK": f"{place}/services/{CANARIES[30].text}",
        "SEAWALL_NOTIFY_SECRET": CANARIES[40].text,
        "SEAWALL_NOTIFY_APPRISE": f"json://ann:{CANARIES[38].text}@127.0.0.1:{free_port()}/{CANARIES[22].text}",
    }
    mode = MODES[1] if answered else MODES[2]
    verbs: list[Verb] = [
        (["watch", "--test-notify", *mode], ""),
        *((["config", *each], "") for each in MODES),
    ]
    outputs = run_all(own_home, verbs, **environ)
    assert b"webhook" in next(iter(outputs.values()))
    clean(outputs | files_below(own_home.path, own_home.runtime))


def transcript(one: Canary, at: str) -> str:
    """A failure as Claude Code writes it down, with the secret in every field."""
    text = f"API Error: 529 overloaded_error {framed(one)} (request id: req_011CSHoEeqs5C35K2UUqR7Fy)"
    record = {
        "type": "assistant", "isApiErrorMessage": True, "apiErrorStatus": 529, "error": "overloaded",
        "message": {"id": one.text, "model": "<synthetic>", "content": [{"type": "text", "text": text}]},
        "timestamp": at, "version": one.text, "sessionId": one.text, "cwd": one.text, "uuid": one.text,
        "requestId": "req_011CSHoEeqs5C35K2UUqR7Fy", "gitBranch": one.text, "userType": one.text,
    }  # fmt: skip
    retry = record | {
        "type": "system", "subtype": "api_error", "level": "error", "retryAttempt": 1, "maxRetries": 10,
        "error": {"status": 529, "message": text, "headers": {"x-api-key": one.text}, "cause": {"code": one.text}},
    }  # fmt: skip
    return f"{json.dumps(record)}\n{json.dumps(retry)}\n"


def test_statement_8_transcripts_logs_and_notes(own_home: Home, nobody: dict[str, str]) -> None:
    """What is read from old files, and what a person writes beside an incident."""
    folder = own_home.path / ".claude/projects/-home-ann-x"
    folder.mkdir(parents=True)
    at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 120))
    own = [folder / "s.jsonl", own_home.path / "old.log"]
    own[0].write_text("".join(transcript(one, at) for one in CANARIES))
    own[1].write_text("".join(f"{at} ERROR 529 overloaded_error {framed(one)}\n" for one in CANARIES))
    verbs: list[Verb] = [(["import", "--dry-run", *mode], "") for mode in MODES]
    verbs += [(["import", *MODES[2]], ""), (["import", str(own[1]), "-v"], ""), (["import", "--json"], "")]
    outputs = run_all(own_home, verbs, **nobody)
    listed = run_all(own_home, [(["history", "list", "--json"], "")], **nobody)
    episodes = json.loads(
        next(data for name, data in listed.items() if name.startswith("0")).splitlines()[0]
    )["episodes"]
    assert episodes, "nothing was imported: then nothing was tried"
    id_ = episodes[0]["id"]
    notes: list[Verb] = []
    for number, one in enumerate(CANARIES):
        mode = MODES[number % 3]
        notes += [
            (["history", "note", id_, f"fixed by {framed(one)}", *mode], ""),
            (["history", "show", id_, *mode], ""),
        ]
    outputs |= {f"notes {name}": data for name, data in run_all(own_home, notes, **nobody).items()}
    outputs |= run_all(own_home, verbs_of_records(), **nobody)
    clean(outputs | files_below(own_home.path, own_home.runtime, but=own))


def test_statement_8_a_command_behind_the_gateway(
    own_home: Home, nobody: dict[str, str], talkative: str
) -> None:
    """`run` passes credentials on in memory only: not in what it says, not in the gateway's record or log."""
    own = planted_home(own_home)
    ask = (
        "import os, urllib.request as r; q = r.Request(os.environ['ANTHROPIC_BASE_URL'] + '/v1/messages', b'{}', "
        "{'x-api-key': os.environ['ANTHROPIC_API_KEY'], 'x-seawall-hold': '0s'})\n"
        "try: r.urlopen(q)\nexcept Exception: pass"
    )
    environ = {
        name: value
        for name, value in poisoned(own_home).items()
        if name.lower() not in ("https_proxy", "all_proxy")
    }
    environ |= nobody | {
        "SEAWALL_GATEWAY_UPSTREAM": talkative,
        "SEAWALL_CONFIG": "/dev/null",
        "SEAWALL_GATEWAY_HOLD": "1s",
    }
    outputs = {}
    for mode in ((), ("-v",)):
        done = own_home.seawall("run", *mode, "--", sys.executable, "-c", ask, **environ)
        outputs[f"run {mode}"] = f"{done.stdout}{done.stderr}".encode()
    assert own_home.gateways(), "no gateway was started"
    outputs |= run_all(own_home, [(["status", "--json"], ""), (["watch", "--once", "--json"], "")], **environ)
    clean(outputs | files_below(own_home.path, own_home.runtime, but=own))


def test_statement_8_the_users_name_and_paths(own_home: Home, nobody: dict[str, str]) -> None:
    """In what is meant for others: neither the name nor the home folder, in whatever style; nor a key in a path."""
    name = "annabellequartermaine"
    home = own_home.path / "people" / name
    place = home / f"work {CANARIES[0].text}"
    place.mkdir(parents=True)
    watchman = Watchman([*CANARIES, Canary("the user's name", "", name)])
    environ = {
        "HOME": str(home),
        "USER": name,
        "LOGNAME": name,
        "NODE_EXTRA_CA_CERTS": str(place / "root.pem"),
    }
    (place / "root.pem").write_text("no certificate")
    verbs = [
        ([*arguments, *mode], "")
        for mode in MODES
        for arguments in (["report", "--stdout"], ["report", "--it"], ["report", "-y"])
    ]
    shown = run_all(own_home, verbs, **nobody, **environ)
    bundle = {name: data for name, data in files_below(own_home.path).items() if "/seawall-report-" in name}
    assert bundle
    finds = watchman.look(shown) + watchman.look({k: v.rsplit(b"\n", 1)[0] for k, v in bundle.items()})
    assert finds == []


@contextlib.contextmanager
def serving(cert: trustme.LeafCert) -> Iterator[str]:
    """An address that shows this certificate, and answers as the API does to whoever accepts it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), peer:
                peer.settimeout(10)
                with context.wrap_socket(peer, server_side=True) as secure:
                    secure.recv(65536)
                    secure.sendall(from_api(401))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(LIMIT)


@pytest.mark.parametrize("one", [CANARIES[0], CANARIES[26], CANARIES[31]], ids=lambda one: one.kind)
@pytest.mark.parametrize("trusted", [True, False])
def test_statement_8_certificates(
    own_home: Home, nobody: dict[str, str], tmp_path: Path, one: Canary, trusted: bool
) -> None:
    """A certificate may say anything of who signed it: what looks like a key is masked there too."""
    ca = trustme.CA(organization_name=one.text[:60], organization_unit_name=one.text[:60])
    cert = ca.issue_cert("127.0.0.1", organization_name=one.text[:60], common_name=one.text[:60])
    roots = tmp_path / "roots.pem"
    ca.cert_pem.write_to_path(str(roots))
    environ = {"NODE_EXTRA_CA_CERTS": str(roots)} if trusted else {}
    with serving(cert) as address:
        environ |= nobody | {"SEAWALL_GATEWAY_UPSTREAM": address}
        verbs: list[Verb] = [(["doctor", "--all", *mode], "") for mode in MODES]
        verbs += [(["report", "--it", "--plain"], ""), (["report", "--stdout"], "")]
        shown = run_all(own_home, verbs, **environ)
    assert any(b"issuer" in data for data in shown.values()), "the certificate was not looked at"
    clean(shown | files_below(own_home.path, own_home.runtime))
