"""What can go wrong in the thinking itself."""

from dataclasses import dataclass
from typing import ClassVar


class FieldsInText(Exception):
    """An exception whose message is made of its fields."""

    TEXT: ClassVar[str] = ""
    """[-] the message, with the names of fields in braces; without one, the arguments."""

    def __str__(self) -> str:
        """Give the message."""
        return self.TEXT.format(**vars(self)) if self.TEXT else super().__str__()


class CoreError(FieldsInText):
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

    TEXT = "{reason}: {text!r}"


class AmountError(TextError):
    """A text is not an amount."""


class GlucoseTextError(TextError):
    """A text is neither a glucose nor LOW nor HIGH."""


@dataclass(eq=False)
class GlucoseFileError(CoreError):
    """Nothing of a file of readings can be used."""

    name: str
    reason: str

    TEXT = "{name}: {reason}"


@dataclass(eq=False)
class CheckpointBroken(CoreError):
    """A text is no checkpoint, or the key of the record has not signed it."""

    reason: str

    TEXT = "{reason}"


@dataclass(eq=False)
class ScenarioError(CoreError):
    """A scenario of a calculation asks for what cannot be."""

    path: str
    """[-] of the field, such as '$.doses[0].end'."""
    reason: str
    """[-] what is wrong with it."""

    TEXT = "{reason} - at `{path}`"
