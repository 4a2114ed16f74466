"""Calling a command of training in this process."""

import typer
from typer.testing import CliRunner


def invoke(cli: typer.Typer, *arguments: object, code: int = 0) -> str:
    """Run a command, hold its exit code against the one expected, and return what it printed."""
    result = CliRunner().invoke(cli, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output
