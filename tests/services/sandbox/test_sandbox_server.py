"""The sandbox as a process of its own, and the file it keeps its world in."""

import ast
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sandbox_running import KEY, options

import services.sandbox
from services.sandbox import World, load_world, serving
from services.sandbox.storage import UnreadableState, load_state, save_state

SMALL = {"clients": 30, "cases": 40, "transactions": 50}
STARTER = """
import sys
from pathlib import Path
from services.sandbox import SandboxOptions, run
run(SandboxOptions(port=int(sys.argv[1]), clients=30, cases=40, transactions=50,
                   state_file=Path(sys.argv[2])))
"""


def test_it_imports_nothing_else_of_the_product() -> None:
    package = Path(services.sandbox.__file__).parent
    for file in package.glob("**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                modules = [node.module or ""]
            for module in modules:
                if module.split(".")[0] in ("services", "dashboard"):
                    assert module.startswith("services.sandbox"), f"{file.name}: {module}"


def test_a_world_survives_its_file(tmp_path: Path) -> None:
    wanted = options(**SMALL, state_file=tmp_path / "kept" / "world.json")
    assert wanted.state_file is not None
    world = load_world(wanted)
    world.require_contract_upgrade(world.clients[0])
    save_state(world.state, wanted.state_file)
    again = load_world(wanted)
    assert again.state == world.state
    assert [file.name for file in wanted.state_file.parent.iterdir()] == ["world.json"]


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text("[]")
    with pytest.raises(UnreadableState, match=r"world\.json"):
        load_state(path)
    assert path.read_text() == "[]"


def test_serving_in_a_thread() -> None:
    wanted = options(**SMALL)
    world = World.generate(wanted)
    client = next(client for client in world.clients if not client.signed)
    with serving(world, wanted) as url:
        path = f"{url}/referral/clients/{quote(client.tenant_id, safe='')}"
        body = httpx.get(path, headers=KEY).json()
    assert body["onboardingLinks"]["url"].startswith(f"{url}/flow/")
    with pytest.raises(httpx.ConnectError):
        httpx.get(path, headers=KEY)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_process_ends_cleanly_and_keeps_its_world(tmp_path: Path, end: signal.Signals) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = tmp_path / "world.json"
    command = [sys.executable, "-W", "error", "-c", STARTER, str(port), str(state)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            _wait_until_up(port, process)
        finally:
            process.send_signal(end)
            _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")
    kept = load_state(state)
    assert kept is not None
    assert len(kept.cases) == 40


def _wait_until_up(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert process.poll() is None
        try:
            url = f"http://127.0.0.1:{port}/referral/me"
            assert httpx.get(url, headers=KEY).status_code == 200
        except httpx.ConnectError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the sandbox did not start")
