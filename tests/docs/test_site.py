"""The pages that the site is built from: every text of a cause is on its page, and every link leads somewhere."""

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.causes.cause import Cause, codes, load
from seawall.doctor.side import SHOWN_AS

ROOT = Path(__file__).parent.parent.parent
SITE = ROOT / "docs/site"
UNSHOWN = {"matchers", "examples", "near_misses", "party", "retry", "hold", "checked", "costs_money"}
"""Fields that are for the program, or that the page says in its own words."""
FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
OWN_TAGS = re.compile(r"</?(?:dl|dt|dd|div|small|br|code)\b[^>]*>")
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make docs` builds from."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, SITE / "stage.py", folder], check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def pages(stage: Path) -> dict[str, str]:
    return {
        str(path.relative_to(stage / "pages")): path.read_text("utf-8")
        for path in (stage / "pages").rglob("*.md")
    }


def read(page: str) -> str:
    """A page as a person reads it: without marks, its signs resolved, in one line."""
    text = html.unescape(OWN_TAGS.sub(" ", page))
    text = re.sub(r"[`*<>]", "", text)
    return re.sub(r"\s+", " ", text)


def texts(value: Any, name: str = "") -> Iterator[str]:
    """Every text of a cause that is for people."""
    match value:
        case str() if name not in UNSHOWN and name != "on":
            yield value
        case dict():
            for key, inside in value.items():
                if key not in UNSHOWN:
                    yield from texts(inside, key)
        case list() | tuple():
            for inside in value:
                yield from texts(inside, name)


@pytest.mark.parametrize("code", codes())
def test_a_page_has_every_text_of_its_cause(pages: dict[str, str], code: str) -> None:
    """Title, meaning, steps, commands, platforms, questions, wordings, sources: nothing is left out."""
    cause = load(code)
    page = read(pages[f"causes/{code}.md"])
    missing = [text for text in texts(msgspec.to_builtins(cause)) if read(text) not in page]
    assert missing == []
    assert SHOWN_AS[cause.party] in page
    assert f"Updated {cause.checked}" in page


def near(cause: Cause) -> list[str]:
    return [one.code for one in cause.near_misses if one.code and one.code != cause.code]


@pytest.mark.parametrize("code", codes())
def test_a_page_links_to_what_its_cause_is_not(pages: dict[str, str], code: str) -> None:
    """Each near miss is a link, with the reason."""
    page = pages[f"causes/{code}.md"]
    assert [other for other in near(load(code)) if f"]({other}.md)" not in page] == []


def test_commands_stand_as_they_are_typed(pages: dict[str, str]) -> None:
    """In a block of their own, without Markdown's signs in them: copied, they run."""
    for code in codes():
        blocks = [re.sub(r"(?m)^ *(```.*\n?)?", "", one) for one in FENCE.findall(pages[f"causes/{code}.md"])]
        cause = load(code)
        typed = [one for step in cause.do for one in (step.command, step.powershell)]
        typed += [cause.verify_command, *(note.command for note in cause.platforms)]
        assert [one for one in typed if one and one not in [block.strip() for block in blocks]] == []


def test_every_cause_is_in_the_index_by_party(pages: dict[str, str]) -> None:
    """Under the heading of its side."""
    sections = dict(
        part.partition("\n")[::2] for part in re.split(r"^## ", pages["causes/index.md"], flags=re.M)[1:]
    )
    for code in codes():
        assert f"]({code}.md)" in sections[SHOWN_AS[load(code).party]]


def test_every_status_that_is_matched_is_in_the_index(pages: dict[str, str]) -> None:
    """With the cause under it; a cause without any stands at the end."""
    page = pages["causes/by-status.md"]
    for code in codes():
        assert f"]({code}.md)" in page
        for status in (one for matcher in load(code).matchers for one in matcher.status):
            section = page.partition(f"\n## {status} ")[2].partition("\n## ")[0]
            assert f"]({code}.md)" in section, (code, status)


def test_every_wording_is_in_the_index(pages: dict[str, str]) -> None:
    """As clients show it, with a link to its cause."""
    page = pages["causes/by-wording.md"]
    lines = [line for line in page.splitlines() if line.startswith("- ")]
    for code in codes():
        for one in load(code).wordings:
            assert any(one.text in line and f"]({code}.md)" in line for line in lines), one.text


