"""`doctor --wait`: it goes on until all is fine, and says so; or until the time is over."""

import itertools

from doctor_peers import GREEN, OVERLOADED, answer, from_api, host, setting

from own_home import Home
from shapes import conforms


def test_until_it_is_fine(own_home: Home) -> None:
    """Each other verdict in a line on stderr, then the end: code 0."""
    answers = itertools.chain([from_api(529, OVERLOADED)], itertools.repeat(from_api(401)))
    with host(lambda _: next(answers)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        done = own_home.seawall("doctor", "--wait", **setting(api.url, page.url, control.url))
    assert done.returncode == 0
    assert done.stdout.startswith("Fine again after ")
    assert "\nAll clear — Claude calls should work from here.\n" in done.stdout
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("(provider.overloaded)\n")
    assert "\a" not in done.stdout, "no bell where there is no terminal"


def test_fine_from_the_first(own_home: Home) -> None:
    """Then it does not wait; as JSON it is the usual object."""
    with host(from_api(401)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        known = setting(api.url, page.url, control.url)
        done = own_home.seawall("doctor", "--wait", **known)
        value = conforms(own_home.seawall("doctor", "--wait", "--json", **known).stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Fine already.\n\nAll clear")
    assert value["ok"] is True


def test_a_time_that_is_over(own_home: Home) -> None:
    """Code 20, with the last verdict; the object says so too."""
    with host(from_api(529, OVERLOADED)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        known = setting(api.url, page.url, control.url)
        done = own_home.seawall("doctor", "--wait", "--timeout", "2", **known)
        value = conforms(own_home.seawall("doctor", "--wait", "--timeout", "1", "--json", **known).stdout)
    assert done.returncode == 20
    assert done.stdout.startswith("Anthropic's side — ")
    assert done.stderr.endswith("seawall: the time is over, and it is not fine\n")
    assert (value["exit_code"], value["ok"]) == (20, False)
