"""Causes whose steps depend on what was found: their exact advice, and headlines that say more than a title. Pure.

A cause without a function here gets the steps of its file in the catalogue (`steps.usual`).
"""

from collections.abc import Callable, Mapping, Sequence

from seawall.causes.cause import Platform
from seawall.clock import duration, local
from seawall.doctor.case import Case
from seawall.doctor.check import State
from seawall.doctor.lasting import lasts
from seawall.doctor.steps import Advice, Do, Dont, calls, usual


def _overloaded(case: Case) -> Advice:
    wait = " ".join(one for one in ("Wait.", lasts(case)) if one)
    steps = [Do((wait,), numbered=False)]
    if other := _answering(case):
        name, ago = other
        when = f"   (it answered {duration(ago)} ago)" if ago is not None else "   (it answers meanwhile)"
        steps.append(Do((f"In a hurry:  /model {name}{when}",), f"/model {name}", numbered=False))
    else:
        steps.append(Do(("In a hurry:  /model   (capacity is kept per model)",), "/model", numbered=False))
    if not case.running:
        steps.append(
            Do(("Held for you next time:  seawall run -- claude",), "seawall run -- claude", numbered=False)
        )
    first = [Dont("press Esc and resend", "you lose your place in the queue")] if case.held else []
    return Advice(
        tuple(steps),
        (
            *first,
            Dont("change keys, log out, reinstall", "nothing here is wrong"),
            Dont("upgrade your plan", "a 529 is not your limit and costs no quota"),
        ),
    )


def _answering(case: Case) -> tuple[str, float | None] | None:
    """A model family that answers meanwhile, and how long ago it last did if that is known; None where none does."""
    found = case.fact("seen.recent", "answering")
    asked = case.finding("api.model")
    refused = str(asked.facts.get("model", "")) if asked and asked.state is State.FAIL else ""
    known = (
        {name: at for name, at in found.items() if name not in refused} if isinstance(found, Mapping) else {}
    )
    if not known:
        return None
    name = max(known, key=lambda one: known[one] or 0.0)
    at = known[name]
    return name, None if at is None else max(0.0, case.now - at)


def _wrong_vendor(case: Case) -> Advice:
    name = _variable(case)
    where = case.places.get(name, ())
    login = case.fact("cred.shape", "saved_login")
    windows = Platform.WINDOWS in case.platforms
    unset = f"Remove-Item Env:{name}" if windows else f"unset {name}"
    steps = [
        Do(("Get a Claude key: platform.claude.com/settings/keys", "(it starts with sk-ant-)")),
        Do((f"Replace it where it is set: {' and '.join(where[:3]) or 'your shell profile'}",)),
        Do(("Open a new terminal and run: seawall doctor --again",), "seawall doctor --again"),
    ]
    have = "Have a Claude plan instead?" if not login else "A saved login exists. To use it:"
    steps.append(Do((f"{have}  {unset}, then /login" if not login else f"{have}  {unset}",), numbered=False))
    return Advice(
        tuple(steps),
        (Dont("wait or retry", "a rejected key does not start working"),),
        then=("seawall doctor --again",),
    )


def _variable(case: Case) -> str:
    """The variable that holds the credential which the verdict is about."""
    kinds = case.fact("cred.shape", "set")
    names = list(kinds) if isinstance(kinds, Mapping) else []
    title = case.verdict.title
    return next(
        (name for name in names if title.startswith(str(name))), names[0] if names else "ANTHROPIC_API_KEY"
    )


def _untrusted(case: Case) -> Advice:
    windows = Platform.WINDOWS in case.platforms
    setting = (
        '$env:NODE_EXTRA_CA_CERTS="$HOME\\company-root.pem"'
        if windows
        else "export NODE_EXTRA_CA_CERTS=~/company-root.pem"
    )
    export = "seawall doctor --export-ca ~/company-root.pem"
    return Advice(
        (
            Do(
                (
                    export,
                    "(copies the root your system already trusts; shows its fingerprint first; "
                    "ask IT if it is not there)",
                ),
                export,
            ),
            Do(("In your shell profile, not only in settings.json:", setting), setting),
            Do(("Start Claude Code anew and run: seawall doctor --again",), "seawall doctor --again"),
        ),
        (Dont("set NODE_TLS_REJECT_UNAUTHORIZED=0", "it turns off all checking"),),
        then=("seawall explain network.tls_untrusted_ca",),
    )


def _buffering(case: Case) -> Advice:
    it = ("(text to send: seawall report --it)",) if "report" in case.verbs else ()
    action = (
        "Seawall sends keep-alive pings, so long answers survive; they still arrive in one piece."
        if case.running
        else ""
    )
    return Advice(
        (
            Do(
                (
                    f"Ask your network team to switch off response buffering for {case.host}, "
                    "content type text/event-stream",
                    *it,
                )
            ),
            Do(
                (
                    "To prove it: seawall doctor --save office, change to a phone hotspot, then "
                    "seawall doctor --compare office",
                )
            ),
        ),
        (Dont("raise timeouts only", "the wait stays as long as the answer"),),
        action,
        ("seawall doctor --spend --only api.stream",),
    )


def _names(case: Case) -> Advice:
    steps = [Do(("Disconnect and reconnect the VPN, if you use one",))]
    if Platform.WSL in case.platforms:
        steps.append(Do(("On WSL: wsl --shutdown, or set a nameserver in /etc/resolv.conf",)))
    steps.append(Do(("Compare: does a phone hotspot work?",)))
    # What is held for another cause does not go on when the name resolves.
    held = case.held_for("network.dns_failure", "network.dns_temporary")
    action = f"Seawall is holding {calls(held)} and tries again when the name resolves." if held else ""
    return Advice(tuple(steps), (), action, ("seawall doctor --again",))


