"""What can go wrong in the thinking itself."""

from dataclasses import dataclass


class CoreError(Exception):
    """Anything that core raises by intent."""


@dataclass(eq=False)
class InvariantError(CoreError):
    """Something that cannot be is: the process stops into the safe state."""

    text: str


@dataclass(eq=False)
class TextError(CoreError):
    """A text does not say what was asked for, letter for letter; nothing was guessed."""

    reason: str
    text: str

    def __str__(self) -> str:
        """Say why, and show the text."""
        return f"{self.reason}: {self.text!r}"


class AmountError(TextError):
    """A text is not an amount."""


class GlucoseTextError(TextError):
    """A text is neither a glucose nor LOW nor HIGH."""


@dataclass(eq=False)
class GlucoseFileError(CoreError):
    """Nothing of a file of readings can be used."""

    name: str
    reason: str

    def __str__(self) -> str:
        """Say which file, and why."""
        return f"{self.name}: {self.reason}"


@dataclass(eq=False)
class CheckpointBroken(CoreError):
    """A text is no checkpoint, or the key of the record has not signed it."""

    reason: str

    def __str__(self) -> str:
        """Say why."""
        return self.reason


@dataclass(eq=False)
class ScenarioError(CoreError):
    """A scenario of a calculation asks for what cannot be."""

    path: str
    """[-] of the field, such as '$.doses[0].end'."""
    reason: str
    """[-] what is wrong with it."""

    def __str__(self) -> str:
        """Say which field, and why."""
        return f"{self.reason} - at `{self.path}`"
