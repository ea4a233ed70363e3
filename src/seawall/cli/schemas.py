"""`seawall help --schema`: the shapes of what verbs print as JSON."""

import json
from collections.abc import Iterable
from importlib.resources import files

from seawall.cli.common import ExitCode, Failure


def names() -> list[str]:
    """The names of all schemas, as `schema` has them in an output: `seawall.verdict/1`."""
    found = (one.name for one in files("seawall.schemas").iterdir())
    return sorted("/".join(name[:-5].rsplit("-", 1)) for name in found if name.endswith(".json"))


def text(name: str) -> str:
    """The schema as it is shipped; `name` may lack `seawall.` and the version. `Failure` for one that is not there."""
    known = names()
    wanted = name.strip().removesuffix(".json").replace("-", "/")
    fits = [one for one in known if wanted in _short(one)]
    if not fits:
        import difflib

        shown = {short: one for one in known for short in _short(one)}
        near = dict.fromkeys(shown[one] for one in difflib.get_close_matches(wanted, shown, n=4, cutoff=0.0))
        raise Failure(f"no schema {name[:60]!r}; the nearest are: {', '.join([*near][:3])}", ExitCode.USAGE)
    latest = max(fits, key=lambda one: int(one.rpartition("/")[2]))
    return files("seawall.schemas").joinpath(f"{latest.replace('/', '-')}.json").read_text("utf-8")


def listed() -> Iterable[str]:
    """A line for each: its name and what it is of."""
    for name in names():
        yield f"{name:<28}{json.loads(text(name))['description']}"


def _short(name: str) -> tuple[str, ...]:
    """What people may call it."""
    bare = name.removeprefix("seawall.")
    return name, name.rpartition("/")[0], bare, bare.rpartition("/")[0]
