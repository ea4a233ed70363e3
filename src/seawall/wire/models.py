"""What the models of the API accept: which of them a request can be sent to, and what is wrong with one before it is.

From the vendor's pages on models, context windows, errors and deprecations, and from the list of models in its
Python SDK 2.11, as they stood in November 2026. Fable 5.2 and Mythos 5.2 are in that list, but no page says what they
accept: they are not here, and so nothing is sent to them instead of where it was meant to go.
"""

import re

import msgspec

_M = 1_000_000
_K = 1_000


class Model(msgspec.Struct, frozen=True):
    """One model. What a request asks for and it does not accept is answered with 400."""

    id: str
    family: str
    window: int
    """Input tokens."""
    output: int
    """The most that `max_tokens` may be."""
    thinking: frozenset[str]
    """Values of `thinking.type`; a request without that field is accepted by all."""
    prefill: bool = False
    """Whether the last message may be the assistant's."""
    sampling: bool = False
    """Whether `temperature`, `top_p` and `top_k` may be set."""
    forced_tools: bool = True
    """Whether `tool_choice` may be `any` or `tool`."""
    efforts: frozenset[str] = frozenset(("low", "medium", "high", "xhigh", "max"))
    """Values of `output_config.effort`."""
    compacts: bool = True
    """Whether it takes `compact_*` among `context_management.edits`."""
    dense: bool = True
    """Whether the same text is about 30 % more tokens than it was for models up to 4.6."""
    deprecated: bool = False
    retires: str = ""
    """The day from which calls for it fail, in ISO form; empty where none is announced."""


_UNTIL_4_5 = frozenset(("enabled", "disabled"))
_4_6 = frozenset(("enabled", "adaptive", "disabled"))
_SINCE_4_7 = frozenset(("adaptive", "disabled"))
_ALWAYS = frozenset(("adaptive",))
"""It always thinks: `disabled` is refused too."""
_PLAIN = frozenset(("low", "medium", "high"))
_NONE: frozenset[str] = frozenset()

_TABLE = (
    Model("claude-fable-5-1", "fable", _M, 128 * _K, _ALWAYS, forced_tools=False),
    Model("claude-fable-5", "fable", _M, 128 * _K, _ALWAYS),
    Model("claude-mythos-5-1", "mythos", _M, 128 * _K, _ALWAYS, forced_tools=False),
    Model("claude-mythos-5", "mythos", _M, 128 * _K, _ALWAYS),
    Model("claude-mythos-preview", "mythos", _M, 128 * _K, _ALWAYS, deprecated=True),
    Model("claude-opus-5-5", "opus", _M, 128 * _K, _ALWAYS, forced_tools=False),
    Model("claude-opus-5", "opus", _M, 128 * _K, _SINCE_4_7),
    Model("claude-opus-4-8", "opus", _M, 128 * _K, _SINCE_4_7),
    Model("claude-opus-4-7", "opus", _M, 128 * _K, _SINCE_4_7),
    Model(
        "claude-opus-4-6", "opus", _M, 128 * _K, _4_6, sampling=True, efforts=_PLAIN | {"max"}, dense=False
    ),
    Model("claude-sonnet-5-5", "sonnet", _M, 128 * _K, _SINCE_4_7),
    Model("claude-sonnet-5", "sonnet", _M, 128 * _K, _SINCE_4_7),
    Model(
        "claude-sonnet-4-6",
        "sonnet",
        _M,
        128 * _K,
        _4_6,
        sampling=True,
        efforts=_PLAIN | {"max"},
        dense=False,
    ),
    Model("claude-haiku-5-5", "haiku", _M, 128 * _K, _SINCE_4_7),
    *(
        Model(
            id,
            family,
            200 * _K,
            64 * _K,
            _UNTIL_4_5,
            prefill=True,
            sampling=True,
            efforts=efforts,
            compacts=False,
            dense=False,
            deprecated=bool(retires),
            retires=retires,
        )
        for id, family, efforts, retires in (
            ("claude-opus-4-5", "opus", _PLAIN, ""),
            ("claude-sonnet-4-5", "sonnet", _NONE, "2026-11-30"),
            ("claude-haiku-4-5", "haiku", _NONE, ""),
        )
    ),
)
MODELS = {model.id: model for model in _TABLE}

CURRENT = {
    "fable": "claude-fable-5-1",
    "haiku": "claude-haiku-5-5",
    "mythos": "claude-mythos-5-1",
    "opus": "claude-opus-5-5",
    "sonnet": "claude-sonnet-5-5",
}
"""The newest model of each family of which it is known what it accepts."""

_NAME = re.compile(
    r"(?:[a-z0-9.-]*[./])?"  # anthropic/..., us.anthropic....
    r"(claude-[a-z]+-(?:[0-9]{1,2}(?:-[0-9]{1,2})?|preview))"
    r"(?:[-@][0-9]{8})?(?:-v[0-9]+)?(?::[0-9]+)?"  # its date, and a version of Bedrock's
)


UNDESCRIBED = ("claude-fable-5-2", "claude-mythos-5-2")
"""Models of which only the name is known."""

_RETIRED = re.compile(
    r"(?:[a-z0-9.-]*[./])?claude-"
    r"(?:v?[12](?:[.-][0-9])?|instant.*|3-.*|(?:opus|sonnet)-4(?:-[01])?|4-(?:opus|sonnet)|[2-3]\.[0-9].*)"
    r"(?:[-@][0-9]{8})?(?:-latest)?(?:-v[0-9]+)?(?::[0-9a-z]+)?"
)
"""Names of models that are no more: Opus 4.1 and 4, Sonnet 4 and all of 3 and before."""
_TURNED = re.compile(r"claude-([0-9]{1,2}(?:-[0-9]{1,2})?)-([a-z]+)(.*)")


def retired(name: str) -> bool:
    """Whether this is the name of a model that was withdrawn."""
    return len(name) <= _LONGEST and _RETIRED.fullmatch(name) is not None


def nearest(name: str) -> str:
    """The model that somebody may have meant who wrote a name that none has; empty where nothing comes near."""
    plain = re.sub(r"[\s._]+", "-", name[:_LONGEST].strip().lower())
    for spelled in (plain, f"claude-{plain}", _TURNED.sub(r"claude-\2-\1", plain)):
        if model := known(spelled):
            return model.id
    if family := next((family for family in CURRENT if family in plain), ""):
        alike = [id for id in MODELS if MODELS[id].family == family and not MODELS[id].deprecated]
        return next(iter(_close(plain, alike)), CURRENT[family])
    return next(iter(_close(plain, list(MODELS))), CURRENT["sonnet"] if "claude" in plain else "")


def _close(name: str, among: list[str]) -> list[str]:
    import difflib  # only where a name is wrong

    return difflib.get_close_matches(name, among, n=1, cutoff=0.8)


_LONGEST = 200
"""Characters of a name; no model has a longer one."""


def known(name: str) -> Model | None:
    """What is known of the model with this name, as the API or another that serves it spells it."""
    found = _NAME.fullmatch(name) if len(name) <= _LONGEST else None
    return MODELS.get(found[1]) if found else None
