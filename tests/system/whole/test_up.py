"""`basalt up` on real processes: it starts, refuses in one line, goes on, and leaves nothing."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.real.patience import PATIENCE_S, until

pytestmark = pytest.mark.system

_UP = """
import sys
from pathlib import Path
from services.supervisor.up import UpOptions, run_up
port = int(sys.argv[3]) if len(sys.argv) > 3 else None
for_s = float(sys.argv[2]) or None
sys.exit(run_up(UpOptions(data=Path(sys.argv[1]), for_s=for_s, port=port, screen=False)))
"""


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-P", "-c", _UP, str(folder), *more]


def run(folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(folder, *more), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def processes_of(folder: Path) -> dict[str, int]:
    """Find the living processes that name the folder on their command line."""
    found: dict[str, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if not any(str(folder).encode() in word for word in words):
            continue
        ours = (word for word in words if word.startswith(b"services.") or b"parent_guard" in word)
        name = next(ours, words[0])
        found[Path(name.decode()).name] = int(entry.name)
    return found


def runs(folder: Path, name: str, *, but_not: int = 0) -> bool:
    """Say whether a process of this name runs, and is another than the one before."""
    return processes_of(folder).get(name, but_not) != but_not


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a system that is ready, and stop it in the end."""
    folder = tmp_path / "data"
    with subprocess.Popen(
        command(folder, "0"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert until((folder / "running.json").exists)
        yield process
        process.kill()


def test_a_fresh_folder_shows_readings_and_goes_on_where_it_was(tmp_path: Path) -> None:
    """Therapy time and odometer never go back, or insulin would be counted twice or forgotten."""
    folder = tmp_path / "data"

    first = run(folder, "14")
    second = run(folder, "4")

    assert (0, 0) == (first.returncode, second.returncode), first.stderr + second.stderr
    assert "glucose 100 mg/dL" in first.stdout
    assert "basal rate: 1.30 to 1.10 U/h" in first.stdout
    assert "set by demonstration" in first.stdout
    assert "set by demonstration" not in second.stdout
    times = re.findall(r"^(2017-\S+ \S+)", first.stdout + second.stdout, re.MULTILINE)
    assert times[-1] > times[0]
    last_of_first = re.findall(r"^(2017-\S+ \S+)", first.stdout, re.MULTILINE)[-1]
    first_of_second = re.findall(r"^(2017-\S+ \S+)", second.stdout, re.MULTILINE)[0]
    assert first_of_second >= last_of_first
    given = [float(re.findall(r"delivered ([0-9.]+) U", out.stdout)[0]) for out in (first, second)]
    assert given == sorted(given)
    assert {} == processes_of(folder)


def test_a_pump_of_another_name_goes_on_without_being_named_again(tmp_path: Path) -> None:
    """Started as another pump the system would be ready, and no basal would flow."""
    folder = tmp_path / "data"
    basalt = [str(Path(sys.executable).parent / "basalt"), "up", "--data", str(folder)]
    basalt += ["--no-screen", "--for", "3s"]

    runs = [
        subprocess.run(
            [*basalt, *pump], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        for pump in (["--pump", "other"], [], ["--pump", "demo"])
    ]

    assert [0, 0, 2] == [one.returncode for one in runs], [one.stderr for one in runs]
    assert "basal rate: 1.10 U/h" in runs[1].stdout or "basal rate: 1.30 U/h" in runs[1].stdout
    assert "holds pump other, not demo" in runs[2].stderr
    assert ["other.nvm"] == [path.name for path in (folder / "pump").glob("*.nvm")]


def test_each_line_of_a_trace_that_is_no_reading_is_named(tmp_path: Path) -> None:
    """The rest is played, and nobody must look into a log to see what is missing."""
    trace = tmp_path / "mine.csv"
    trace.write_text("time,mg/dL\n2026-03-01T07:00Z,100\noops\n2026-03-01T07:05Z,104\n")
    basalt = [str(Path(sys.executable).parent / "basalt"), "up", "--data", str(tmp_path / "data")]

    done = subprocess.run(
        [*basalt, "--no-screen", "--for", "3s", "--glucose", str(trace), "--speed", "60"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert "mine.csv:3: " in done.stdout and "; left out" in done.stdout
    assert done.stdout.index("mine.csv:3") < done.stdout.index("ready in")


def test_a_second_system_on_one_folder_is_refused(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    """Two controllers on one pump's record would contradict each other."""
    second = run(tmp_path / "data", "1")

    assert 2 == second.returncode
    assert 1 == len(second.stderr.splitlines())
    assert "runs on" in second.stderr
    assert running.poll() is None


def test_ctrl_c_stops_everything_and_says_what_was_delivered(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    """A person must be able to stop it, and see what came of it."""
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=PATIENCE_S)

    assert 0 == running.returncode
    assert out.splitlines()[-1].startswith("stopped; delivered ")
    assert {} == processes_of(tmp_path / "data")
    assert not (tmp_path / "data/running.json").exists()


def test_a_killed_supervisor_leaves_no_process(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    """A pump that nobody watches must not go on by accident."""
    running.kill()
    running.wait()

    assert until(lambda: not processes_of(tmp_path / "data"))


def test_each_killed_process_comes_back_and_the_rest_goes_on(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    """One process that dies must not take the others with it."""
    folder = tmp_path / "data"
    before = processes_of(folder)
    before = {name: pid for name, pid in before.items() if pid != running.pid}
    wanted = {"services.virtual_pump", "nats-server", "parent_guard.py", "services.actuator"}
    assert wanted <= before.keys()

    for name in before:
        assert until(partial(runs, folder, name)), name
        pid = processes_of(folder)[name]
        os.kill(pid, signal.SIGKILL)
        assert until(partial(runs, folder, name, but_not=pid)), name

    assert running.poll() is None


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    """The line must name the port, so that a person can choose another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = run(tmp_path / "data", "1", str(port))

    assert 2 == refused.returncode
    assert [f"port {port} on 127.0.0.1 cannot be used"] == re.findall(
        r"port \d+ on \S+ cannot be used", refused.stderr
    )
    assert 1 == len(refused.stderr.splitlines())


@pytest.mark.parametrize(
    ("broken", "content"),
    [
        ("", "a file and no folder"),
        ("clock.json", "{}"),
        ("begun.json", "["),
        ("journals/actuator.db", "no database at all, " * 100),
        ("keys/actuator.nk", "zzz"),
        ("keys/bolus_orders.key", "zzz"),
        ("pump/demo.nvm", "no memory of a pump, " * 100),
    ],
)
def test_a_broken_data_folder_is_refused_by_name(tmp_path: Path, broken: str, content: str) -> None:
    """Insulin is not given by a record that cannot be read."""
    folder = tmp_path / "data"
    file = folder / broken if broken else folder
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)

    refused = run(folder, "1")

    assert 2 == refused.returncode, refused.stdout + refused.stderr
    assert 1 == len(refused.stderr.splitlines()), refused.stderr
    assert str(file) in refused.stderr
    assert "ended by itself" not in refused.stdout
    assert {} == processes_of(folder)
