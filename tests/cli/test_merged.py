"""`seawall explain TEXT --check`: text and measurement in one answer."""

from doctor_peers import GREEN, OVERLOADED, answer, from_api, host, setting

from own_home import Home
from shapes import conforms

TEXT = "API Error: 529 Overloaded"


def test_text_and_measurement(own_home: Home) -> None:
    """The measured evidence stands beside the text; the code is the verdict's; nobody is sent the text."""
    with host(from_api(529, OVERLOADED)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        known = setting(api.url, page.url, control.url)
        done = own_home.seawall("explain", TEXT, "--check", **known)
        value = conforms(own_home.seawall("explain", TEXT, "--check", "--json", **known).stdout)
        sent = b"".join(api.requests)
    assert done.returncode == 10
    assert done.stdout.startswith("Anthropic's side — ")
    assert "+ your text says so: the API is at capacity (529)" in done.stdout
    assert "provider.overloaded · from your text, and measured\n" in done.stdout
    assert value["read"]["basis"] == "text and measurement"
    assert value["verdict"]["cause"] == "provider.overloaded"
    assert b"Overloaded" not in sent


def test_a_text_that_is_over(own_home: Home) -> None:
    """What a text says is a fact like another: it is possible, and the way is fine."""
    with host(from_api(401)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        done = own_home.seawall("explain", TEXT, "--check", **setting(api.url, page.url, control.url))
    assert done.returncode == 10
    assert "possible\n" in done.stdout
    assert "from your text; nothing measured speaks against it" in " ".join(done.stdout.split())


def test_a_key_in_the_text(own_home: Home) -> None:
    """It is masked, and the warning stands there too."""
    key = "sk-ant-api03-" + "Qw9" * 31 + "AA"
    done = own_home.seawall("explain", f"{TEXT} with {key}", "--check", "--offline")
    assert key[15:30] not in done.stdout + done.stderr
    assert "The text held a key." in done.stdout


def test_check_goes_with_a_text_only(own_home: Home) -> None:
    """Wrong usage in one line."""
    done = own_home.seawall("explain", "--list", "--check")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--check goes with a text" in done.stderr
