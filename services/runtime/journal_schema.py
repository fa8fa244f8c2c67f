"""The tables beside the events: heads of speakers and outcomes of commands."""

TABLES = (
    "CREATE TABLE IF NOT EXISTS heads ("
    "pump TEXT NOT NULL, speaker TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL, "
    "PRIMARY KEY (pump, speaker)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS outcomes ("
    "pump TEXT NOT NULL, command TEXT NOT NULL, outcome BLOB NOT NULL, "
    "PRIMARY KEY (pump, command))",
)
"""[-] statements that make them."""

PUT_HEAD = (
    "INSERT INTO heads VALUES (?,?,?,?) ON CONFLICT (pump, speaker) "
    "DO UPDATE SET version=excluded.version, sha256=excluded.sha256"
)
"""[-] moves a head on."""

PUT_OUTCOME = "INSERT INTO outcomes VALUES (?,?,?)"
"""[-] keeps what came of a command."""

GET_OUTCOME = "SELECT outcome FROM outcomes WHERE pump=? AND command=?"
"""[-] reads what came of a command."""

COMMANDS = "SELECT pump, command FROM outcomes LIMIT ?"
"""[-] names the commands ever heard."""

SAID_NOT_HEARD = "topic NOT LIKE 'heard %' AND topic NOT LIKE 'adopted %'"
"""[-] picks the service's own events."""
