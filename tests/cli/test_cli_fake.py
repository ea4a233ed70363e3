"""`seawall fake`: one line when it listens, one clear line when it cannot."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner

from seawall.cli.fake import command
from seawall.fake.script import KINDS


def invoke(*args: str):
    return CliRunner().invoke(command, list(args), prog_name="seawall fake")


def test_every_fault_is_listed():
    """With its sentence, its parameters and an example; as JSON too."""
    shown = invoke("--list-faults").output
    listed = json.loads(invoke("--list-faults", "--json").output)
    assert listed["schema"] == "seawall.fake.faults/1"
    assert [f["name"] for f in listed["faults"]] == list(KINDS)
    for kind in KINDS.values():
        assert f"{kind.name}: {kind.doc}" in shown
        assert kind.example in shown


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--listen", "nowhere"], "not HOST:PORT"),
        (["--listen", ":80"], "not HOST:PORT"),
        (["--listen", "127.0.0.1:70000"], "not HOST:PORT"),
        (["--scenario", "none.toml"], "none.toml: No such file"),
        (["--listen", "256.1.1.1:0"], "cannot listen on 256.1.1.1:0"),
    ],
)
def test_unusable_input_is_one_line_and_code_2(args, says):
    """Nothing is started."""
    done = invoke(*args)
    assert done.exit_code == 2
    assert says in done.output
    assert len(done.output.splitlines()) == 1


def test_a_bad_scenario_names_file_and_place(tmp_path):
    """An unknown fault in the second rule."""
    file = tmp_path / "own.toml"
    file.write_text('[[rule]]\ndo = "ok"\n[[rule]]\ndo = "overloadd"\n')
    done = invoke("--scenario", str(file))
    assert done.exit_code == 2
    assert "own.toml: rule[1]: no fault is called 'overloadd' (did you mean 'overloaded'?)" in done.output


def test_a_taken_port_is_one_line_and_code_2():
    """With the address in it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = invoke("--listen", address)
    assert done.exit_code == 2
    assert done.output == f"Error: cannot listen on {address}: Address already in use\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("as_json", [False, True])
def test_it_serves_until_a_signal_and_sums_up(number, as_json):
    """Its first line says where and how; the last ones what happened; code 0."""
    code = "from seawall.cli.fake import command; command()"
    args = [
        sys.executable,
        "-c",
        code,
        "--listen",
        "127.0.0.1:0",
        "--scenario",
        "calm",
        *["--json"] * as_json,
    ]
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            if as_json:
                url = json.loads(line)["url"]
            else:
                assert "(calm)" in line
                url = line.split("ANTHROPIC_BASE_URL=")[1].split()[0]
            with urllib.request.urlopen(url + "/api/hello", timeout=10) as answer:
                assert answer.status == 200
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "")
    if as_json:
        assert json.loads(out) | {"schema": ""} == {
            "schema": "", "requests": 1, "by_status": {"200": 1}, "by_fault": {}, "clients_gone": 0, "most_running": 1,
        }  # fmt: skip
    else:
        assert out == "1 requests; answers: 1 x 200; 0 clients went away\n"
