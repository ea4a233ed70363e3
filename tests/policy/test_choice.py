"""Which model is named for which answers."""

from itertools import product

import pytest

from seawall.policy.choice import QUESTIONS, choose, families

ALL = ["".join(one) for one in product(*(question.choices for question in QUESTIONS))]


@pytest.mark.parametrize(
    ("answers", "model", "fallback"),
    [
        ("aaaac", "sonnet", ("haiku", "opus")),
        ("aaabb", "haiku", ("sonnet",)),
        ("baabb", "sonnet", ("haiku", "opus")),
        ("bbaac", "opus", ("sonnet", "haiku")),
        ("bbaaa", "opusplan", ("sonnet", "haiku")),
        ("caaab", "opusplan", ("sonnet", "haiku")),
        ("caaac", "opus", ("sonnet", "haiku")),
        ("daaab", "opusplan", ("sonnet", "haiku")),
        ("aaccb", "sonnet[1m]", ("haiku", "opus")),
        ("ccaac", "opus", ("sonnet", "haiku")),
        ("cbcac", "opus[1m]", ("sonnet", "haiku")),
    ],
)
def test_the_model_for_some_answers(answers: str, model: str, fallback: tuple[str, ...]) -> None:
    """Stronger for hard work, smaller for quick work, a plan's Opus kept for where it counts."""
    chosen = choose(answers)
    assert (chosen.model, chosen.fallback) == (model, fallback)


def test_the_example_of_hard_design_on_a_plan() -> None:
    """Sonnet for the work, Opus for the plan, and why."""
    chosen = choose("caaab")
    assert chosen.title == "Sonnet for the work, Opus for the plan"
    assert chosen.why == (
        "hard design or debugging",
        "someone waits",
        "mistakes hurt most",
        "a plan with an Opus limit",
    )


def test_every_answer_has_a_recommendation() -> None:
    """Never itself as the next best or the fallback; at most three fallbacks, which Claude Code takes."""
    for answers in ALL:
        chosen = choose(answers)
        bare = chosen.model.partition("[")[0]
        assert bare in ("haiku", "sonnet", "opus", "opusplan")
        assert chosen.runner_up != bare
        assert bare not in chosen.fallback
        assert 1 <= len(chosen.fallback) <= 3
        assert set(families(chosen)) <= {"haiku", "sonnet", "opus"}


def test_batches_are_for_those_who_pay_by_use_and_do_not_wait() -> None:
    """The hint stands there exactly then; Pro never gets all of its work on Opus."""
    for answers in ALL:
        hinted = any("Batches" in hint for hint in choose(answers).hints)
        assert hinted == (answers[1] == "c" and answers[4] in "cd")
        assert (
            answers[4] != "a"
            or not choose(answers).model.startswith(("opus[", "opus\0"))
            or answers[2] == "c"
        )
        assert answers[4] != "a" or choose(answers).model != "opus"


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_default_is_a_choice(question: object) -> None:
    """Enter takes something that is there."""
    assert question.default in question.choices  # type: ignore[attr-defined]
