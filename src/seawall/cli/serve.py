"""`seawall serve`: its options. What it does is in `serving`, which reads the plain ones itself."""

import click

from seawall.cli import serving
from seawall.cli.common import Common, common_options


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where clients connect. Default: 127.0.0.1:8787.")
@click.option(
    "--upstream", metavar="URL", help="Where calls go. Default: what ANTHROPIC_BASE_URL says, or the API."
)
@click.option("--hold", metavar="TIME", help="How long a call is held at most, such as 15m.")
@click.option("--no-hold", is_flag=True, help="Pass every failure on at once.")
@click.option("--ping-every", metavar="TIME", help="Between signs of life in an opened answer. Default: 10s.")
@click.option("--concurrency", metavar="N", help="Attempts at a time in one lane, at most. Default: 1000.")
@click.option("--shared", hidden=True, help="Started by `seawall run`, for this configuration.")
@click.option("--linger", hidden=True, type=click.FloatRange(min=0), default=60.0)
@common_options
def serve(
    listen: str | None,
    upstream: str | None,
    hold: str | None,
    no_hold: bool,
    ping_every: str | None,
    concurrency: str | None,
    shared: str | None,
    linger: float,
    common: Common,
) -> int:
    """The gateway in the foreground. Point ANTHROPIC_BASE_URL at it; Ctrl-C lets streams finish and stops."""
    if no_hold and hold is not None:
        raise click.UsageError("--hold and --no-hold exclude each other")
    return serving.serve(
        listen=listen,
        upstream=upstream,
        hold=hold,
        no_hold=no_hold,
        ping_every=ping_every,
        concurrency=concurrency,
        shared=shared,
        linger=linger,
        common=common,
    )
