"""Which model for which work: five answers in, one recommendation out. The names are aliases of Claude Code."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One question, its choices by letter, and the letter that is taken where nothing is said."""

    ask: str
    choices: dict[str, str]
    default: str


WORK, WAIT, READ, HURT, PAY = range(5)
QUESTIONS = (
    Question(
        "What is the work?",
        {
            "a": "quick edits, questions",
            "b": "everyday coding",
            "c": "hard design or debugging",
            "d": "plan first, then build",
        },
        "b",
    ),
    Question("Is someone waiting?", {"a": "yes", "b": "minutes are fine", "c": "tomorrow is fine"}, "a"),
    Question(
        "How much must it read at once?",
        {"a": "a few files", "b": "a large module", "c": "more than 200k tokens"},
        "a",
    ),
    Question("What hurts most?", {"a": "mistakes", "b": "waiting", "c": "cost or limits"}, "a"),
    Question("How do you pay?", {"a": "Pro", "b": "Max or Team", "c": "API key", "d": "cloud provider"}, "b"),
)

# By work and by what hurts most: mistakes, waiting, cost.
_FIRST = {
    "a": ("sonnet", "haiku", "haiku"),
    "b": ("opus", "sonnet", "sonnet"),
    "c": ("opus", "opusplan", "opusplan"),
    "d": ("opusplan", "opusplan", "opusplan"),
}
_SECOND = {"haiku": "sonnet", "sonnet": "opus", "opus": "opusplan", "opusplan": "sonnet"}
_INSTEAD = {
    "haiku": ("sonnet",),
    "sonnet": ("haiku", "opus"),
    "opus": ("sonnet", "haiku"),
    "opusplan": ("sonnet", "haiku"),
}
"""When it is overloaded: capacity is kept per model, so another one helps."""
_TITLES = {
    "haiku": "Haiku: small and fast",
    "sonnet": "Sonnet for all of it",
    "opus": "Opus for all of it",
    "opusplan": "Sonnet for the work, Opus for the plan",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A recommendation."""

    title: str
    model: str
    """As Claude Code's `--model` takes it."""
    runner_up: str
    fallback: tuple[str, ...]
    """To go on with while it is overloaded, the first first."""
    why: tuple[str, ...]
    """What of the answers led there."""
    hints: tuple[str, ...]


def choose(answers: str) -> Choice:
    """The recommendation for five letters, one of each question's choices."""
    work, wait, read, hurt, pay = list(answers)
    bare = _FIRST[work]["abc".index(hurt)]
    plan = pay in "ab"
    # A plan's Opus runs out first, Pro's soonest: it is kept for where it counts most.
    saved = bare == "opus" and (pay == "a" or (pay == "b" and wait == "a"))
    if saved:
        bare = "opusplan"
    if read == "c" and bare in ("haiku", "opusplan"):
        # The whole is read while building too, and the planning alias has no variant for it.
        bare = "opus" if bare == "opusplan" and hurt == "a" and pay != "a" else "sonnet"
    model = f"{bare}[1m]" if read == "c" else bare
    runner_up = "haiku" if bare == "sonnet" and hurt != "a" and read != "c" else _SECOND[bare]
    why = [
        QUESTIONS[WORK].choices[work],
        ("someone waits", "minutes are fine", "nobody waits")["abc".index(wait)],
    ]
    why += [f"{QUESTIONS[HURT].choices[hurt]} hurt{'s' if hurt == 'b' else ''} most"]
    why += ["a plan with an Opus limit"] if saved else [QUESTIONS[PAY].choices[pay]]
    return Choice(_TITLES[bare], model, runner_up, _INSTEAD[bare], tuple(why), _hints(answers, plan, model))


def _hints(answers: str, plan: bool, model: str) -> tuple[str, ...]:
    wait, read, pay = answers[WAIT], answers[READ], answers[PAY]
    hints = []
    if wait == "c" and not plan:
        hints.append("Nobody waits: the Message Batches API does it within 24 hours at half the price.")
    if read == "c" and pay == "a":
        hints.append(
            f"{model} may need usage credits on Pro; without them split the work into parts of 200k tokens."
        )
    if read == "b":
        hints.append("Point it at the module's entry first; it need not read all of it.")
    if pay == "d":
        hints.append(
            "On a cloud an alias may mean an older model: ANTHROPIC_DEFAULT_SONNET_MODEL and its like set it."
        )
    hints.append(
        "With a fallbackModel set, `seawall run` holds a call for 20 s only, then lets Claude Code change."
    )
    return tuple(hints)


def families(choice: Choice) -> tuple[str, ...]:
    """The model families that the recommendation uses, as records name them."""
    bare = choice.model.partition("[")[0]
    return ("opus", "sonnet") if bare == "opusplan" else (bare,)
