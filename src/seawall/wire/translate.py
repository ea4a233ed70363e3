"""A request for another model or another address: what must differ, and why it cannot be sent there, if so.

What the other would answer with 400 is not sent. Only the `model` changes, and `metadata.user_id` goes where the
address is not the client's: a request that would need more is another request, which nobody asked for.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from seawall.wire.models import Model
from seawall.wire.request import RequestBody
from seawall.wire.splice import members, with_value, without


class _Message(msgspec.Struct):
    role: Any = None


class _Tool(msgspec.Struct):
    type: Any = None


class _Asking(msgspec.Struct):
    """The fields that models, or addresses, differ in; the rest is skipped without being built."""

    model: Any = None
    messages: list[_Message] = []
    max_tokens: Any = None
    thinking: Any = None
    temperature: Any = None
    top_p: Any = None
    top_k: Any = None
    tool_choice: Any = None
    tools: list[_Tool] | None = None
    speed: Any = None
    output_config: Any = None
    context_management: Any = None
    thread: Any = None
    fallbacks: Any = None
    fallback_credit_token: Any = None
    container: Any = None
    mcp_servers: Any = None
    user_profile_id: Any = None
    workspace_id: Any = None


_asking = msgspec.json.Decoder(_Asking)

_NOT_WITH_ANOTHER_MODEL = ("thread", "fallbacks", "fallback_credit_token")
"""Fields of calls that the service ties to what it did before, or that name models themselves."""
_NOT_ELSEWHERE = (
    "thread",
    "fallback_credit_token",
    "container",
    "mcp_servers",
    "user_profile_id",
    "workspace_id",
)
"""Fields that mean something only to the client's own account, or carry a credential (`mcp_servers`)."""


class Asks(msgspec.Struct, frozen=True):
    """What a request asks for that not every model has."""

    model: str
    tokens: int
    """Input tokens, estimated."""
    max_tokens: int = 0
    prefill: bool = False
    thinking: str = ""
    sampling: tuple[str, ...] = ()
    """Names of sampling parameters that are not at their default."""
    tool_choice: str = ""
    computer: bool = False
    """It has the tools for a computer's screen, whose versions belong to models."""
    fast: bool = False
    effort: str = ""
    compacts: bool = False
    tied: tuple[str, ...] = ()
    """Fields that are set and mean nothing elsewhere, or to another model."""
    betas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be sent there; `reason` completes "not sent to it: "."""

    reason: str


def read(body: RequestBody, plain: RequestBody | None, betas: bytes, tokens: int) -> Asks | Refused:
    """What a request asks for. `plain` is its body without a coding, the same object where it has none."""
    if plain is not body:
        return Refused("the request is compressed, and what is compressed is not changed")
    try:
        top = _asking.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refused("the request cannot be read")
    if not isinstance(top.model, str) or not top.model:
        return Refused("the request names no model")
    types = [str(tool.type) for tool in top.tools or ()]
    edits = _part(top.context_management, "edits")
    return Asks(
        model=top.model,
        tokens=tokens,
        max_tokens=top.max_tokens if isinstance(top.max_tokens, int) else 0,
        prefill=bool(top.messages) and top.messages[-1].role == "assistant",
        thinking=_text(_part(top.thinking, "type")),
        sampling=_sampling(top),
        tool_choice=_text(_part(top.tool_choice, "type")),
        computer=any(kind.startswith("computer") for kind in types),
        fast=top.speed not in (None, "standard"),
        effort=_text(_part(top.output_config, "effort")),
        compacts=isinstance(edits, list)
        and any(_text(_part(edit, "type")).startswith("compact") for edit in edits),
        tied=tuple(
            name
            for name in dict.fromkeys(_NOT_WITH_ANOTHER_MODEL + _NOT_ELSEWHERE)
            if getattr(top, name) not in (None, [], "")
        ),
        betas=tuple(name.strip().decode("latin-1") for name in betas.split(b",") if name.strip()),
    )


def _sampling(top: _Asking) -> tuple[str, ...]:
    given = (("temperature", top.temperature, 1), ("top_p", top.top_p, 1), ("top_k", top.top_k, None))
    return tuple(name for name, value, default in given if value is not None and value != default)


def _part(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: Any) -> str:
    # Short: it may be said in a header, and no model knows a longer one.
    return value[:40] if isinstance(value, str) else ""


def model_refusal(asks: Asks, model: Model) -> str:
    """Why this model would refuse the request, as a part of a sentence; empty where it would not."""
    tied = [name for name in asks.tied if name in _NOT_WITH_ANOTHER_MODEL]
    refusals = (
        (asks.tokens > model.window, f"about {asks.tokens} input tokens, and it takes {model.window}"),
        (asks.max_tokens > model.output, f"max_tokens is {asks.max_tokens}, and its most is {model.output}"),
        (
            asks.prefill and not model.prefill,
            "the last message is the assistant's, which it does not continue",
        ),
        (
            bool(asks.thinking) and asks.thinking not in model.thinking,
            f"it has no thinking {asks.thinking!r}",
        ),
        (bool(asks.sampling) and not model.sampling, f"it does not take {' and '.join(asks.sampling)}"),
        (
            asks.tool_choice in ("any", "tool") and not model.forced_tools,
            f"it does not take tool_choice {asks.tool_choice!r}",
        ),
        (bool(asks.effort) and asks.effort not in model.efforts, f"it has no effort {asks.effort!r}"),
        (asks.compacts and not model.compacts, "it does not compact its context"),
        (asks.computer, "the tools for a screen are made for one model"),
        (asks.fast, "fast mode is one model's"),
        (bool(tied), f"{' and '.join(tied)} cannot follow to another model"),
    )
    for refused, why in refusals:
        if refused:
            return why
    return _beta_refusal(asks.betas, model)


def _beta_refusal(betas: tuple[str, ...], model: Model) -> str:
    # Models with that window need no such header, and it changes nothing for them.
    for name in betas:
        if name.startswith("context-1m-") and model.window < 1_000_000:
            return f"the beta {name} is for models with a larger window"
        if name.startswith(
            ("fast-mode-", "computer-use-", "output-300k-", "output-128k-", "message-threads-")
        ):
            return f"the beta {name} belongs to another model"
    return ""


def elsewhere_refusal(asks: Asks) -> str:
    """Why the request cannot go to another address, whatever the model; empty where it can."""
    tied = [name for name in asks.tied if name in _NOT_ELSEWHERE]
    return f"{' and '.join(tied)} belongs to the client's own account" if tied else ""


def translated(body: RequestBody, *, model: str = "", without_user: bool = False) -> bytes | Refused:
    """The body for another `model` (the same where it is empty), for a stranger without `metadata.user_id`."""
    if without_user:
        stripped = _without_user(body)
        if stripped is None:
            return Refused("its metadata.user_id cannot be taken out")
        body = stripped
    if not model:
        return bytes(body)
    changed = with_value(body, "model", msgspec.json.encode(model))
    return Refused("its model cannot be replaced: a field stands twice") if changed is None else changed


def _without_user(body: RequestBody) -> bytes | None:
    found = members(body)
    if found is None:
        return None
    for member in found:
        if member.key != "metadata":
            continue
        metadata = bytes(body[member.value : member.ends])
        if metadata == b"null":
            break
        stripped = without(metadata, "user_id")
        if stripped is None:
            return None
        return bytes(body[: member.value]) + stripped + bytes(body[member.ends :])
    return bytes(body)
