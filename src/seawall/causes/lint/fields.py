"""The top level of a request: its model, its numbers, what excludes each other, fields missing or unknown."""

from typing import Any

from seawall.causes.lint.found import Found, said, step
from seawall.wire.models import CURRENT, MODELS, UNDESCRIBED, Model, known, nearest, retired

INVALID = "request.parameter_invalid"
THINKING = "request.thinking_config_invalid"
BETA = "request.beta_header_invalid"

FIELDS = frozenset(
    """
    cache_control container diagnostics inference_geo max_tokens messages metadata model output_config service_tier
    speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p user_profile_id workspace_id
    """.split()  # noqa: SIM905 - one name a word reads better
)
"""Fields of the API, those that only older models take among them (Python SDK 2.11, and 1.17 for sampling)."""
BETA_FIELDS = frozenset(
    "billing_policy compaction context_management fallback_credit_token fallbacks mcp_servers thread".split()  # noqa: SIM905 - one name a word reads better
)
"""Fields that need a header `anthropic-beta` beside them."""
_OF_THE_SDK = frozenset(
    "betas extra_headers extra_query extra_body timeout max_retries output_format".split()  # noqa: SIM905 - one name a word reads better
)
"""Arguments of the SDKs' functions that are sent otherwise."""
_OF_OTHERS = {
    "stop": "stop_sequences",
    "max_completion_tokens": "max_tokens",
    "max_tokens_to_sample": "max_tokens",
    "prompt": "messages",
    "functions": "tools",
    "function_call": "tool_choice",
    "response_format": "output_config",
    "reasoning_effort": "output_config",
    "reasoning": "thinking",
    "user": "metadata",
    "parallel_tool_calls": "tool_choice",
    "frequency_penalty": "",
    "presence_penalty": "",
    "logit_bias": "",
    "logprobs": "",
    "n": "",
    "seed": "",
}
"""Fields of another vendor's API, and what stands for them here."""
_CLOUD = "anthropic_version"
"""In bodies for Bedrock and Google Cloud, which name the model in the address."""

SDK_SILENT_LIMIT = 21_333
"""`max_tokens` above which SDKs refuse a call that is not streamed: they reckon 128 000 an hour, wait ten minutes."""


def check(top: dict[str, Any], names: set[str], found: Found, today: str) -> Model | None:
    """Finds what is wrong in `top`, the read fields beside messages, tools and system; returns the model if known.

    `names` are all fields; `today` is a day in ISO form.
    """
    cloud = _CLOUD in names
    for name in ("messages", "max_tokens") if cloud else ("model", "max_tokens", "messages"):
        if name not in names:
            found.error(INVALID, "", f"the field {name} is missing", f"add {name}")
    for name in sorted(names - FIELDS - {_CLOUD}):
        _unknown(name, cloud, found)
    model = _model(top["model"], found, today) if "model" in names else None
    _max_tokens(top, model, found)
    _thinking(top, model, found)
    _sampling(top, model, found)
    _small(top, found)
    _output(top, model, found)
    return model


def _unknown(name: str, cloud: bool, found: Found) -> None:
    at = step("", name)
    if name in BETA_FIELDS or (cloud and name == "anthropic_beta"):
        if not cloud:
            found.warn(
                BETA,
                at,
                "a trial feature: refused without its header",
                "send `anthropic-beta` with its name too",
            )
    elif name in _OF_THE_SDK:
        what = "an argument of the SDK, which it does not send in the body"
        found.error(INVALID, at, what, "give it to the SDK's function, not to the API")
    elif name in _OF_OTHERS:
        ours = _OF_OTHERS[name]
        do = f"use {ours}, which has another form" if ours else "remove it; there is nothing like it here"
        found.error(INVALID, at, "a field of another vendor's API", do)
    elif near := _near(name):
        found.error(INVALID, at, f"no field of this name; {near} may be meant", f"write {near}")
    else:
        found.warn(INVALID, at, "a field that this version of Seawall does not know", "remove it if you can")


def _near(name: str) -> str:
    import difflib  # only where a name is wrong

    return next(iter(difflib.get_close_matches(name[:100].lower(), sorted(FIELDS), n=1, cutoff=0.8)), "")


