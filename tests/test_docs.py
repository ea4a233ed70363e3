"""What the pages say is so: examples run, links lead somewhere, every setting and verb is described."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from own_home import Home
from seawall.cli.verbs import VERBS, seawall
from seawall.settings import KEYS, TABLES

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
EXAMPLE = re.compile(r"<!-- run -->\n```console\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def examples() -> list[tuple[str, str]]:
    """Each command of the README that is marked, with what it prints there."""
    text = (ROOT / "README.md").read_text()
    found = []
    for block in EXAMPLE.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def test_the_readme_has_examples_to_run() -> None:
    """The marks are still there."""
    assert len(examples()) >= 3


@pytest.mark.parametrize(("command", "output"), examples())
def test_an_example_prints_what_the_page_shows(own_home: Home, command: str, output: str) -> None:
    """Typed as it stands, in a fresh home, it prints exactly that."""
    import subprocess

    own_home.environ.pop("SEAWALL_GATEWAY_UPSTREAM")
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env=own_home.environ,
        cwd=own_home.path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    """A file that is linked to exists."""
    for target in LINK.findall(page.read_text()):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("folder", ["docs/decisions", "docs/explanation", "docs/how-to"])
def test_every_page_is_listed(folder: str) -> None:
    """A page that nobody can find is no page."""
    index = (ROOT / folder / "README.md").read_text()
    for page in {*(ROOT / folder).glob("*.md")} - {ROOT / folder / "README.md"}:
        assert f"]({page.name})" in index, page.name


def test_every_setting_is_described() -> None:
    """Its section and its row are on the page, and nothing else is."""
    described = set()
    section = ""
    for line in (ROOT / "docs/reference/configuration.md").read_text().splitlines():
        if line.startswith("## ["):
            section = line[4:-1]
        elif found := re.match(r"\| `(\w+)` \|", line):
            described.add(f"{section}.{found[1]}")
    assert described == set(KEYS) | {key.replace("fallback.", "[fallback].") for key in TABLES}


def test_the_tables_of_settings_are_those_of_the_code() -> None:
    """config.py is their source: `make reference` writes them anew."""
    subprocess.run([sys.executable, ROOT / "docs/settings_table.py", "--check"], check=True, timeout=60)


OF_ALL = {"--json", "--plain", "--quiet", "--verbose", "--no-color", "--offline", "--config", "--help"}
"""Options that every verb has; the page says so at its head."""


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_and_option_is_described(verb: str) -> None:
    """On the page of commands, in the verb's own section."""
    page = (ROOT / "docs/reference/commands.md").read_text()
    section = re.search(rf"^## seawall {verb}\b.*?(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    command = seawall.get_command(click.Context(seawall), verb)
    assert command is not None
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    names = {name for one in options for name in one.opts if name.startswith("--")} - OF_ALL
    assert [name for name in sorted(names) if not re.search(rf"{name}\b", section[0])] == []
