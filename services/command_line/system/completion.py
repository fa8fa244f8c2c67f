"""Print the script that lets a shell complete verbs, options and files.

The scripts are made from the parser at development time, by 'make completion'.
"""

import argparse
from pathlib import Path
from typing import Final

from services.command_line.output.exit_codes import DONE

EXAMPLE: Final = """
basalt completion bash > ~/.local/share/bash-completion/completions/basalt
basalt completion zsh > ~/.zfunc/_basalt
basalt completion fish > ~/.config/fish/completions/basalt.fish
"""

SHELLS: Final = ("bash", "zsh", "fish")
"""[-] that have a script."""


def script_of(shell: str) -> Path:
    """Name the file of a shell's script."""
    return Path(__file__).with_name("completion_scripts") / f"basalt.{shell}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the shell."""
    parser.epilog = (
        "bash reads that folder by itself; zsh where its fpath has the folder:\n"
        "  fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit"
    )
    parser.add_argument("shell", choices=SHELLS, help="which one")


def run(arguments: argparse.Namespace) -> int:
    """Print the script of one shell."""
    print(script_of(arguments.shell).read_text(encoding="utf-8"), end="")
    return DONE
