"""What the faulty API is asked and what a right answer says, as values; no sockets."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from seawall.wire.request import family, named

MOST_WORDS: Final = 20_000
MOST_SECONDS: Final = 3600.0

# Kinds of content block that an answer can be made of.
KINDS: Final = ("thinking", "text", "tool")

_WORDS: Final = """
anchor bay beacon berth bight bollard breaker buoy cable cape channel cliff coast coral cove current deep delta
drift dune ebb estuary ferry float foam fog ford gale gulf harbour haven headland hull inlet island jetty keel
kelp lagoon landing lighthouse marsh mast moor mole neap oar pebble pier pilot port quay reef rope sail sand
shoal shore sound spray squall strand surf swell tide wave wharf
""".split()  # noqa: SIM905 - a list of single words is not read by anybody
_NONCE: Final = re.compile(r"\bnonce\s*[=:]\s*([\w.-]{1,64})", re.ASCII)
_DIRECTIVE: Final = re.compile(r"\bseawall-fake:([^\n]*)")
_PAIR: Final = re.compile(r"(\w+)=([\w.,-]+)", re.ASCII)
_END: Final = re.compile(r"\[end nonce=([\w.-]+) words=(\d+) sum=([0-9a-f]{8})\]\s*\Z", re.ASCII)


class BadRequest(ValueError):
    """The body is no messages request; the text is what the API would say."""


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Block] = ""


class _Tool(msgspec.Struct):
    name: str = ""


class _Choice(msgspec.Struct):
    type: str = "auto"
    name: str = ""


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    max_tokens: int | None = None
    stream: bool | None = None
    tools: list[_Tool] = []
    tool_choice: _Choice | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The facts of one request that an answer and a fault depend on."""

    method: str
    path: str
    model: str = ""
    stream: bool = False
    max_tokens: int = 0
    nonce: str = ""
    input_tokens: int = 0
    tool: str = ""
    """Name of the tool that a `tool` block calls."""
    wants_tool: bool = False
    words: int | None = None
    seconds: float | None = None
    blocks: tuple[str, ...] = ()
    """What the request's own directive asks for; None and () leave it to the scenario."""

    @property
    def family(self) -> str:
        """The model's line."""
        return family(self.model) or "other"

    @property
    def limited_as(self) -> str:
        """The models that share its limits: a generation of a line, `opus 4`."""
        return f"{self.family} {named(self.model)[1].partition('.')[0]}".rstrip()


def nonce_of(prompt: str) -> str:
    """The mark by which an answer belongs to this prompt: its last `nonce=...`, else a hash of it."""
    if found := _NONCE.findall(prompt):
        return str(found[-1]).rstrip(".")
    return "h" + hashlib.sha256(prompt.encode(errors="surrogatepass")).hexdigest()[:15]


