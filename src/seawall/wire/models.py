"""What the models of the API accept, as far as a request for one can be sent to another.

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
    Model("claude-mythos-preview", "mythos", _M, 128 * _K, _ALWAYS),
    Model("claude-opus-5-5", "opus", _M, 128 * _K, _ALWAYS, forced_tools=False),
    Model("claude-opus-5", "opus", _M, 128 * _K, _SINCE_4_7),
    Model("claude-opus-4-8", "opus", _M, 128 * _K, _SINCE_4_7),
    Model("claude-opus-4-7", "opus", _M, 128 * _K, _SINCE_4_7),
    Model("claude-opus-4-6", "opus", _M, 128 * _K, _4_6, sampling=True, efforts=_PLAIN | {"max"}),
    Model("claude-sonnet-5-5", "sonnet", _M, 128 * _K, _SINCE_4_7),
    Model("claude-sonnet-5", "sonnet", _M, 128 * _K, _SINCE_4_7),
    Model("claude-sonnet-4-6", "sonnet", _M, 128 * _K, _4_6, sampling=True, efforts=_PLAIN | {"max"}),
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
        )
        for id, family, efforts in (
            ("claude-opus-4-5", "opus", _PLAIN),
            ("claude-sonnet-4-5", "sonnet", _NONE),
            ("claude-haiku-4-5", "haiku", _NONE),
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


def known(name: str) -> Model | None:
    """What is known of the model with this name, as the API or another that serves it spells it."""
    found = _NAME.fullmatch(name)
    return MODELS.get(found[1]) if found else None
