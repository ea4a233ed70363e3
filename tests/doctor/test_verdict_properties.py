"""What holds of every verdict, whatever the checks found."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.causes.cause import codes
from seawall.doctor.check import Check, Direction, Finding, Result, Sign, State, Weight, checks
from seawall.doctor.rules import about, rules
from seawall.doctor.verdict import conclude

NOW = 1_795_000_000.0
PATTERNS = [*codes()[:60], "network.*", "provider.*", "gateway.*", "*"]


async def never(probe: object) -> Finding:
    raise AssertionError


def made(id: str) -> Check:
    return Check(id, id, never)


SIGN = st.builds(
    Sign, st.sampled_from(PATTERNS), st.sampled_from(["a", "b", "c"]), st.sampled_from(Weight),
    st.sampled_from(Direction), st.sampled_from(["", "title"]), st.sampled_from([None, NOW, NOW - 700, NOW + 50]),
    st.sampled_from(["x", "y", "z"]),
)  # fmt: skip
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "who": st.sampled_from(["api", "edge", "between", "nobody", "seawall"]),
        "status": st.sampled_from([None, 200, 401, 413, 502, 529]),
        "fault": st.sampled_from([None, "connect_timeout", "tls_expired", "first_byte_timeout"]),
        "reached": st.booleans(), "portal": st.booleans(), "public": st.booleans(), "worst": st.sampled_from([0, 3, 4]),
        "host": st.just("h"), "address": st.just("192.0.2.1"), "said": st.just("no answer"), "offline": st.booleans(),
    },
)  # fmt: skip
RESULT = st.builds(
    lambda id, state, facts, signs, blocked: Result(
        made(id), Finding(state, "s", facts, tuple(signs), blocked_by=blocked)
    ),
    st.sampled_from([one.id for one in checks()]), st.sampled_from(State), FACTS, st.lists(SIGN, max_size=3),
    st.sampled_from(["", "net.dns"]),
)  # fmt: skip
RUN = st.lists(RESULT, max_size=8, unique_by=lambda one: one.check.id)
HOST = st.sampled_from(["api.anthropic.com", "llm.corp.example", "bedrock-runtime.us-east-1.amazonaws.com"])


@settings(max_examples=120, deadline=None)
@given(RUN, HOST)
def test_a_verdict_is_sound(results: Sequence[Result], host: str) -> None:
    """Of the catalogue; never one that is decisively contradicted; a riddle, and only a riddle, has its measurement."""
    verdict = conclude(results, NOW, host)
    assert verdict.cause is None or verdict.cause in codes()
    assert bool(verdict.decides) == (verdict.confidence == "unknown")
    riddle = verdict.cause is None or verdict.cause.startswith("unknown.")
    for one in verdict.evidence:
        against = one.direction is Direction.AGAINST and one.weight is Weight.DECISIVE
        named = not riddle and one.cause != "*" and about(one.cause, verdict.cause or "")
        assert not (against and named and verdict.cause not in rules().apart.causes)
    if verdict.confidence == "certain" and not riddle:
        decisive = [
            one
            for one in verdict.evidence
            if one.weight is Weight.DECISIVE and one.direction is Direction.FOR
        ]
        assert any(about(one.cause, verdict.cause or "") for one in decisive)
    assert verdict.cause not in verdict.also


@settings(max_examples=60, deadline=None)
@given(RUN, HOST, st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(results: list[Result], host: str, rng: object) -> None:
    """The same party with the same word, however the checks happened to end."""
    before = conclude(results, NOW, host)
    rng.shuffle(results)  # type: ignore[attr-defined]
    after = conclude(results, NOW, host)
    assert (before.party, before.confidence, before.ok) == (after.party, after.confidence, after.ok)
