"""What people read of a verdict and of a cause."""

import pytest

from seawall.causes.cause import codes, load, lookup
from seawall.causes.verdict import explain
from seawall.view.explanation import facts, page, party_of, row, table, verdict
from seawall.view.layout import Look

SOURCE = "from your text only; run `seawall` to measure"


def block(text, width=80, held_key=False):
    found = explain(text)
    return verdict(found, load(found.cause), Look(width), SOURCE, held_key)


def test_the_throttle_word_for_word():
    """As the page of the command shows it."""
    assert "\n".join(
        block("⎿  API Error: Server is temporarily limiting requests (not your usage limit)")
    ) == (
        """\
Anthropic's side — a short server-side throttle, not your plan limit.  certain

Meaning   The API asks clients to slow down for a moment. A plan limit comes
          with quota headers and a reset time; this one has neither.
Do now    Wait half a minute and send again. Behind the gateway this is done
          for you. With many parallel agents: start fewer at once.
Don't     upgrade the plan or change keys: it does not count against you
Fixed?    The same message goes through.
Escalate  after 30 min with a green status page: seawall report

Read as   provider.rate_limited_unspecified · from your text only; run
          `seawall` to measure"""
    )


def test_the_page_of_an_overloaded_api():
    """What it means, what to do and what not, how long, and wordings no longer than tells them apart."""
    lines = page(
        load("provider.overloaded"),
        Look(80),
        own="Yours: half 2 min, 9 of 10 11 min (23 episodes).",
        platforms=frozenset(),
    )
    assert "\n".join(lines[:18]) == (
        """\
provider.overloaded — the API is at capacity                  Anthropic's side

What it means   The service refuses calls because too many arrive from all
                users. Your account, key, prompt and machine play no part. It
                costs no quota. Capacity is kept per model.
Do              Wait; behind the gateway your calls are held meanwhile.
                In a hurry: /model to another model.
                Unattended, without the gateway:
                export CLAUDE_CODE_RETRY_WATCHDOG=1
Don't           Reinstall, change keys, log out, clear caches: not involved.
                Retry in a tight loop: adds load and trips your rate limit.
How long        Usually 2–5 min (public reports). Yours: half 2 min, 9 of 10
                11 min (23 episodes).
Fixed when      The same message goes through: seawall doctor --again
Escalate        After 10 min, if the page is green and your network is fine.
Seen as         API Error: 529 Overloaded. … · API Error: Repeated 529
                Overloaded errors. … · Opus is experiencing high load, please
                use /model to switch to Sonnet · overloaded_error ·"""
    )
    whole = " ".join(" ".join(page(load("provider.overloaded"), Look(80), more=True)).split())
    assert "529 Overloaded. This is a server-side issue" in whole


def test_the_same_in_40_columns():
    """Nothing is wider than the terminal."""
    lines = block("API Error: Server is temporarily limiting requests (not your usage limit)", 40)
    assert max(map(len, lines)) <= 38
    assert lines[:3] == [
        "Anthropic's side — a short server-side",
        "throttle, not your plan limit.",
        " " * 31 + "certain",
    ]


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("code", codes())
def test_every_page_fits(code, width):
    """Prose is wrapped; only commands and addresses, which are copied, stay in one piece."""
    cause = load(code)
    whole = {word for line in page(cause, Look(None), more=True) for word in line.split(" ")}
    for line in page(cause, Look(width), more=True):
        if len(line) > width - 2:
            commands = [one.command for one in (*cause.do, *cause.platforms) if one.command]
            commands.append(cause.verify_command or "")
            assert any(line.strip() in command or command in line for command in commands if command) or (
                len(line.split()) == 1 and line.strip() in whole
            ), line


def test_a_page_has_its_rows_in_order():
    """What it means first, where it is from last."""
    lines = page(load("provider.overloaded"), Look(80))
    assert lines[0] == "provider.overloaded — the API is at capacity" + " " * 18 + "Anthropic's side"
    labels = [line[:16].strip() for line in lines[2:] if line[:1] != " "]
    assert labels == ["What it means", "Do", "Don't", *(["On"] if load("provider.overloaded").platforms else []),
                      "How long", "Fixed when", "Escalate", "Seen as", "Not the same", "Sources"]  # fmt: skip
    more = page(load("provider.overloaded"), Look(80), more=True)
    assert any(line.startswith("Asked") for line in more)


def test_several_errors_are_counted():
    """Which, how often, and which was the last."""
    text = "API Error (529 Overloaded) attempt 1/10\n" * 8 + "API Error (Request timed out.) attempt 9/10\n"
    lines = block(text)
    assert any("8 × provider.overloaded, 1 × network.client_timeout; the last: network.client_timeout" in " ".join(
        part.strip() for part in lines[index : index + 2]) for index, _ in enumerate(lines))  # fmt: skip


def test_first_last_and_most_frequent_of_many_kinds():
    """With their counts, what else was counted, and how many attempts there were."""
    kinds = ["API Error: 500 Internal server error", *["API Error: 529 Overloaded"] * 3, "API Error: 502 Bad Gateway",
             "API Error: Connection error.", "API Error: Request timed out"]  # fmt: skip
    said = " ".join(block("".join(f"attempt {n} of 7: {one}\n" for n, one in enumerate(kinds, 1))))
    said = " ".join(said.split())
    assert (
        "Errors 3 × provider.overloaded, 1 × provider.internal_server_error, 1 × network.client_timeout"
        in said
    )
    assert (
        "2 × other causes; the last: network.client_timeout, the first: provider.internal_server_error"
        in said
    )
    assert "attempt 1–7 of 7" in said


