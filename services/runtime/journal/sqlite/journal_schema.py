"""The tables beside the events: heads of speakers, where each command was heard, each end."""

TABLES = (
    "CREATE TABLE IF NOT EXISTS heads ("
    "pump TEXT NOT NULL, speaker TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL, "
    "PRIMARY KEY (pump, speaker)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS commands ("
    "pump TEXT NOT NULL, command TEXT NOT NULL, position INTEGER NOT NULL, "
    "PRIMARY KEY (pump, command)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS ends ("
    "pump TEXT NOT NULL PRIMARY KEY, position INTEGER NOT NULL, link TEXT NOT NULL) WITHOUT ROWID",
)
"""[-] statements that make them."""

PUT_END = (
    "INSERT INTO ends VALUES (?,?,?) ON CONFLICT (pump) "
    "DO UPDATE SET position=excluded.position, link=excluded.link"
)
"""[-] moves the end of a pump's lines on."""

PUT_HEAD = (
    "INSERT INTO heads VALUES (?,?,?,?) ON CONFLICT (pump, speaker) "
    "DO UPDATE SET version=excluded.version, sha256=excluded.sha256"
)
"""[-] moves a head on."""

PUT_COMMAND = "INSERT INTO commands VALUES (?,?,?)"
"""[-] keeps where a command was heard."""

GET_COMMAND = "SELECT position FROM commands WHERE pump=? AND command=?"
"""[-] finds where a command was heard."""

COMMANDS = "SELECT pump, command FROM commands LIMIT ?"
"""[-] names the commands ever heard."""

ALL_COMMANDS = "SELECT pump, command, position FROM commands ORDER BY pump, command"
"""[-] reads where all commands were heard."""

ROWS_FROM = (
    "SELECT * FROM stored_events WHERE originator_id=? AND originator_version>=? "
    "ORDER BY originator_version LIMIT ?"
)
"""[-] reads a pump's rows from a position on."""

OLDER = "SELECT 1 FROM sqlite_master WHERE name='outcomes'"
"""[-] finds a journal of the time before the first release, which kept whole outcomes."""

SAID_NOT_HEARD = "topic NOT LIKE 'heard %' AND topic NOT LIKE 'adopted %'"
"""[-] picks the service's own events."""
