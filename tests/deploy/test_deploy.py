"""What is handed to other machines: equal to the code, well-formed, and it starts."""

import asyncio
import configparser
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import yaml

from core.deciders.registry import DECIDERS
from schemas.units import Actor
from services.runtime.nats.client import BusClient, ServiceAbsent
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import SystemClock
from services.runtime.process.service_endpoint import Health
from services.supervisor.broker.permissions import permissions
from support.real.patience import PATIENCE_S
from support.repository import ROOT

DEPLOY = ROOT / "deploy"
SERVER = pathlib.Path(sys.executable).with_name("nats-server")
UNIT = "basalt@.service"

TRIES_MAX = round(PATIENCE_S / 0.1)
"""[-] looks at a process that starts, 0.1 s apart."""

HARDENING = {
    "CapabilityBoundingSet": "",
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "ProtectHome": "yes",
    "ProtectSystem": "strict",
    "SystemCallFilter": "@system-service",
    "UMask": "0077",
}


def prepare(*words: str | pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DEPLOY / "prepare.py", *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def private(tmp_path: pathlib.Path) -> pathlib.Path:
    """Make a folder of keys as the README says."""
    made = prepare("keys", tmp_path / "private")
    assert 0 == made.returncode, made.stderr
    return tmp_path / "private"


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys as they are written
    parser.read_string((DEPLOY / UNIT).read_text())
    return parser


def test_the_committed_configuration_is_what_the_code_makes() -> None:
    """Permissions that lag behind the code silence a service, or let one say too much."""
    made = prepare("config")

    assert (DEPLOY / "nats.conf").read_text() == made.stdout


def test_the_broker_takes_the_configuration_with_real_keys(private: pathlib.Path) -> None:
    """A configuration that nobody loaded is a guess."""
    checked = subprocess.run(
        [SERVER, "-t", "-c", private / "nats.conf"], capture_output=True, text=True, check=False
    )
    with_placeholders = subprocess.run(
        [SERVER, "-t", "-c", DEPLOY / "nats.conf"], capture_output=True, text=True, check=False
    )

    assert 0 == checked.returncode, checked.stderr
    assert 0 != with_placeholders.returncode


def test_keys_are_made_once_and_for_their_owner_alone(private: pathlib.Path) -> None:
    """A key that changes with an update locks every other machine out."""
    before = {path.name: path.read_bytes() for path in (private / "keys").iterdir()}

    again = prepare("keys", private)

    assert 0 == again.returncode
    assert before == {path.name: path.read_bytes() for path in (private / "keys").iterdir()}
    signing = {f"{use}.{half}" for use in ("bolus_orders", "record") for half in ("key", "pub")}
    shared = {"pump_p1.key"}
    assert {f"{user}.nk" for user in permissions()} | signing | shared == set(before)
    secret = [path for path in (private / "keys").iterdir() if path.suffix != ".pub"]
    assert {0o600} == {path.stat().st_mode & 0o777 for path in secret}


def test_prepare_says_in_one_line_what_is_in_the_way(private: pathlib.Path) -> None:
    """Who deploys at night reads one line and no traceback."""
    seed = private / "keys" / "supervisor.nk"
    failed = prepare("stream", "--nats", f"nats://127.0.0.1:{free_port()}", "--creds", seed)

    assert (1, 1) == (failed.returncode, len(failed.stderr.splitlines()))


def test_the_unit_is_one_that_systemd_takes(tmp_path: pathlib.Path) -> None:
    """A misspelt key of hardening is ignored in silence."""
    service = unit()["Service"]
    program = service["ExecStart"].split()[0]
    copy = tmp_path / "basalt@actuator.service"
    copy.write_text((DEPLOY / UNIT).read_text().replace(program, sys.executable))

    assert ["Unit", "Service", "Install"] == unit().sections()
    assert HARDENING == {key: service.get(key) for key in HARDENING}
    if judge := shutil.which("systemd-analyze"):
        done = subprocess.run([judge, "verify", copy], capture_output=True, text=True, check=False)
        assert (0, "") == (done.returncode, done.stderr)


def test_the_unit_starts_a_service_with_options_that_it_knows() -> None:
    """A template that was right a release ago is found when a machine restarts."""
    words = unit()["Service"]["ExecStart"].split()
    options = {word.partition("=")[0] for word in words if word.startswith("--")}

    for name in DECIDERS:
        assert options <= options_of(f"services.{name}")


def test_the_advisor_is_given_its_signing_key() -> None:
    """Without it advice is given and no order."""
    lines = (DEPLOY / "sign-orders.conf").read_text().splitlines()
    service = dict(line.split("=", 1) for line in lines if "=" in line)
    name, _, path = service["LoadCredential"].partition(":")
    variable, _, option = service["Environment"].partition("=")
    flag, _, value = option.partition("=")

    assert "/etc/basalt/keys/bolus_orders.key" == path
    assert f"%d/{name}" == value
    assert f"${variable}" in unit()["Service"]["ExecStart"].split()
    assert flag in options_of("services.bolus_advisor")


def test_every_container_is_a_process_with_options_that_it_knows() -> None:
    """Syntax is not enough: an option that was renamed is found here and not at night."""
    modules = {}
    for name, one in compose()["services"].items():
        if "-m" in one["command"]:
            module = one["command"][one["command"].index("-m") + 1]
            words = one["command"][one["command"].index(module) + 1 :]
            modules[name] = module
            assert {word.partition("=")[0] for word in words} <= options_of(module)

    assert {"pump", *DECIDERS} == set(modules)
    assert {f"services.{name}" for name in (*DECIDERS, "virtual_pump")} == set(modules.values())


def test_every_container_has_what_it_names_and_its_own_journal() -> None:
    """Two services on one journal are two writers of one history."""
    whole = compose()
    volumes = [mount for one in whole["services"].values() for mount in one.get("volumes", ())]
    named = [mount.split(":")[0] for mount in volumes if not mount.startswith("./")]

    assert sorted(set(named)) == sorted(named) == sorted(whole["volumes"])
    for name, one in whole["services"].items():
        assert set(one["networks"]) <= set(whole["networks"])
        assert set(one.get("secrets", ())) <= set(whole["secrets"])
        assert (["ALL"], True) == (one["cap_drop"], one["read_only"])
        if name in DECIDERS:
            more = {"bolus_advisor": ["bolus_orders"], "actuator": ["pump_p1"]}
            assert [name, *more.get(name, [])] == one["secrets"]
            assert {"stream"} == set(one["depends_on"])
    assert ["line"] == whole["services"]["pump"]["networks"]
    files = [f"{name}.nk" for name in (*DECIDERS, "supervisor")]
    assert {
        f"./private/keys/{name}"
        for name in (*files, "bolus_orders.key", "bolus_orders.pub", "pump_p1.key")
    } == {secret["file"] for secret in whole["secrets"].values()}


def test_the_image_is_made_from_the_lock_and_from_what_it_copies() -> None:
    """An image with packages that nobody pinned is another program each week."""
    text = (DEPLOY / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    kept = re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)

    assert sorted(sources) == sorted(kept)
    assert [] == [source for source in sources if not (DEPLOY.parent / source).exists()]
    assert "--require-hashes --requirement requirements.lock" in text
    assert 2 == text.count("pip install")


@pytest.mark.system
async def test_services_started_alone_find_each_other(
    private: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The commands of the README on one machine: broker, stream, a pump over TCP, two services."""
    port, line = free_port(), free_port()
    url, keys = f"nats://127.0.0.1:{port}", private / "keys"
    config = (private / "nats.conf").read_text().replace("0.0.0.0:4222", f"127.0.0.1:{port}")
    (private / "nats.conf").write_text(config.replace("/var/lib/basalt", str(tmp_path)))
    pump = module(
        "virtual_pump",
        f"--listen=tcp:127.0.0.1:{line}",
        "--memory=pump",
        "--fill-u=200",
        "--pump=p1",
        f"--key={keys}/pump_p1.key",
    )
    actuator = module(
        "actuator",
        *told("actuator", url, keys),
        f"--pump=p1=tcp:127.0.0.1:{line}",
        f"--pump-key=p1={keys}/pump_p1.key",
    )
    ingest = module("glucose_ingest", *told("glucose_ingest", url, keys))

    with running([str(SERVER), "-c", str(private / "nats.conf")], tmp_path):
        until_it_listens(port)
        made = prepare("stream", "--nats", url, "--creds", keys / "supervisor.nk")
        with running(pump, tmp_path), running(actuator, tmp_path), running(ingest, tmp_path):
            found = await until_ready(url, keys / "console.nk", ("actuator", "glucose_ingest"))

    assert 0 == made.returncode, made.stderr
    assert ["p1"] == list(found["actuator"])
    assert 200_000 == found["actuator"]["p1"]["reservoir"]


def options_of(name: str) -> set[str]:
    """Ask a module which options it has."""
    done = subprocess.run(
        [sys.executable, "-m", name, "--help"], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"--[a-z-]+", done.stdout))


def module(name: str, *words: str) -> list[str]:
    return [sys.executable, "-P", "-m", f"services.{name}", *words]


def told(name: str, url: str, keys: pathlib.Path) -> tuple[str, ...]:
    return (f"--nats={url}", f"--creds={keys / name}.nk", f"--store=sqlite:{name}.db")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], folder: pathlib.Path) -> Iterator[None]:
    """Run a process in a folder; it is gone afterwards, whatever happened."""
    with (folder / "processes.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until_it_listens(port: int) -> None:
    for _ in range(TRIES_MAX):
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the broker does not listen")


async def until_ready(url: str, seed: pathlib.Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Wait until services have joined and the actuator knows its pump; give what they show."""
    client = BusClient(
        url=url,
        credentials=Credentials("console", seed),
        actor=Actor("person:test"),
        clock=SystemClock(),
    )
    await client.open()
    try:
        for _ in range(TRIES_MAX):
            try:
                health = [await client.ask(name, "health") for name in names]
                state = {
                    name: msgspec.json.decode(await client.ask(name, "state")) for name in names
                }
            except ServiceAbsent:
                await asyncio.sleep(0.1)
                continue
            is_ready = all(msgspec.json.decode(one, type=Health).ready for one in health)
            if is_ready and state["actuator"].get("p1", {}).get("reservoir"):
                return state
            await asyncio.sleep(0.1)
    finally:
        await client.close()
    pytest.fail("the services do not become ready")
