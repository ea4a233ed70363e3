"""The `seawall` command."""


def main() -> None:
    """Run the command line with this process's arguments and end the process with its exit code."""
    from seawall.cli.verbs import run

    run()
