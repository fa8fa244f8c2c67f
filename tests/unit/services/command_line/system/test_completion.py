"""The completion scripts are committed, and what the parser makes of them today."""

import subprocess

import pytest

from services.command_line.grammar.verbs import VERBS
from services.command_line.main import main
from services.command_line.system.completion import SHELLS, script_of
from support.pages.completion_scripts import script

ASK_BASH = """set -eu
source "$1"
complete -p basalt
ask() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
  $(complete -p basalt | sed 's/.*-F \\([^ ]*\\).*/\\1/')
  echo "${COMPREPLY[*]}"
}
set +eu
ask basalt glu
ask basalt history g
ask basalt history events --form
ask basalt history events --format pa
"""


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_what_the_parser_makes(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A script that offers what is gone is worse than none; otherwise: make completion."""
    assert 0 == main(["completion", shell])

    said = capsys.readouterr().out
    assert script_of(shell).read_text(encoding="utf-8") == said == script(shell)
    assert [] == [name for name in VERBS if name not in said]


def test_bash_completes_verbs_options_and_values() -> None:
    """The script is only of use where the shell understands it."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK_BASH, "bash", script_of("bash")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    rule, *found = done.stdout.splitlines()
    assert (0, "") == (done.returncode, done.stderr)
    assert rule.endswith("basalt")
    assert ["glucose", "gaps glucose", "--format", "parquet"] == [one.strip() for one in found]