def read_messages(body: bytes, path: str, *, counting: bool = False) -> Asked:
    """The facts in the body of a messages (or count_tokens) request; raises BadRequest."""
    try:
        parsed = msgspec.json.decode(body, type=_Body)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadRequest(f"The request body is not valid JSON: {error}") from None
    if not parsed.messages:
        raise BadRequest("messages: at least one message is required")
    if parsed.max_tokens is None and not counting:
        raise BadRequest("max_tokens: Field required")
    if not counting and (parsed.max_tokens or 0) < 1:
        raise BadRequest("max_tokens: must be greater than or equal to 1")
    prompts = [_text(m) for m in parsed.messages if m.role == "user"] or [""]
    nonce = next((nonce_of(p) for p in reversed(prompts) if _NONCE.search(p)), nonce_of(prompts[-1]))
    wish = _wishes(prompts[-1])
    choice = parsed.tool_choice
    named = choice.name if choice and choice.name else next((t.name for t in parsed.tools if t.name), "note")
    return Asked(
        method="POST",
        path=path,
        model=parsed.model,
        stream=bool(parsed.stream),
        max_tokens=parsed.max_tokens or 0,
        nonce=nonce,
        input_tokens=int(_number(wish, "tokens", 10_000_000) or max(1, len(body) // 4)),
        tool=named,
        wants_tool=bool(choice and choice.type in ("any", "tool")),
        words=None if (words := _number(wish, "words", MOST_WORDS)) is None else max(1, int(words)),
        seconds=_number(wish, "seconds", MOST_SECONDS),
        blocks=tuple(b for b in wish.get("blocks", "").split(",") if b in KINDS),
    )


def _text(message: _Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(b.text for b in message.content if b.type == "text")


def _wishes(prompt: str) -> dict[str, str]:
    found = _DIRECTIVE.findall(prompt)
    return dict(_PAIR.findall(found[-1])) if found else {}


def _number(wish: dict[str, str], name: str, most: float) -> float | None:
    try:
        value = float(wish[name])
    except (KeyError, ValueError):
        return None
    return value if 0 <= value <= most else None


# ---- the text of an answer -------------------------------------------------------------------------


def answer_text(nonce: str, words: int, seed: int = 1) -> str:
    """Numbered words and an end mark that carries the nonce, the count and a checksum."""
    drawn = b""
    block = 0
    while len(drawn) < words:
        drawn += hashlib.sha256(f"{seed}:{nonce}:{block}".encode()).digest()
        block += 1
    counted = " ".join(f"{i + 1}:{_WORDS[drawn[i] % len(_WORDS)]}" for i in range(words))
    return f"{counted} [end nonce={nonce} words={words} sum={_sum(nonce, counted)}]"


def _sum(nonce: str, counted: str) -> str:
    return hashlib.sha256(f"{nonce}\n{counted}".encode(errors="replace")).hexdigest()[:8]


def verify_answer(text: str, prompt: str) -> str | None:
    """None when `text` is the whole answer to `prompt`, else what is wrong with it, in words.

    `prompt` is the text of the last user message, or any text that names its nonce (`nonce=abc`).
    """
    end = _END.search(text)
    if end is None:
        return f"cut: no end mark after {len(text.split())} words"
    nonce, words, total = end.group(1), int(end.group(2)), end.group(3)
    if nonce != nonce_of(prompt):
        return f"of another request: its nonce is {nonce}, asked was {nonce_of(prompt)}"
    counted = text[: end.start()].rstrip()
    numbers = [w.partition(":")[0] for w in counted.split()]
    if numbers != [str(i + 1) for i in range(words)]:
        return f"not whole: {len(numbers)} words of {words}, or not in order"
    if total != _sum(nonce, counted):
        return "changed on the way: the checksum does not match"
    return None


# ---- the answer's blocks, as JSON values -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream and where it stands: start, before, in, after, in-tool, delta, stop."""

    data: dict[str, Any]
    place: str

    def encode(self) -> bytes:
        """The event as SSE bytes, its name equal to `data.type`."""
        return sse(self.data)


def sse(data: dict[str, Any]) -> bytes:
    """One SSE event with the name that its data carries."""
    return b"event: %s\ndata: %s\n\n" % (str(data["type"]).encode(), msgspec.json.encode(data))


PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'


def blocks_of(asked: Asked, blocks: tuple[str, ...], words: int, seed: int) -> list[dict[str, Any]]:
    """The content blocks of the whole answer."""
    kinds = tuple(asked.blocks or blocks)
    if asked.wants_tool and "tool" not in kinds:
        kinds = (*kinds, "tool")
    count = max(1, min(words, asked.max_tokens or words))
    made: list[dict[str, Any]] = []
    for kind in kinds:
        key = f"{seed}:{asked.nonce}"
        match kind:
            case "thinking":
                signature = hashlib.sha256(key.encode()).hexdigest()
                thought = f"The request carries the nonce {asked.nonce}; I count to {count}."
                made.append({"type": "thinking", "thinking": thought, "signature": signature})
            case "text":
                made.append({"type": "text", "text": answer_text(asked.nonce, count, seed)})
            case _:
                ident = "toolu_01" + hashlib.sha256(key.encode()).hexdigest()[:22]
                given = {"nonce": asked.nonce, "words": count, "text": answer_text(asked.nonce, count, seed)}
                made.append({"type": "tool_use", "id": ident, "name": asked.tool or "note", "input": given})
    return made


def message_of(asked: Asked, blocks: list[dict[str, Any]], ident: str) -> dict[str, Any]:
    """The whole answer as the JSON of a call that is not streamed."""
    tool = any(b["type"] == "tool_use" for b in blocks)
    return {
        "id": ident,
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": blocks,
        "stop_reason": "tool_use" if tool else "end_turn",
        "stop_sequence": None,
        "usage": {**_input_usage(asked), "output_tokens": output_tokens(asked, blocks)},
    }


def _input_usage(asked: Asked) -> dict[str, Any]:
    return {
        "input_tokens": asked.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "service_tier": "standard",
    }


def output_tokens(asked: Asked, blocks: list[dict[str, Any]]) -> int:
    """A plausible count: one a word, never above what was allowed."""
    counted = sum(len(str(b.get("text", b.get("thinking", b.get("input", "")))).split()) for b in blocks)
    return max(1, min(counted, asked.max_tokens or counted))


def events_of(asked: Asked, blocks: list[dict[str, Any]], ident: str, words_each: int) -> list[Event]:
    """The whole answer as the events of a stream, in the order of the API."""
    message = message_of(asked, [], ident)
    message |= {"stop_reason": None, "usage": {**_input_usage(asked), "output_tokens": 1}}
    events = [Event({"type": "message_start", "message": message}, "start")]
    for index, block in enumerate(blocks):
        events += _block_events(index, block, words_each)
        if index == 0:
            events.insert(2, Event({"type": "ping"}, "in"))
    whole = message_of(asked, blocks, ident)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events.append(Event({"type": "message_delta", "delta": delta, "usage": whole["usage"]}, "delta"))
    events.append(Event({"type": "message_stop"}, "stop"))
    return events


def _block_events(index: int, block: dict[str, Any], words_each: int) -> list[Event]:
    place = "in-tool" if block["type"] == "tool_use" else "in"
    match block["type"]:
        case "text":
            empty: dict[str, Any] = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": t} for t in _pieces(block["text"], words_each)]
        case "thinking":
            empty = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": t} for t in _pieces(block["thinking"], words_each)
            ]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        case _:
            empty = {**block, "input": {}}
            text = msgspec.json.encode(block["input"]).decode()
            deltas = [
                {"type": "input_json_delta", "partial_json": t} for t in ["", *_pieces(text, words_each)]
            ]
    start = Event({"type": "content_block_start", "index": index, "content_block": empty}, "before")
    within = [Event({"type": "content_block_delta", "index": index, "delta": d}, place) for d in deltas]
    return [start, *within, Event({"type": "content_block_stop", "index": index}, "after")]


def _pieces(text: str, words_each: int) -> list[str]:
    """`text` cut after every `words_each` spaces; joined again it is the same."""
    parts = re.findall(r"\S*\s*", text)
    return ["".join(parts[i : i + words_each]) for i in range(0, len(parts) - 1, words_each)] or [text]


# ---- errors and models -----------------------------------------------------------------------------

ERROR_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_type(status: int) -> str:
    """The type that the API gives an error of this status."""
    return ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def error_object(status: int, message: str, *, kind: str = "", code: str = "") -> dict[str, Any]:
    """The API's error envelope, without the request id."""
    error: dict[str, Any] = {"type": kind or error_type(status), "message": message}
    if code:
        error["details"] = {"error_code": code}
    return {"type": "error", "error": error}


def model_object(name: str) -> dict[str, Any]:
    """What `/v1/models` says about one model."""
    line = Asked("GET", "", model=name).family
    wide = "4-5" not in name
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-01-15T00:00:00Z",
        "lifecycle": "active",
        "line": line,
        "max_input_tokens": 1_000_000 if wide else 200_000,
        "max_tokens": 128_000 if wide else 64_000,
    }


MODELS: Final = (
    "claude-opus-5-5",
    "claude-opus-5",
    "claude-sonnet-5-5",
    "claude-sonnet-5",
    "claude-haiku-5-5",
    "claude-haiku-4-5",
)
