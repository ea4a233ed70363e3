"""`seawall fake`: the faulty API, for anybody's own tests."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seawall.fake.app import FakeApi
    from seawall.fake.scenario import Scenario

DEFAULT = "127.0.0.1:8790"
KEY = "sk-ant-api03-fake"


class _Unusable(click.ClickException):
    """Unusable input: one line and exit code 2."""

    exit_code = 2


@click.command("fake")
@click.option(
    "--listen", metavar="HOST:PORT", default=DEFAULT, show_default=True, help="Port 0: any free port."
)
@click.option("--scenario", metavar="FILE", help="A TOML file, or the name of a shipped scenario.")
@click.option("--seed", type=int, help="Makes chance repeatable; 1 if the scenario names none.")
@click.option("--list-faults", is_flag=True, help="List every fault with its parameters, and stop.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of text.")
def fake(listen: str, scenario: str | None, seed: int | None, list_faults: bool, as_json: bool) -> None:
    """Run a Claude API that fails on purpose, on this machine, without a key and without a network."""
    if list_faults:
        _list_faults(as_json=as_json)
        return
    host, port = _address(listen)
    from seawall.fake.app import FakeApi

    _run(FakeApi(_scenario(scenario), seed=seed, host=host, port=port), listen, as_json=as_json)


command: click.Command = fake


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise _Unusable(f"--listen {listen!r} is not HOST:PORT, such as {DEFAULT}")
    return host, int(port)


def _scenario(name: str | None) -> "Scenario | None":
    from seawall.fake.scenario import ScenarioError, load

    try:
        return load(name) if name else None
    except ScenarioError as error:
        raise _Unusable(str(error)) from None


def _list_faults(*, as_json: bool) -> None:
    from seawall.fake.script import KINDS

    if as_json:
        faults = [
            {
                "name": k.name,
                "text": k.doc,
                "parameters": {p: k.takes(p) for p in k.parameters},
                "example": k.example,
            }
            for k in KINDS.values()
        ]
        click.echo(json.dumps({"schema": "seawall.fake.faults/1", "faults": faults}))
        return
    for kind in KINDS.values():
        click.echo(f"{kind.name}: {kind.doc}")
        for parameter in kind.parameters:
            click.echo(f"    {parameter}={kind.takes(parameter)}")
        click.echo(f"    e.g. {kind.example}\n")


def _run(api: "FakeApi", listen: str, *, as_json: bool) -> None:
    from seawall.http.loop import loop_runner

    try:
        with loop_runner() as runner:
            runner.run(_serve(api, as_json=as_json))
    except OSError as error:
        raise _Unusable(f"cannot listen on {listen}: {error.strerror or error}") from None


async def _serve(api: "FakeApi", *, as_json: bool) -> None:
    import asyncio
    import signal

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with api:
        if as_json:
            _line({"schema": "seawall.fake.listening/1", "url": api.url, "scenario": api.scenario.title})
        else:
            title = f" ({api.scenario.title})" if api.scenario.title else ""
            aim = f"ANTHROPIC_BASE_URL={api.url} ANTHROPIC_API_KEY={KEY}"
            click.echo(f"Faulty API on {api.url}{title}; aim a client at it with {aim}")
        await stop.wait()
    _summary(api, as_json=as_json)


def _summary(api: "FakeApi", *, as_json: bool) -> None:
    stats = api.stats()
    if as_json:
        _line(
            {
                "schema": "seawall.fake.summary/1",
                "requests": stats.requests,
                "by_status": {str(s): n for s, n in sorted(stats.by_status.items())},
                "by_fault": stats.by_fault,
                "clients_gone": stats.clients_gone,
                "most_running": stats.most_running,
            }
        )
        return
    answers = ", ".join(f"{n} x {s or 'none'}" for s, n in sorted(stats.by_status.items())) or "none"
    click.echo(f"{stats.requests} requests; answers: {answers}; {stats.clients_gone} clients went away")
    for name, count in sorted(stats.by_fault.items()):
        click.echo(f"{count:>6}  {name}")


def _line(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value))
