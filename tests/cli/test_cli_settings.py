"""`seawall config`: fallbacks are shown without their keys, and mistakes are named."""

import json

from own_home import Home

FILE = """\
[gateway]
fallback = ["sonnet"]

[[fallback]]
for = ["provider.*"]
upstream = "https://other.example"
key_env = "OTHER_KEY"
"""
KEY = "sk-other-" + "k" * 30


def written(home: Home, text: str) -> None:
    folder = home.path / ".config" / "seawall"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(text)


def test_fallbacks_are_shown_and_their_keys_are_not(own_home: Home) -> None:
    """In text and in JSON, by the name of the variable."""
    written(own_home, FILE)
    done = own_home.seawall("config", OTHER_KEY=KEY)
    assert '[[fallback]] 1 key_env                 "OTHER_KEY"' in done.stdout
    assert '[[fallback]] 1 upstream                "https://other.example"' in done.stdout
    value = json.loads(own_home.seawall("config", "--json", OTHER_KEY=KEY).stdout)
    assert value["values"]["gateway.fallback"]["value"] == ["sonnet"]
    assert value["fallback"][0]["for"] == ["provider.*"]
    assert value["fallback"][0]["key_env"] == "OTHER_KEY"
    assert KEY not in done.stdout + json.dumps(value)


def test_check_names_a_fallback_that_nothing_can_take(own_home: Home) -> None:
    """Wrong tables by their line; names of models and causes that are unknown."""
    written(own_home, FILE + '[[fallback]]\nmodel = "gpt"\n[[fallback]]\nmodel = "opus"\nafter = "x"\n')
    done = own_home.seawall("config", "check")
    assert done.returncode == 2
    first, second = done.stdout.splitlines()
    assert "line 10: [[fallback]] 3: fallback.after must be a length of time" in first
    assert "[[fallback]] 2: nothing is known of the model 'gpt'" in second