def _model(name: Any, found: Found, today: str) -> Model | None:
    at, unknown = "/model", "request.model_not_found"
    if not isinstance(name, str) or not name:
        found.error(
            INVALID, at, f"model is {said(name) if name != '' else 'empty'}, not a name", "name a model"
        )
        return None
    if model := known(name):
        _lifetime(model, found, today)
        return model
    near = nearest(name)
    use = f"write {near}" if near else f"name a model of the Claude API, such as {CURRENT['sonnet']}"
    bare, bracket, _ = name.partition("[")
    if bracket and (known(bare) or bare in CURRENT):
        what = f"{said(name)} is a name of Claude Code, not of the API"
        found.error(unknown, at, what, f"write {known(bare).id if known(bare) else near}")  # type: ignore[union-attr]
        return known(bare) or MODELS[CURRENT[bare]]
    if name in CURRENT or name in ("opusplan", "default", "best"):
        found.error(unknown, at, f"{said(name)} is an alias of Claude Code, not a name of the API", use)
    elif retired(name):
        found.error("request.model_retired", at, f"{said(name)} was withdrawn", use)
    elif name in UNDESCRIBED or (near and known(name.lower()) is None and _well_formed(name)):
        found.warn(
            unknown, at, f"{said(name)} is not known to this version of Seawall", f"if it is wrong, {use}"
        )
    else:
        found.error(unknown, at, f"the Claude API has no model {said(name)}", use)
    return None


def _well_formed(name: str) -> bool:
    """Whether a name is made like those since Claude 4: a newer model may have it."""
    parts = name.split("-")
    return (
        parts[0] == "claude"
        and len(parts) in (3, 4, 5)
        and parts[1] in CURRENT
        and all(part.isascii() and part.isdigit() for part in parts[2:])
        and int(parts[2]) >= 5
    )


def _lifetime(model: Model, found: Found, today: str) -> None:
    instead = f"change to {CURRENT[model.family]}; try it first: newer models refuse some fields"
    if model.retires and today >= model.retires:
        what = f"{model.id} was to be withdrawn on {model.retires}"
        found.error("request.model_retired", "/model", what, instead)
    elif model.deprecated:
        when = f" on {model.retires}" if model.retires else " on a day that its page names"
        found.warn("request.model_retired", "/model", f"{model.id} will be withdrawn{when}", instead)


def _max_tokens(top: dict[str, Any], model: Model | None, found: Found) -> None:
    if "max_tokens" not in top:
        return
    at, most = "/max_tokens", top["max_tokens"]
    if not _whole(most) or most < 0:
        found.error(
            INVALID, at, f"max_tokens is {said(most)}, not a whole number", "put a number from 1 there"
        )
        return
    streamed = top.get("stream") is True
    if most == 0:
        what = "0 only fills the prompt cache: there will be no answer"
        found.warn(INVALID, at, what, "leave it if that is meant; else put a number from 1 there")
    elif model and most > model.output:
        what = f"{most} is more than {model.id} can write, which is {model.output}"
        found.error("request.max_output_tokens_invalid", at, what, f"write {model.output} or less")
    if most > SDK_SILENT_LIMIT and not streamed:
        what = (
            "the answer may take over ten minutes, and is not streamed: SDKs refuse that, connections are cut"
        )
        do = f"stream it, or ask for {SDK_SILENT_LIMIT} tokens at most"
        found.warn("request.stream_required", "/stream" if "stream" in top else at, what, do)


def _thinking(top: dict[str, Any], model: Model | None, found: Found) -> None:
    thinking, at = top.get("thinking"), "/thinking"
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in ("enabled", "adaptive", "disabled"):
        what = (
            f"the kind of thinking is {said(kind)}" if isinstance(thinking, dict) else "thinking is no object"
        )
        found.error(THINKING, at, what, 'write {"type": "adaptive"}, or leave it out')
        return
    if model and kind not in model.thinking:
        others = " or ".join(sorted(f'"{one}"' for one in model.thinking))
        do = f"write {others}" + ("" if kind == "enabled" else ", or leave it out")
        found.error(THINKING, step(at, "type"), f'{model.id} does not take thinking "{kind}"', do)
    budget = thinking.get("budget_tokens")
    at = step(at, "budget_tokens")
    if kind != "enabled":
        if "budget_tokens" in thinking:
            found.error(
                THINKING, at, f'a budget does not go with "{kind}"', "remove it; effort says how much"
            )
        return
    most = top.get("max_tokens")
    if not _whole(budget) or budget < 1024:
        found.error(
            THINKING, at, f"the budget is {said(budget)}; it must be 1024 or more", "write a number from 1024"
        )
    elif _whole(most) and budget >= most:
        what = f"the budget of {budget} is not below max_tokens, {most}"
        do = "raise max_tokens above the budget"
        if top.get("tools"):  # with the beta for interleaved thinking the budget counts over several turns
            found.warn(THINKING, at, what + ", which only interleaved thinking allows", do)
        else:
            found.error(THINKING, at, what, do)
    choice = top.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in ("any", "tool"):
        what = "a tool cannot be forced while thinking is enabled"
        found.error(THINKING, "/tool_choice", what, 'write {"type": "auto"}, or switch thinking off')