def _usage(case: Case) -> Advice:
    window = spent(case)
    steps = [
        Do(("Wait; or continue now for money: /usage-credits",), "/usage-credits", False, costs_money=True)
    ]
    other = next((one for one in _windows(case) if one is not window and one.get("used") is not None), None)
    if window and other and not other.get("rejected"):
        helps = (
            "so the reset will really help."
            if other["used"] < 0.9
            else "so the reset will not help for long."
        )
        steps.append(
            Do((f"Your {_window(other)} limit is at {100 * other['used']:.0f} %, {helps}",), numbered=False)
        )
    action = ""
    if case.running:
        action = "Seawall will not retry before then."
        if case.notifies and window and window.get("resets_in") is not None:
            action += f" It will notify you at {local(case.now + window['resets_in'], seconds=False)}."
    shared = window is None or _window(window) in ("5-hour", "weekly")
    first = [Dont("switch models", "this limit is shared by all of them")] if shared else []
    return Advice(
        tuple(steps),
        (*first, Dont("wait for the status page", "nothing is broken")),
        action,
        ("seawall plan",) if "plan" in case.verbs else (),
    )


_WINDOWS = {
    "five_hour": "5-hour", "5h": "5-hour", "seven_day": "weekly", "7d": "weekly",
    "7d_opus": "weekly Opus", "7d_sonnet": "weekly Sonnet",
}  # fmt: skip


def _windows(case: Case) -> Sequence[Mapping[str, float]]:
    return case.fact("local.gateway", "plan") or ()


def _window(one: Mapping[str, object]) -> str:
    name = str(one.get("window"))
    return _WINDOWS.get(name, name.replace("_", " "))


def spent(case: Case) -> Mapping[str, float] | None:
    """The window of the plan that is used up, the one that lasts longest; None where that is not known."""
    found = [one for one in _windows(case) if one.get("rejected")]
    return max(found, key=lambda one: one.get("resets_in") or 0.0, default=None)


def headline(case: Case) -> str:
    """The headline as far as it is more exact than the catalogue's title; empty where that says it."""
    code = case.verdict.cause or ""
    if code == "limit.usage_limit_reached" and (window := spent(case)):
        said = f"the {_window(window)} limit is used up"
        left = window.get("resets_in")
        return (
            f"{said}; it resets at {local(case.now + left, seconds=False)} (in {duration(left)})"
            if left
            else said
        )
    return case.verdict.title or _TITLES.get(code, "")


_TITLES = {
    "request.context_too_long": "the conversation is longer than the model's window",
    "network.proxy_buffering": "something on the way holds streamed answers until they are complete",
}
"""Where the catalogue's title speaks of the cause, and a person in trouble wants the effect."""


def _too_long(case: Case) -> Advice:
    return Advice(
        (
            Do(("/compact",), "/compact"),
            Do(
                (
                    'If that fails with "Conversation too long": Esc twice, step back a few messages, /compact again',
                )
            ),
            Do(("/context shows what fills the window; /mcp disable NAME helps",), "/context"),
        ),
        (Dont("resend, wait, or change keys", ""),),
        "Seawall does not retry this; the same text cannot succeed.",
        ("seawall explain request.context_too_long",),
    )


def _wrong_address(case: Case) -> Advice:
    better = case.fact("local.env", "better")
    if not isinstance(better, str) or not better:
        return usual(case)
    name, said = "ANTHROPIC_BASE_URL", case.fact("local.env", "set")
    wins = str(said.get(name, "")) if isinstance(said, Mapping) else ""
    if wins.endswith(".json"):
        line, command = f'"{name}": "{better}"', None
    else:
        windows = Platform.WINDOWS in case.platforms
        line = command = f'$env:{name}="{better}"' if windows else f"export {name}={better}"
    where = " and ".join(case.places.get(name, ())[:3]) or wins or "your shell profile"
    return Advice(
        (
            Do((f"Put the right value where it is set ({where}):", line), command),
            Do(("Start Claude Code anew and run: seawall doctor --again",), "seawall doctor --again"),
        ),
        then=("seawall explain machine.wrong_base_url",),
    )


def _dead(case: Case) -> Advice:
    where = case.places.get("ANTHROPIC_BASE_URL", ())
    found = f"(found in {' and '.join(where[:3])})" if where else ""
    if "off" in case.verbs:
        steps = [
            Do((f"seawall off        puts the setting back {found}".rstrip(),), "seawall off", False, hang=19)
        ]
    else:
        windows = Platform.WINDOWS in case.platforms
        unset = "Remove-Item Env:ANTHROPIC_BASE_URL" if windows else "unset ANTHROPIC_BASE_URL"
        steps = [
            Do(
                (f"Remove the setting {found}".rstrip() + ", and start the client anew:", unset),
                unset,
                numbered=False,
            )
        ]
    steps.append(Do(("or, if you use that gateway, start it again",), numbered=False))
    return Advice(
        tuple(steps),
        (Dont("look for a network fault", "the calls never leave this machine"),),
        then=(),
    )


EXACT: dict[str, Callable[[Case], Advice]] = {
    "provider.overloaded": _overloaded,
    "account.wrong_vendor": _wrong_vendor,
    "network.tls_untrusted_ca": _untrusted,
    "network.proxy_buffering": _buffering,
    "network.dns_failure": _names,
    "network.dns_temporary": _names,
    "limit.usage_limit_reached": _usage,
    "request.context_too_long": _too_long,
    "machine.dead_base_url": _dead,
    "machine.wrong_base_url": _wrong_address,
}
"""By cause; each is one of the outputs of the user's surface, section 8.1."""
