"""A start that a file prevents ends with one line that names the file and says what to do."""

from pathlib import Path

import pytest

from services.supervisor.start_remedies import with_remedy

DATA = Path("/var/lib/basalt")


@pytest.mark.requirement("R46")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("journals/actuator.db", "takes its past over from the others"),
        ("journals/actuator.db-wal", "takes its past over from the others"),
        ("journals/actuator.lock", "a lock holds nothing"),
        ("up.lock", "a lock holds nothing"),
        ("pump/demo.nvm.lock", "a lock holds nothing"),
        ("pump/demo.nvm", "put back the newest copy"),
        ("keys/actuator.nk", "a new key is made"),
        ("begun.json", "--glucose, --zone and --pump"),
        ("clock.json", "time goes on"),
        ("broker/nats.conf", "the journals have every event"),
        ("logs/actuator.log", "is no record"),
        ("snapshots.db", "is no record"),
        ("checkpoints/demo.actuator.notes", "signed anew"),
        ("something.else", "put back a copy"),
    ],
)
def test_each_file_of_the_folder_has_its_remedy(name: str, words: str) -> None:
    """What may be removed differs: the pump's memory is put back, a lock holds nothing."""
    said = with_remedy(f"{DATA / name}: Is a directory", folder=DATA)

    assert said.startswith(f"{DATA / name}: Is a directory; ")
    assert words in said


@pytest.mark.requirement("R46")
def test_what_names_no_file_stays_as_it_is_and_in_one_line() -> None:
    """A port that is taken has nothing to do with a file."""
    assert "port 4222 is taken" == with_remedy("port 4222\n is taken", folder=DATA)
    assert f"nothing runs on {DATA}" == with_remedy(f"nothing runs on {DATA}", folder=DATA)
