"""The tools of a request: their names, their schemas, and whether `tool_choice` goes with them."""

import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from seawall.causes.lint.fields import INVALID
from seawall.causes.lint.found import Found, said, step
from seawall.wire.models import Model

SCHEMA = "request.tool_schema_invalid"
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_DEEPEST = 40
"""Levels of a schema that are looked at."""
_MOST_PLACES = 5_000
"""Places in a schema that are looked at."""

KINDS = [
    "advisor",
    "bash",
    "browser_toolset",
    "code_execution",
    "computer",
    "computer_toolset",
    "mcp_toolset",
    "memory",
    "text_editor",
    "tool_search_tool_bm25",
    "tool_search_tool_regex",
    "web_fetch",
    "web_search",
]
"""Tools that the API itself knows, without the date behind their names."""
_DATE = re.compile(r"_20\d{6}\Z")
_WITHOUT_NAME = ("browser_toolset", "computer_toolset", "mcp_toolset")


def check(tools: Any, found: Found) -> set[str]:
    """Finds what is wrong with the tools; returns their names."""
    names: dict[str, int] = {}
    if tools is not None and not isinstance(tools, list):
        found.error(SCHEMA, "/tools", f"tools is {said(tools)}, no list", "write a list of tools")
        return set()
    for number, tool in enumerate(tools or ()):
        at = step("/tools", number)
        if not isinstance(tool, dict):
            found.error(
                SCHEMA, at, f"a tool is {said(tool)}, no object", "write an object with name and input_schema"
            )
            continue
        name = _tool(tool, at, found)
        if name in names:
            what = f"the name {said(name)} is also that of tool {names[name]}"
            found.error(SCHEMA, step(at, "name"), what, "give each tool a name of its own")
        elif name:
            names[name] = number
    return set(names)


def check_choice(top: dict[str, Any], names: set[str], model: Model | None, found: Found) -> None:
    """Finds what is wrong with `tool_choice`."""
    choice, at = top.get("tool_choice"), "/tool_choice"
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in ("auto", "any", "tool", "none"):
        what = f"its type is {said(kind)}" if isinstance(choice, dict) else f"tool_choice is {said(choice)}"
        found.error(INVALID, at, what, 'write {"type": "auto"}, "any", "none", or "tool" with a name')
        return
    if kind in ("any", "tool") and model and not model.forced_tools:
        what = f'{model.id} cannot be forced to call a tool, and refuses "{kind}"'
        found.error(INVALID, at, what, 'write {"type": "auto"}, and ask for the tool in the prompt')
    if not top.get("tools"):
        found.error(INVALID, at, "tool_choice without tools", "add tools, or remove it")
    elif kind == "tool" and choice.get("name") not in names:
        what = f"there is no tool {said(choice.get('name'))} among the tools"
        found.error(INVALID, step(at, "name"), what, "name one that is there")


def _tool(tool: dict[str, Any], at: str, found: Found) -> str:
    """Its name; empty where it has none."""
    kind, name = tool.get("type"), tool.get("name")
    if kind == "function" or isinstance(tool.get("function"), dict):
        what = "this is a tool in another vendor's form"
        found.error(
            SCHEMA, at, what, "write name, description and input_schema, without `function` around them"
        )
        return ""
    if kind not in (None, "custom"):
        return _built_in(kind, name, at, found)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        what = f"its name is {said(name)}" if "name" in tool else "it has no name"
        do = "write 1 to 128 letters, digits, _ or -"
        found.error(SCHEMA, step(at, "name") if "name" in tool else at, what, do)
    if "input_schema" not in tool:
        other = next((key for key in ("inputSchema", "parameters") if key in tool), "")
        what = f"its schema is called {other}" if other else "it has no input_schema"
        found.error(SCHEMA, at, what, 'name it input_schema; the least is {"type": "object"}')
    else:
        _schema(tool["input_schema"], step(at, "input_schema"), found)
    if "description" in tool and not isinstance(tool["description"], str):
        found.error(SCHEMA, step(at, "description"), "its description is no text", "write a text")
    return name if isinstance(name, str) else ""


