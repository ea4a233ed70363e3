"""What to do and what not, for a cause as it was measured: the catalogue's steps, made exact by what was found. Pure.

A cause without a function here gets the steps of its file in the catalogue.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from seawall.causes.cause import Party, Platform, Step
from seawall.clock import duration, local
from seawall.doctor.case import Case
from seawall.doctor.check import State
from seawall.doctor.lasting import lasts

MOST = 3
"""Steps, and things not to do: more is not read."""


@dataclass(frozen=True, slots=True)
class Do:
    """A step. `lines` are read; `command` is one of them, or the end of one, and is never broken."""

    lines: tuple[str, ...]
    command: str | None = None
    numbered: bool = True
    costs_money: bool = False
    hang: int = 0
    """Columns before what goes on in a second line; 0: as the number asks for."""

    @property
    def text(self) -> str:
        """The step in one line, without its command."""
        command = self.command or "\0"
        kept = (line.removesuffix(command).rstrip(" :") for line in self.lines if line != command)
        return " ".join(one for one in kept if one)


@dataclass(frozen=True, slots=True)
class Dont:
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What is said beside the verdict. `action`: what Seawall does about it; `then`: the commands that come next."""

    do: tuple[Do, ...] = ()
    dont: tuple[Dont, ...] | None = None
    """None: the catalogue's; `()`: none."""
    action: str = ""
    then: tuple[str, ...] | None = None
    """None: the party's usual ones; `()`: none."""


def advice(case: Case) -> Advice:
    """The advice for the case; none where all is well or nothing is known."""
    cause = case.cause
    if cause is None or case.verdict.decides:
        return Advice()
    made = _EXACT.get(cause.code)
    found = made(case) if made else _usual(case)
    do = tuple(_allowed(one, case) for one in found.do)
    return Advice(
        tuple(one for one in do if one is not None),
        tuple(Dont(one.text, one.reason) for one in cause.dont[:MOST]) if found.dont is None else found.dont,
        found.action or _action(case),
        tuple(one for one in (_then(case) if found.then is None else found.then) if _there(one, case)),
    )


def _usual(case: Case) -> Advice:
    """The catalogue's own."""
    assert case.cause is not None
    steps = [_step(one, case) for one in case.cause.do[:MOST]]
    if case.party is Party.PROVIDER and case.cause.retry == "yes" and (sentence := lasts(case)):
        steps[0] = Do((f"{steps[0].lines[0]} {sentence}", *steps[0].lines[1:]), steps[0].command)
    notes = [
        Do(
            (f"On {_NAMES.get(note.on, note.on)}: {note.text}", *([note.command] if note.command else [])),
            note.command,
        )
        for note in case.cause.platforms
        if note.on in case.platforms and note.on not in (Platform.LINUX, Platform.EDITOR, Platform.CI)
    ]
    return Advice((*steps[: MOST - bool(notes)], *notes[:1]))


_NAMES = {
    Platform.WSL: "WSL",
    Platform.MACOS: "macOS",
    Platform.WINDOWS: "Windows",
    Platform.CONTAINER: "a container",
}


def _step(step: Step, case: Case) -> Do:
    windows = Platform.WINDOWS in case.platforms
    command = (step.powershell if windows else None) or step.command
    text = f"{step.text.rstrip('.')}: {step.link}" if step.link else step.text
    if step.costs_money:
        text += " (costs money)"
    return Do((text, command) if command else (text,), command, costs_money=step.costs_money)


def _there(command: str, case: Case) -> bool:
    """Whether the verb of one of our own commands is there."""
    words = command.split()
    return words[0] != "seawall" or len(words) < 2 or words[1] in case.verbs


def _allowed(step: Do, case: Case) -> Do | None:
    return step if step.command is None or _there(step.command, case) else None


def _action(case: Case) -> str:
    """What Seawall does about it just now."""
    if case.held:
        return f"Seawall is holding {_calls(case.held)} for you. Nothing is lost; leave the window open."
    return ""


def _then(case: Case) -> tuple[str, ...]:
    """Two commands that come next."""
    assert case.cause is not None
    explain = f"seawall explain {case.earlier.current.id if case.earlier.current else case.cause.code}"
    if case.party is Party.PROVIDER:
        return ("seawall watch", explain)
    if case.party in (Party.REQUEST, Party.LIMIT):
        return (explain,)
    return ("seawall doctor --again", explain)


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


# ---- causes whose steps depend on what was found -------------------------------------------------------------------


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
    action = f"Seawall is holding {_calls(held)} and tries again when the name resolves." if held else ""
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
        return _usual(case)
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


_EXACT: dict[str, Callable[[Case], Advice]] = {
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