def anchors(page: str) -> set[str]:
    """Places on a page: its headings as Markdown names them, and those that a heading names itself."""
    found = set()
    for heading in re.findall(r"^#{1,6} (.+)$", FENCE.sub("", page), re.MULTILINE):
        named = re.search(r"\{ #([\w-]+) \}$", heading)
        plain = re.sub(r"[^\w\s-]", "", read(heading)).strip().lower()
        found.add(named[1] if named else re.sub(r"[-\s]+", "-", plain))
    return found


def test_every_link_leads_somewhere(pages: dict[str, str]) -> None:
    """To a page of the site, and to a place that this page has."""
    astray = []
    for name, page in pages.items():
        for target in LINK.findall(CODE.sub("", FENCE.sub("", page))):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            other = (Path("/") / name).parent / path if path else Path("/") / name
            there = str(Path(*_resolved(other)))
            if there not in pages or (anchor and anchor not in anchors(pages[there])):
                astray.append(f"{name}: {target}")
    assert astray == []


def _resolved(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts[1:]:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return parts


def test_every_page_is_in_the_navigation(stage: Path, pages: dict[str, str]) -> None:
    """Each once, and nothing else."""
    nav = (stage / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    assert sorted(re.findall(r"(\S+\.md)$", nav, re.MULTILINE)) == sorted(pages)


def test_every_page_of_the_project_is_on_the_site(pages: dict[str, str]) -> None:
    """A new page of docs/ needs no list."""
    for page in (ROOT / "docs").rglob("*.md"):
        name = str(page.relative_to(ROOT / "docs")).replace("README.md", "index.md")
        assert name in pages, name


def test_pages_are_the_same_each_time(stage: Path, tmp_path: Path) -> None:
    """A second run writes the same bytes, over whatever stood there."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/old.md").write_text("gone")
    subprocess.run([sys.executable, SITE / "stage.py", tmp_path], check=True, timeout=60)
    files = [
        {path.relative_to(one): path.read_bytes() for path in one.rglob("*") if path.is_file()}
        for one in (stage, tmp_path)
    ]
    assert files[0] == files[1]


GOOD = '<h1 id="top">A</h1><a href="b.html#there">b</a><a href="https://example.com/">x</a><img src="c.png">'


def checked(site: Path, **pages: str) -> tuple[int, str]:
    (site / "c.png").write_bytes(b"")
    (site / "b.html").write_text('<p id="there">')
    for name, text in pages.items():
        (site / name.replace("_", ".")).write_text(text)
    done = subprocess.run(
        [sys.executable, SITE / "check.py", site], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_a_good_site_passes(tmp_path: Path) -> None:
    """Links to other sites are for people to click; they are not followed."""
    assert checked(tmp_path, a_html=GOOD)[0] == 0


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({"a_html": '<a href="nowhere.html">'}, "leads nowhere: nowhere.html"),
        ({"a_html": '<a href="b.html#gone">'}, "no such place on its page: b.html#gone"),
        ({"a_html": '<a href="#gone">'}, "no such place on its page: #gone"),
        ({"a_html": '<a href="/b.html">'}, "begins at the root"),
        ({"a_html": '<img src="nothing.png">'}, "leads nowhere: nothing.png"),
        ({"a_html": '<script src="https://cdn.example/x.js">'}, "from elsewhere: https://cdn.example/x.js"),
        ({"a_html": '<link rel="stylesheet" href="//fonts.example/x">'}, "elsewhere: //fonts.example/x"),
        ({"a_html": "", "x_css": "@import 'https://fonts.example/y'"}, "elsewhere: https://fonts.example/y"),
        ({"a_html": "", "x_css": "a{b:url(https://x.example/z)}"}, "elsewhere: https://x.example/z"),
    ],
)
def test_a_site_with_a_fault_does_not_pass(tmp_path: Path, pages: dict[str, str], said: str) -> None:
    """The page and the address are named."""
    code, out = checked(tmp_path, **pages)
    assert code == 1
    assert said in out


def test_a_folder_without_pages_does_not_pass(tmp_path: Path) -> None:
    """A build that wrote nothing is not a good one."""
    done = subprocess.run([sys.executable, SITE / "check.py", tmp_path], capture_output=True, check=False)
    assert done.returncode == 1
