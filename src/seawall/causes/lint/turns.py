"""The conversation of a request: who speaks when, that everyone says something, that each tool call has its result.

Messages are read one by one and dropped: a body is never whole in memory as objects.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from seawall.causes.lint.blocks import EMPTY, PAIRS, Media, check, text
from seawall.causes.lint.fields import INVALID
from seawall.causes.lint.found import Found, said, step
from seawall.wire.models import Model

ORDER, PREFILL = "request.role_order", "request.prefill_unsupported"
THOUGHT = "request.thinking_block_missing"
MOST_MESSAGES = 100_000
_ID = re.compile(r"[a-zA-Z0-9_-]{1,200}")
_OTHERS = {"tool": "user, with a tool_result block", "function": "user, with a tool_result block", "model": "assistant",
           "developer": "the field `system`", "human": "user", "bot": "assistant", "ai": "assistant"}  # fmt: skip
_SERVERS = ("server_tool_use", "mcp_tool_use")


@dataclass(slots=True)
class _Turns:
    """What must be remembered from one message to the next."""

    role: str = ""
    """Of the last message of the user or the assistant."""
    pending: dict[str, str] = field(default_factory=dict)
    """Tool calls of the assistant's turn that have no result yet, with their places."""
    calls: set[str] = field(default_factory=set)
    """Tool calls of the assistant's last turn."""
    answered: set[str] = field(default_factory=set)
    """Those of them that have a result."""
    seen: set[str] = field(default_factory=set)
    """All tool calls."""
    spoke: str = ""
    """Where the user's turn had something else than a result, for the first time."""
    doubled: bool = False
    tools: bool = False
    last: Any = None
    """The last message's content."""
    first_kind: str = ""
    """Type of the first block of the assistant's turn."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the other fields the conversation must go with."""

    model: Model | None
    thinking: str
    """`thinking.type`, or empty."""
    threaded: bool
    """It goes on with a thread that the API keeps: what stands before is not here."""
    tools: bool


def check_all(messages: list[msgspec.Raw], asked: Asked, found: Found, media: Media) -> None:
    """Finds what is wrong with the messages of a request."""
    if not messages:
        found.error(EMPTY, "/messages", "there is no message", 'add {"role": "user", "content": "..."}')
    if len(messages) > MOST_MESSAGES:
        what = f"{len(messages)} messages; {MOST_MESSAGES} is the most"
        found.error(INVALID, "/messages", what, "leave old ones out, or sum them up")
    turns = _Turns(role="user" if asked.threaded else "")
    for number, raw in enumerate(messages[:MOST_MESSAGES]):
        at = step("/messages", number)
        try:
            message = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found.error(
                "request.malformed_json",
                at,
                "it holds a number or text that cannot be read",
                "look at its values",
            )
            continue
        _message(message, at, number == len(messages) - 1, turns, asked, found, media)
    _end(turns, len(messages), asked, found)


def _message(
    message: Any, at: str, last: bool, turns: _Turns, asked: Asked, found: Found, media: Media
) -> None:
    if not isinstance(message, dict):
        found.error(
            INVALID, at, f"a message is {said(message)}, no object", "write an object with role and content"
        )
        return
    role, content = message.get("role"), message.get("content")
    if not _role(role, at, turns, asked, found):
        role = ""
    for name in sorted(set(message) - {"role", "content"}):
        do = "remove it; the API refuses what it does not know"
        found.error(INVALID, step(at, name), "a message has only role and content", do)
    turns.last = content
    at = step(at, "content")
    if isinstance(content, str):
        _begin(role, turns, at, found)
        _speak("text", role, at, turns)
        if not content.strip() and not (last and role == "assistant" and not content):
            what = "an empty message" if not content else "a message of blanks only"
            found.error(EMPTY, at, what, "leave the message out, or say something")
        return
    if not isinstance(content, list):
        what = "a message without content" if content is None else f"the content is {said(content)}"
        found.error(INVALID, at, what, "write a text or a list of blocks")
        return
    if not content and not (last and role == "assistant"):
        found.error(EMPTY, at, "a message without a block", "leave the message out, or say something")
    _begin(role, turns, at, found)
    for number, block in enumerate(content):
        place = step(at, number)
        kind = check(block, place, found, media)
        if kind == "tool_use":
            _call(block, role, place, turns, found)
        elif kind == "tool_result":
            _result(block, role, place, turns, asked, found)
        elif role == "system" and kind not in ("text", "tool_addition", "tool_removal", ""):
            found.error(
                ORDER, place, f"a system message holds a block {said(kind)}", "only text may be there"
            )
        _speak(kind, role, place, turns)