def _built_in(kind: Any, name: Any, at: str, found: Found) -> str:
    bare = _DATE.sub("", kind[:100]) if isinstance(kind, str) else ""
    if bare not in KINDS:
        import difflib  # only where a name is wrong

        near = next(iter(difflib.get_close_matches(bare, KINDS, n=1, cutoff=0.6)), "")
        do = f"perhaps {near} with its date is meant; " if near else ""
        what = f"a type of tool, {said(kind)}, that this version of Seawall does not know"
        found.warn(SCHEMA, step(at, "type"), what, do + "a tool of your own has no type, or `custom`")
    elif bare not in _WITHOUT_NAME and not isinstance(name, str):
        found.error(SCHEMA, at, "it has no name", f"give it the name that goes with {said(kind)}")
    return name if isinstance(name, str) else ""


def _schema(schema: Any, at: str, found: Found) -> None:
    if not isinstance(schema, dict):
        found.error(SCHEMA, at, f"input_schema is {said(schema)}, no object", 'write {"type": "object", ...}')
        return
    if schema.get("type") != "object":
        what = f"its type is {said(schema['type'])}" if "type" in schema else "it has no type"
        found.error(SCHEMA, at, what, 'write "type": "object"')
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            what = f"{word} is not taken at the top of a schema"
            found.error(SCHEMA, step(at, word), what, "put it into a property")
    for place, part in _places(schema, at):
        _part(part, place, schema, found)


def _places(schema: dict[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    """The schemas within a schema, itself first, each with its place; of a huge one those that come first."""
    waiting: deque[tuple[str, Any, int]] = deque([(at, schema, 0)])
    for _ in range(_MOST_PLACES):
        if not waiting:
            return
        place, part, deep = waiting.popleft()
        yield place, part
        if not isinstance(part, dict) or deep >= _DEEPEST:
            continue
        for word in ("properties", "$defs", "definitions", "patternProperties"):
            if isinstance(part.get(word), dict):
                inner = step(place, word)
                waiting += [(step(inner, key), value, deep + 1) for key, value in part[word].items()]
        for word in ("items", "additionalProperties", "not"):
            if isinstance(part.get(word), (dict, str, int, float)):
                waiting.append((step(place, word), part[word], deep + 1))
        for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
            if isinstance(part.get(word), list):
                inner = step(place, word)
                waiting += [(step(inner, number), one, deep + 1) for number, one in enumerate(part[word])]


def _part(part: Any, at: str, root: dict[str, Any], found: Found) -> None:
    if isinstance(part, bool):
        return
    if not isinstance(part, dict):
        found.error(SCHEMA, at, f"a schema is {said(part)}", "write an object, true or false")
        return
    kinds = part.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _TYPES:
            found.error(
                SCHEMA,
                step(at, "type"),
                f"there is no type {said(kind)}",
                f"write one of {', '.join(_TYPES)}",
            )
    for word, form in (("properties", dict), ("required", list), ("enum", list)):
        if word in part and not isinstance(part[word], form):
            kind = "an object" if form is dict else "a list"
            found.error(SCHEMA, step(at, word), f"{word} is {said(part[word])}, not {kind}", f"write {kind}")
    properties, required = part.get("properties"), part.get("required")
    if isinstance(properties, dict):
        for key in properties:
            if not _PROPERTY.fullmatch(key):
                what = f"the name {said(key)} of a property"
                do = "write 1 to 64 letters, digits, _, . or -"
                found.error(SCHEMA, step(step(at, "properties"), key), what + " is not allowed", do)
    if isinstance(required, list):
        for key in required:
            if not isinstance(key, str):
                found.error(
                    SCHEMA, step(at, "required"), f"required holds {said(key)}", "list names of properties"
                )
            elif isinstance(properties, dict) and key not in properties:
                what = f"{said(key)} is required and no property"
                found.warn(SCHEMA, step(at, "required"), what, "describe it, or do not require it")
    if isinstance(ref := part.get("$ref"), str) and ref.startswith("#/") and not _leads(root, ref):
        found.warn(SCHEMA, step(at, "$ref"), f"{said(ref)} leads nowhere", "define it within input_schema")


def _leads(root: dict[str, Any], ref: str) -> bool:
    here: Any = root
    if "%" in ref:
        return True  # written as an address; nobody does
    for name in ref[2:].split("/")[:_DEEPEST]:
        key = name.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list) and key.isdecimal() and len(key) < 8 and int(key) < len(here):
            here = here[int(key)]
        elif isinstance(here, dict) and key in here:
            here = here[key]
        else:
            return False
    return True
