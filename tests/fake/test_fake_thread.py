"""The faulty API for synchronous tests, and the pytest plugin that hands it out."""

import subprocess
import sys
import threading

import anthropic
import pytest

from seawall.fake.scenario import ScenarioError
from seawall.fake.thread import BackgroundFakeApi


def spoken(api: BackgroundFakeApi, prompt: str) -> str:
    with anthropic.Anthropic(api_key="sk-ant-api03-x", base_url=api.url, max_retries=0, timeout=10) as client:
        message = client.messages.create(
            model="claude-opus-5", max_tokens=50, messages=[{"role": "user", "content": prompt}]
        )
    return message.content[0].text


def test_the_fixture_is_a_running_api(fake_api):
    """Scripted, asked and looked at without a loop of one's own."""
    fake_api.script("overloaded")
    with pytest.raises(anthropic.APIStatusError) as caught:
        spoken(fake_api, "nonce=a")
    assert caught.value.status_code == 529
    assert fake_api.verify(spoken(fake_api, "nonce=a"), "nonce=a") is None
    assert [r.status for r in fake_api.requests] == [529, 200]
    assert fake_api.stats().by_fault == {"overloaded": 1}


def test_the_factory_starts_several(fake_api_factory):
    """Each with its own scenario and seed."""
    one, two = fake_api_factory("calm", seed=7), fake_api_factory()
    assert one.url != two.url
    assert one.api.scenario.title == "calm"
    assert one.api.seed == 7


def test_nothing_is_left_after_the_end():
    """Thread and port are gone; stopping twice is fine."""
    with BackgroundFakeApi() as api:
        assert "seawall-fake" in [t.name for t in threading.enumerate()]
        port = api.api.port
    api.stop()
    assert "seawall-fake" not in [t.name for t in threading.enumerate()]
    with BackgroundFakeApi(port=port) as again, pytest.raises(OSError, match="in use"):
        BackgroundFakeApi(port=again.api.port).start()
    assert "seawall-fake" not in [t.name for t in threading.enumerate()]


def test_a_scenario_that_does_not_exist_is_an_error_at_once():
    """Before a thread is started."""
    with pytest.raises(ScenarioError):
        BackgroundFakeApi("nowhere")


def test_the_plugin_imports_almost_nothing():
    """It is loaded by every pytest run of everybody who installs Seawall."""
    code = (
        "import sys, pytest; before = set(sys.modules); import seawall.fake.pytest_plugin;"
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith('_')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['seawall', 'seawall.fake', 'seawall.fake.pytest_plugin']"


def test_pytest_shows_the_fixtures_with_their_texts(tmp_path):
    """`pytest --fixtures` tells a stranger how to use them."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--fixtures", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert "fake_api --" in done.stdout
    assert "fake_api_factory --" in done.stdout
    assert "A faulty Claude API on a loopback port" in done.stdout