def _role(role: Any, at: str, turns: _Turns, asked: Asked, found: Found) -> bool:
    """Whether the role is one that there is."""
    at = step(at, "role")
    if role == "system":
        do = "put it into the field `system`, or send anthropic-version 2026-10-21"
        found.warn(ORDER, at, "a message of the system, which only the newer version of the API takes", do)
        return True
    if role not in ("user", "assistant"):
        instead = _OTHERS.get(role, "user or assistant") if isinstance(role, str) else "user or assistant"
        what = f"the role is {said(role)}" if role is not None else "the message has no role"
        found.error(ORDER, at, what, f"use {instead}")
        return False
    if not turns.role and role == "assistant":
        found.error(ORDER, at, "the first message is the assistant's", "begin with a message of the user")
    if role == turns.role and not turns.doubled and not asked.threaded:
        turns.doubled = True
        what = f"a second message of the {role} in a row; the API joins them, some gateways and clouds refuse"
        found.warn(ORDER, at, what, "join them, if it does not go to the Claude API itself")
    return True


def _begin(role: Any, turns: _Turns, at: str, found: Found) -> None:
    """A message begins: whether it opens a new turn, and what the turn before left open."""
    if role not in ("user", "assistant") or role == turns.role:
        return
    if role == "assistant":
        _left_open(turns, found)
        turns.calls, turns.first_kind = set(), ""
    else:
        turns.answered, turns.spoke = set(), ""
    turns.role = role


def _left_open(turns: _Turns, found: Found) -> None:
    for id, place in turns.pending.items():
        what = f"the tool call {said(id)} has no tool_result in the next turn"
        found.error(PAIRS, place, what, "give it one, also when the tool failed, or remove the call")
    turns.pending = {}


def _speak(kind: str, role: Any, at: str, turns: _Turns) -> None:
    if role == "assistant" and not turns.first_kind:
        turns.first_kind = kind or "other"
    elif role == "user" and kind != "tool_result" and not turns.spoke:
        turns.spoke = at


def _call(block: dict[str, Any], role: Any, at: str, turns: _Turns, found: Found) -> None:
    turns.tools = True
    id, name = block.get("id"), block.get("name")
    if role == "user":
        found.error(
            PAIRS, at, "a tool call in a message of the user", "calls stand in the assistant's messages"
        )
        return
    if not isinstance(name, str) or not name:
        found.error(
            INVALID, step(at, "name"), f"the name of the tool is {said(name)}", "write the tool's name"
        )
    if not isinstance(block.get("input"), dict):
        do = "write an object; parse it first if it is a text of JSON"
        found.error(INVALID, step(at, "input"), f"the input is {said(block.get('input'))}", do)
    if not isinstance(id, str) or not _ID.fullmatch(id):
        found.error(
            INVALID, step(at, "id"), f"the id is {said(id)}", "send it as it came: letters, digits, _ and -"
        )
        return
    if id in turns.seen:
        found.error(
            PAIRS,
            step(at, "id"),
            f"a second tool call with the id {said(id)}",
            "each call has an id of its own",
        )
    turns.seen.add(id)
    turns.calls.add(id)
    turns.pending[id] = at