def _sampling(top: dict[str, Any], model: Model | None, found: Found) -> None:
    thinks = isinstance(top.get("thinking"), dict) and top["thinking"].get("type") in ("enabled", "adaptive")
    for name, most in (("temperature", 1.0), ("top_p", 1.0), ("top_k", None)):
        value, at = top.get(name), step("", name)
        if value is None:
            continue
        number = _whole(value) if name == "top_k" else _number(value)
        if not number or value < 0 or (most is not None and value > most):
            bounds = "a whole number from 0" if most is None else "a number from 0 to 1"
            found.error(
                INVALID, at, f"{name} is {said(value)}, not {bounds}", f"write {bounds}, or remove it"
            )
        elif model and not model.sampling and value != most:
            found.error(INVALID, at, f"{model.id} does not take {name}", "remove it")
        elif thinks and ((name != "top_p" and value != most) or (name == "top_p" and value < 0.95)):
            does = "top_p from 0.95 on" if name == "top_p" else f"no {name}" + (" but 1" if most else "")
            found.error(
                THINKING, at, f"with thinking the API takes {does}", "remove it, or switch thinking off"
            )
    if model and model.sampling and top.get("temperature") is not None and top.get("top_p") is not None:
        found.error(
            INVALID, "/top_p", f"{model.id} takes temperature or top_p, not both", "remove one of them"
        )


def _small(top: dict[str, Any], found: Found) -> None:
    """Fields of which only the form can be wrong."""
    if "stream" in top and not isinstance(top["stream"], bool):
        found.error(INVALID, "/stream", f"stream is {said(top['stream'])}", "write true or false")
    _one_of(top, "service_tier", ("auto", "standard_only"), found)
    if top.get("speed") is not None:
        _one_of(top, "speed", ("standard", "fast"), found)
    stops = top.get("stop_sequences")
    if stops is not None and not isinstance(stops, list):
        found.error(
            INVALID, "/stop_sequences", f"stop_sequences is {said(stops)}, no list", "write a list of texts"
        )
    for number, stop in enumerate(stops if isinstance(stops, list) else ()):
        if not isinstance(stop, str) or not stop.strip():
            at = step("/stop_sequences", number)
            found.error(INVALID, at, "a stop sequence must have a visible character", "remove it")
    metadata = top.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        found.error(INVALID, "/metadata", f"metadata is {said(metadata)}", 'write {"user_id": "..."}')
    elif metadata is not None and not isinstance(metadata.get("user_id"), (str, type(None))):
        found.error(INVALID, "/metadata/user_id", "user_id is no text", "write a text")


def _one_of(top: dict[str, Any], name: str, values: tuple[str, ...], found: Found) -> None:
    if name in top and top[name] not in values:
        choices = " or ".join(f'"{value}"' for value in values)
        found.error(INVALID, step("", name), f"{name} is {said(top[name])}", f"write {choices}")


def _output(top: dict[str, Any], model: Model | None, found: Found) -> None:
    config = top.get("output_config")
    if config is not None and not isinstance(config, dict):
        found.error(INVALID, "/output_config", f"output_config is {said(config)}", "write an object")
        return
    effort = config.get("effort") if config else None
    if effort is not None:
        efforts = model.efforts if model else frozenset(("low", "medium", "high", "xhigh", "max"))
        if not isinstance(effort, str) or effort not in efforts:
            ours = ", ".join(one for one in ("low", "medium", "high", "xhigh", "max") if one in efforts)
            what = f"{model.id if model else 'the API'} has no effort {said(effort)}"
            do = f"write one of {ours}" if ours else "remove it"
            found.error(INVALID, "/output_config/effort", what, do)
    edits = top.get("context_management")
    edits = edits.get("edits") if isinstance(edits, dict) else None
    for number, edit in enumerate(edits if isinstance(edits, list) else ()):
        kind = edit.get("type") if isinstance(edit, dict) else None
        if model and not model.compacts and isinstance(kind, str) and kind.startswith("compact"):
            at = step("/context_management/edits", number)
            found.error(INVALID, at, f"{model.id} does not compact its context", "remove it")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
