"""What a person answered is kept for its episode, and a broken file is no answer."""

import json
import stat

import pytest

from seawall.doctor import answers


def test_an_answer_is_kept_and_found(tmp_path):
    """Each kind for itself, the newest counts, and only the owner may read it."""
    assert answers.of(tmp_path, "7f3a") == answers.Answers()
    answers.record(tmp_path, "7f3a", "restarted", 100.0)
    answers.record(tmp_path, "7f3a", "community", 110.0, yes=True)
    answers.record(tmp_path, "7f3a", "community", 120.0, yes=False)
    assert answers.of(tmp_path, "7f3a") == answers.Answers(
        restarted=answers.Answer(True, 100.0), community=answers.Answer(False, 120.0)
    )
    assert answers.of(tmp_path, "81c0") == answers.Answers()
    assert stat.S_IMODE((tmp_path / answers.FILE).stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [answers.FILE]


def test_an_id_may_grow_by_a_digit(tmp_path):
    """Another episode that begins alike makes ids longer; the answers stay."""
    answers.record(tmp_path, "7f3a", "restarted", 100.0)
    assert answers.of(tmp_path, "7f3a9").restarted is not None
    answers.record(tmp_path, "7f3a9", "community", 110.0)
    both = answers.of(tmp_path, "7f3a9")
    assert both.restarted is not None
    assert both.community is not None
    assert answers.of(tmp_path, "7f3b").restarted is None


def test_only_the_newest_are_kept(tmp_path):
    """The file does not grow with the years."""
    for number in range(answers.MOST + 20):
        answers.record(tmp_path, f"{number:04x}", "restarted", float(number))
    held = json.loads((tmp_path / answers.FILE).read_text())["episodes"]
    assert len(held) == answers.MOST
    assert answers.of(tmp_path, "0000").restarted is None
    assert answers.of(tmp_path, f"{answers.MOST + 19:04x}").restarted is not None


@pytest.mark.parametrize(
    "held",
    ["", "[]", "{", '{"episodes":[]}', '{"episodes":{"7f3a":[]}}', '{"episodes":{"7f3a":{"restarted":1}}}',
     '{"episodes":{"7f3a":{"restarted":{"yes":"no","at":1}}}}', '{"episodes":{"7f3a":{"restarted":{"yes":true}}}}',
     "[" * 100_000, "\x00" * 5_000_000],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_a_broken_file_holds_no_answers(tmp_path, held):
    """It is read as empty, and the next answer replaces it."""
    (tmp_path / answers.FILE).write_text(held)
    assert answers.of(tmp_path, "7f3a") == answers.Answers()
    assert answers.record(tmp_path, "7f3a", "restarted", 5.0).restarted == answers.Answer(True, 5.0)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    """The caller learns that the answer was not kept."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        answers.record(tmp_path / "file" / "below", "7f3a", "restarted", 5.0)
    assert answers.of(None, "7f3a") == answers.Answers()
