"""A step, a thing not to do, advice as a whole; and the advice that the catalogue gives for a cause. Pure."""

from dataclasses import dataclass

from seawall.causes.cause import Party, Platform, Step
from seawall.doctor.case import Case
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


def usual(case: Case) -> Advice:
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


def calls(count: int) -> str:
    """`1 call`, `4 calls`."""
    return "1 call" if count == 1 else f"{count} calls"