def test_both_causes_and_what_tells_them_apart():
    """A row of its own."""
    said = " ".join(" ".join(block("API Error: 403 Forbidden")).split())
    assert "Or account.region_blocked" in said
    assert "/status" in said


def test_not_known_says_what_would_decide():
    """Neighbours, and a question."""
    lines = block("API Error: the flux certificate was denied")
    assert lines[0].startswith("Not known yet — no cause in the catalogue fits this text.")
    assert lines[0].endswith("unknown")
    labels = [line[:9].strip() for line in lines]
    assert "Nearest" in labels
    assert "Decides" in labels
    assert "Do now" not in labels


def test_a_key_in_the_text_is_said():
    """Whoever posted it must know."""
    assert "The text held a key. It was masked. If you posted it elsewhere, revoke it." in block(
        "529", held_key=True
    )


def test_the_host_stands_for_the_provider_where_another_was_asked():
    """A cloud's own side is named."""
    assert party_of(explain("Bedrock is unable to process your request")) == "Amazon Bedrock's side"
    assert party_of(explain("API Error: 529 Overloaded")) == "Anthropic's side"
    assert party_of(explain("API Error: 401 invalid x-api-key")) == "Your account or key"


def test_facts_are_named_in_few_words():
    """Status, type, attempt, reset, id."""
    found = explain("API Error: 529 overloaded_error attempt 3/10 resets 3pm req_011CUabcd")
    assert facts(found) == [
        "status 529",
        "overloaded_error",
        "attempt 3 of 10",
        "resets 3pm",
        "request req_011CUabcd",
    ]


def test_the_party_may_be_bold():
    """Colour only there, and only where it is wanted."""
    found = explain("API Error: 529 Overloaded")
    lines = verdict(found, load(found.cause), Look(80, color=True), SOURCE, False)
    assert lines[0].startswith("\x1b[1mAnthropic's side\x1b[0m — ")
    assert "\x1b" not in "".join(lines[1:])


def test_unwrapped():
    """With --plain a text is one line."""
    found = explain("API Error: 529 Overloaded")
    lines = verdict(found, load(found.cause), Look(None), SOURCE, False)
    assert any(len(line) > 150 for line in lines)


@pytest.mark.parametrize("width", [80, 40])
def test_the_table_fits(width):
    """Every cause on a line or two."""
    lines = table(map(lookup, codes()), Look(width))
    assert max(map(len, lines)) <= width
    assert sum(line.startswith(codes()) for line in lines) >= len(codes())


def test_windows_gets_its_own_commands():
    """Where the shells differ."""
    cause = load("machine.dead_base_url")
    assert "Remove-Item" in "\n".join(page(cause, Look(80, windows=True)))
    assert "Remove-Item" not in "\n".join(page(cause, Look(80)))


def test_no_texts_no_row():
    """Empty rows are left out."""
    assert row("Label", [], Look()) == []


def test_codes_and_short_commands_stay_whole():
    """In 40 columns a code that has no room beside its label stands below it; a command is never broken."""
    lines = block("API Error: Server is temporarily limiting requests (not your usage limit)", 40)
    at = lines.index("Read as")
    assert lines[at + 1] == "  provider.rate_limited_unspecified ·"
    escalate = [line for line in block("API Error: 529 Overloaded") if "seawall report" in line]
    assert escalate == ["          seawall report"]


def test_success_that_names_its_command():
    """It is not announced once more."""
    lines = block("Not logged in · Please run /login")
    assert "Fixed?    `/status` names a credential." in lines


def test_the_tables_columns():
    """Titles stand under each other; a code that is too long for its column has a line of its own."""
    lines = table([lookup("limit.self_burst"), lookup("account.invalid_credentials_unspecified")], Look(80))
    assert lines == [
        "limit.self_burst                  Your own calls started all at once",
        "account.invalid_credentials_unspecified",
        "                                  The credential was refused",
    ]


def test_the_prefix_of_a_wrong_key_is_the_evidence():
    """In the fixed order of a verdict, and not the key."""
    key = "sk-proj-" + "aB3dE5fG7h" * 4
    lines = block(f"401 invalid x-api-key ANTHROPIC_API_KEY={key}")
    labels = [line[:9].strip() for line in lines if line[:1] != " "]
    assert labels.index("Don't") + 1 == labels.index("Evidence") == labels.index("Fixed?") - 1
    said = " ".join(" ".join(lines).split())
    assert "Evidence + the key in the text begins with sk-proj-***, the form of an OpenAI key" in said
    assert key[8:16] not in said


def test_the_nearest_causes_say_what_is_missing():
    """The word that is shared, and a wording that the text does not have."""
    said = " ".join(" ".join(block("API Error: the flux certificate was denied by claude")).split())
    assert 'the text shares only certificate, not "' in said


def test_a_zone_keeps_its_spelling():
    """As it can be typed."""
    said = " ".join(block("You've hit your session limit · resets 3:45pm (Europe/Berlin)"))
    assert "resets 3:45pm (Europe/Berlin)" in said
