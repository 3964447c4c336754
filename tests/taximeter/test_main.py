"""The `taximeter` command: light, helpful, and clear about what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import taximeter
from taximeter.__main__ import COMMANDS, main


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"taximeter {taximeter.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["bogus"], ["--bogus"]])
def test_wrong_use_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_a_service_command_without_its_dependencies_names_what_to_install() -> None:
    done = run(
        "import sys; sys.modules.update(dict.fromkeys(['duckdb', 'pydantic', 'yaml']));"
        "from taximeter.__main__ import main; sys.exit(main(['costs']))"
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("taximeter costs needs ")
    assert done.stderr.endswith(': pip install "taximeter[processor]"\n')


def test_the_command_line_itself_needs_the_standard_library_only() -> None:
    done = run(
        "import sys; from taximeter.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print('opentelemetry.sdk' in sys.modules)"
    )
    assert done.stdout.endswith("False\n")
