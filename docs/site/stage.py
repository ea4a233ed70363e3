"""`python docs/site/stage.py FOLDER` writes what the site is built from: pages, assets and `mkdocs.yml`."""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from causes import pages, quoted
from seawall.causes.compile import catalogue
from seawall.view.explanation import SHOWN_AS

ROOT = Path(__file__).parent.parent.parent
HERE = Path(__file__).parent
SECTIONS = {
    "Tutorial": "tutorial",
    "How-to guides": "how-to",
    "Reference": "reference",
    "Explanation": "explanation",
}
"""Tabs of the site and their folders, in order; a page put into one of them is on the site."""
FINDER = """\
!!! question "Did something just fail?"

    [Find your error](causes/index.md) by its text, its status or whose side it is on.

"""
"""Set into the home page: most people come with an error."""
_LINK = re.compile(r"(?<!!)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```.*?^```)", re.DOTALL | re.MULTILINE)


class Astray(ValueError):
    """A page links to a file that is not on the site."""


def moved() -> dict[str, str]:
    """Each page of the project that is on the site: its path in the checkout, and there."""
    found = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}
    for folder in (*SECTIONS.values(), "decisions"):
        for page in sorted((ROOT / "docs" / folder).glob("*.md")):
            name = "index.md" if page.name == "README.md" else page.name
            found[f"docs/{folder}/{page.name}"] = f"{folder}/{name}"
    return found


def relinked(text: str, source: str, places: Mapping[str, str]) -> str:
    """The page with its links as they are on the site; code is left alone."""

    def there(found: re.Match[str]) -> str:
        path, mark, anchor = found[1].partition("#")
        if not path or re.match(r"[a-z]+:", path):
            return found[0]
        target = os.path.normpath(PurePosixPath(source).parent / path)
        if target not in places:
            raise Astray(f"{source} links to {path}, which is not on the site")
        to = os.path.relpath(places[target], PurePosixPath(places[source]).parent)
        return f"]({to}{mark}{anchor})"

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(there, part) for part in parts)


def title(page: str) -> str:
    """What a page calls itself."""
    found = re.search(r"^# (.+)$", page, re.MULTILINE)
    return found[1].strip() if found else "Seawall"


def navigation(staged: Mapping[str, str]) -> Iterator[str]:
    """The lines of `nav`: a tab for each kind of page, causes under their parties."""
    yield "nav:"
    yield "  - Home: index.md"
    yield from _section("Causes", _causes(staged))
    for name, folder in SECTIONS.items():
        yield from _section(name, [_item(path, staged) for path in staged if path.startswith(f"{folder}/")])
    decisions = [_item(path, staged) for path in staged if path.startswith("decisions/")]
    yield from _section("Project", [_item("contributing.md", staged), *decisions])


def _section(name: str, lines: list[str]) -> Iterator[str]:
    yield f"  - {quoted(name)}:"
    yield from (f"      {line}" for line in lines)


def _item(path: str, staged: Mapping[str, str]) -> str:
    return f"- {quoted(re.sub('`', '', title(staged[path])))}: {path}"


def _causes(staged: Mapping[str, str]) -> list[str]:
    lines = ["- causes/index.md", "- causes/by-status.md", "- causes/by-wording.md"]
    for party, side in SHOWN_AS.items():
        inside = [f"causes/{cause.code}.md" for cause in catalogue() if cause.party == party]
        if inside:
            lines.append(f"- {quoted(side)}:")
            lines += [f"    - {path}" for path in inside]
    return lines


def staged() -> dict[str, str]:
    """Every page of the site: its path there and its Markdown."""
    places = moved()
    made = {}
    for source, place in places.items():
        made[place] = relinked((ROOT / source).read_text("utf-8"), source, places)
    before, mark, after = made["index.md"].partition("\n## ")
    made["index.md"] = f"{before}\n{FINDER}{mark.lstrip()}{after}"
    made |= {f"causes/{name}": page for name, page in pages(catalogue()).items()}
    return made


def write(folder: Path) -> None:
    """Everything that `mkdocs build` needs, in a folder that is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    made = staged()
    for path, page in made.items():
        (folder / "pages" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "pages" / path).write_text(page, "utf-8")
    shutil.copytree(HERE / "assets", folder / "pages/assets")
    settings = (HERE / "mkdocs.yml").read_text("utf-8")
    (folder / "mkdocs.yml").write_text("\n".join([settings, *navigation(made), ""]), "utf-8")


if __name__ == "__main__":
    try:
        write(Path(sys.argv[1]))
    except Astray as wrong:
        sys.exit(str(wrong))
