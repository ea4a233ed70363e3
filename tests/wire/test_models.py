"""What is known of models, by any name under which they are served."""

import pytest

from seawall.wire.models import CURRENT, MODELS, known, nearest, retired
from seawall.wire.request import family


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-opus-5", "claude-opus-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("anthropic/claude-sonnet-5", "claude-sonnet-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("claude-mythos-preview", "claude-mythos-preview"),
    ],
)
def test_a_model_is_known_by_any_of_its_names(name: str, id: str) -> None:
    """A date, a vendor in front and a version behind do not make another model of it."""
    model = known(name)
    assert model is not None
    assert model.id == id


@pytest.mark.parametrize(
    "name",
    [
        "",
        "gpt-7",
        "claude",
        "claude-opus-9",
        "claude-opus-4-20250514",
        "claude-3-5-sonnet-latest",
        "claude-fable-5-2",
        "claude-opus-5-5-fast",
        "claude-opus-5-5 ",
        "claude-sonnet-5\r\nx: y",
        "notclaude-sonnet-5",
    ],
)
def test_other_names_are_not_guessed(name: str) -> None:
    """Retired, not described, misspelt or strange: unknown."""
    assert known(name) is None


def test_the_newest_of_a_family_is_known() -> None:
    """Each family's model is in the table and of that family."""
    assert {family: MODELS[id].family for family, id in CURRENT.items()} == {name: name for name in CURRENT}


@pytest.mark.parametrize("id", MODELS)
def test_each_row_is_consistent(id: str) -> None:
    """Its name has its family, and it answers to it; what thinks in no way would refuse every request that thinks."""
    model = MODELS[id]
    assert known(id) is model
    assert family(id) == model.family
    assert 0 < model.output < model.window
    assert model.thinking
    # One generation: prefill went, then sampling.
    assert model.sampling or not model.prefill


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("claude-3-5-sonnet-20241022", True),
        ("claude-3-haiku-20240307", True),
        ("claude-3-7-sonnet-latest", True),
        ("anthropic.claude-opus-4-20250514-v1:0", True),
        ("claude-opus-4-1", True),
        ("claude-sonnet-4-0", True),
        ("claude-2.1", True),
        ("claude-instant-1.2", True),
        ("claude-opus-4-5", False),
        ("claude-opus-4-8", False),
        ("claude-haiku-5-5", False),
        ("claude-opus-7", False),
        ("claude-3-" + "x" * 500, False),
    ],
)
def test_models_that_are_no_more(name: str, gone: bool) -> None:
    """Opus 4.1 and 4, Sonnet 4 and what was before; no model that is known is among them."""
    assert retired(name) is gone
    assert not any(retired(id) for id in MODELS)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("claude-sonnet-5.5", "claude-sonnet-5-5"),
        ("Claude Opus 5", "claude-opus-5"),
        ("claude-5-5-haiku", "claude-haiku-5-5"),
        ("opus-4.8", "claude-opus-4-8"),
        ("sonnet", "claude-sonnet-5-5"),
        ("claude-3-5-sonnet-20241022", "claude-sonnet-5-5"),
        ("claude-hiaku-5-5", "claude-haiku-5-5"),
        ("claude", "claude-sonnet-5-5"),
        ("gpt-7", ""),
        ("", ""),
    ],
)
def test_the_model_that_was_meant(name: str, meant: str) -> None:
    """Spelled otherwise, in another order, or of its family; nothing where nothing comes near."""
    assert nearest(name) == meant