def _result(block: dict[str, Any], role: Any, at: str, turns: _Turns, asked: Asked, found: Found) -> None:
    turns.tools = True
    id = block.get("tool_use_id")
    place = step(at, "tool_use_id")
    if role == "assistant":
        found.error(
            PAIRS,
            at,
            "a tool_result in a message of the assistant",
            "results stand in the next message of the user",
        )
    elif not isinstance(id, str):
        found.error(INVALID, place, f"the id is {said(id)}", "write the id of the tool call")
    elif id in turns.answered:
        found.error(PAIRS, place, f"a second result for the tool call {said(id)}", "one result for each call")
    elif id in turns.calls:
        turns.answered.add(id)
        turns.pending.pop(id, None)
        if turns.spoke:
            found.error(
                PAIRS,
                at,
                "a tool_result behind other content",
                "put results first in the turn, text behind them",
            )
    elif not (asked.threaded and not turns.calls):
        what = f"a result for {said(id)}, which the turn before did not call"
        found.error(PAIRS, place, what, "remove it, or put the call back into the turn before")


def _end(turns: _Turns, count: int, asked: Asked, found: Found) -> None:
    """What the end of the conversation may not be."""
    at = step("/messages", count - 1)
    open_calls = bool(turns.pending)
    _left_open(turns, found)
    if turns.tools and not asked.tools:
        what = "the conversation has tool calls, and the request no tools"
        found.warn(
            "request.tool_schema_invalid",
            "",
            what,
            "send the tools along; some upstreams refuse it otherwise",
        )
    if turns.role == "assistant" and not open_calls and not _waits(turns.last):
        _prefill(turns, at, asked, found)
    thought = turns.first_kind in ("thinking", "redacted_thinking")
    if turns.role == "user" and turns.answered and asked.thinking == "enabled" and not thought:
        what = "thinking is enabled, and the turn with the last tool calls does not begin with its thinking block"
        do = "send the assistant's content back whole, as it came, or switch thinking off"
        found.error(THOUGHT, "/messages", what, do)


def _waits(content: Any) -> bool:
    """Whether a turn ends in work of the service that goes on when it is sent back."""
    last = content[-1] if isinstance(content, list) and content else None
    kind = last.get("type") if isinstance(last, dict) else None
    return isinstance(kind, str) and (
        kind in _SERVERS or kind.endswith("_tool_result") or kind == "compaction"
    )


def _prefill(turns: _Turns, at: str, asked: Asked, found: Found) -> None:
    do = "end with a message of the user; ask for the form of the answer there, or use output_config.format"
    model, content = asked.model, turns.last
    if model is None:
        what = "the last message is the assistant's; models from Claude 4.6 on refuse that"
        found.warn(PREFILL, at, what, do)
    elif not model.prefill:
        found.error(
            PREFILL, at, f"the last message is the assistant's, which {model.id} does not continue", do
        )
    elif asked.thinking in ("enabled", "adaptive"):
        what = "the last message is the assistant's, which does not go with thinking"
        found.error(
            "request.thinking_config_invalid",
            at,
            what,
            "end with a message of the user, or switch thinking off",
        )
    else:
        last = content[-1] if isinstance(content, list) and content else content
        words = last.get("text") if isinstance(last, dict) else last
        if isinstance(words, str) and words.strip() and words != words.rstrip():
            found.error(
                INVALID, at, "the last message, the assistant's, ends with a blank", "cut the blank off"
            )


def check_system(system: Any, found: Found) -> None:
    """Finds what is wrong with the field `system`."""
    if system is None or isinstance(system, str):
        return
    if not isinstance(system, list):
        found.error(INVALID, "/system", f"system is {said(system)}", "write a text or a list of text blocks")
        return
    for number, block in enumerate(system):
        at = step("/system", number)
        if not isinstance(block, dict) or block.get("type") != "text":
            kind = block.get("type") if isinstance(block, dict) else block
            found.error(INVALID, at, f"a block {said(kind)} in system", "only text blocks may be there")
        else:
            text(block.get("text"), step(at, "text"), found)
