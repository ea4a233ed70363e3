"""`seawall watch --web`, and the options that the page's verbs are run with."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from own_home import LIMIT, Home, until
from seawall.cli import schemas
from seawall.cli.common import Common
from seawall.cli.web import asked_in, asked_with
from seawall.config import Config


def opened(link: str) -> int:
    try:
        with urllib.request.urlopen(link, timeout=LIMIT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_without_a_gateway_it_says_how_to_start_one(own_home: Home) -> None:
    """Nothing is opened that would only say that nobody is there."""
    done = own_home.seawall("watch", "--web")
    assert (done.returncode, done.stdout) == (1, "")
    assert "seawall run -- claude" in done.stderr


def test_the_link_it_prints_opens_the_page_once(own_home: Home) -> None:
    """Where there is no screen, a person copies it."""
    process = own_home.start("serve", "--listen", "127.0.0.1:0", "--json")
    assert process.stdout is not None
    assert process.stdout.readline()
    done = own_home.seawall("watch", "--web")
    assert done.returncode == 0, done.stderr
    link, said = done.stdout.splitlines()
    assert said == "The link works once, within a minute."
    assert (opened(link), opened(link)) == (200, 401)


def test_the_link_as_json(own_home: Home) -> None:
    """For programs: no browser is started."""
    process = own_home.start("serve", "--listen", "127.0.0.1:0", "--json")
    assert process.stdout is not None
    assert process.stdout.readline()
    own_home.tool("browser", f"echo $1 > {own_home.path / 'opened'}")
    done = own_home.seawall("watch", "--web", "--json", BROWSER="browser")
    told = json.loads(done.stdout)
    Draft202012Validator(json.loads(schemas.text("seawall.web/1"))).validate(told)
    assert told["link"].startswith(told["address"] + "/seawall/open?key=")
    assert not (own_home.path / "opened").exists()
    assert opened(told["link"]) == 200


def test_a_browser_is_given_the_link(own_home: Home) -> None:
    """The one that the user named."""
    process = own_home.start("serve", "--listen", "127.0.0.1:0", "--json")
    assert process.stdout is not None
    assert process.stdout.readline()
    own_home.tool("browser", f"echo $1 > {own_home.path / 'opened'}")
    done = own_home.seawall("watch", "--web", "--quiet", BROWSER="browser")
    assert (done.returncode, done.stdout) == (0, "")
    written = own_home.path / "opened"
    until(lambda: written.exists() and written.read_text().endswith("\n"), "the browser was started")
    assert opened(written.read_text().strip()) == 200


def test_a_gateway_that_is_gone_is_not_opened(own_home: Home) -> None:
    """Its record may lie there still, and somebody else may have its port."""
    process = own_home.start("serve", "--listen", "127.0.0.1:0", "--json")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.kill()
    process.wait(LIMIT)
    assert own_home.seawall("watch", "--web").returncode == 1


@pytest.mark.parametrize(
    ("source", "given"), [("option --upstream", True), ("default", False), ("ANTHROPIC_BASE_URL", False)]
)
def test_the_pages_verbs_go_by_the_gateways_upstream(source: str, given: bool) -> None:
    """One that was an option of `serve` is in no file that another process reads."""
    environ = asked_in(Config(), {"gateway.upstream": source}, {"HOME": "/home/a"})
    assert environ["HOME"] == "/home/a"
    assert (environ.get("SEAWALL_GATEWAY_UPSTREAM") == Config().gateway.upstream) is given


def test_the_pages_verbs_get_the_gateways_options(tmp_path: Path) -> None:
    """The same settings file, and no network where that was said."""
    assert asked_with(Common()) == []
    assert asked_with(Common(config=tmp_path / "a.toml", offline=True)) == [
        "--config",
        str(tmp_path / "a.toml"),
        "--offline",
    ]
