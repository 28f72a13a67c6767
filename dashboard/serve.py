"""The serve command: the web process, the worker and, where it is ours to run, the sandbox."""

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dashboard
from dashboard.sample_links import ask_for_sample_links
from dashboard.supervise import Child, Supervisor
from services import link_requests, subscriptions
from services.activity import Freshness, freshness
from services.debitura import DebituraError
from services.settings import Environment, Settings, SettingsError, child_environment
from services.store import Store, StoreError
from services.store.sqlite import remove_file
from services.subscriptions import RECEIVER_PATH, SubscriptionError
from services.wiring import open_api, open_store, requests_file, webhook_secrets

LOOPBACK = "127.0.0.1"
SANDBOX_SYNC_INTERVAL_S = 45
PATIENCE_S = 90.0
LOOK_EVERY_S = 0.2
PROJECT_FOLDER = Path(dashboard.__file__).parent.parent

Say = Callable[[str], None]


class CannotServe(Exception):
    """Serving cannot begin; the message says why and what to do."""


@dataclass(frozen=True)
class ServeOptions:
    """Where to listen, and whether the sandbox goes on with its last world."""

    host: str
    port: int
    sandbox_port: int
    sandbox_speed: float
    """Simulated seconds that pass in the sandbox for each real one."""
    keep: bool


def require_free_port(host: str, port: int, *, option: str) -> None:
    """Raise CannotServe where something listens on ``port`` already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotServe(
                f"Port {port} on {host} cannot be used ({error.strerror}). "
                f"Stop what listens there, or choose another with {option}."
            ) from error


def serve(settings: Settings, options: ServeOptions, *, say: Say) -> None:
    """Serve until Ctrl-C or SIGTERM; every process ends with this one.

    Raises CannotServe, SettingsError or StoreError before anything was started.
    """
    settings.require_api_key()
    require_free_port(options.host, options.port, option="--port")
    own_sandbox = settings.own_sandbox
    if own_sandbox:
        require_free_port(LOOPBACK, options.sandbox_port, option="--sandbox-port")
        settings = _pointed_at(settings, options.sandbox_port)
        if not options.keep:
            _start_empty(settings)
    store = open_store(settings)
    supervisor = Supervisor()
    supervisor.stop_on_signals()
    try:
        environment = _environment(settings)
        if own_sandbox:
            _start_sandbox(supervisor, settings, options, environment)
        _start(supervisor, "worker", environment, "worker")
        where = ("--host", options.host, "--port", str(options.port))
        _start(supervisor, "web", environment, "web", *where)
        _wait_for_port(supervisor, _reachable(options.host), options.port)
        if own_sandbox:
            _subscribe(settings, store, _address(_reachable(options.host), options.port), say)
            if link_requests.is_empty(store):
                ask_for_sample_links(settings, store, say)
        _greet(supervisor, settings, options, store, say)
    except BaseException:
        supervisor.end()
        raise
    finally:
        store.close()
    supervisor.watch()
    say("Stopped.")


def _pointed_at(settings: Settings, port: int) -> Settings:
    address = f"http://127.0.0.1:{port}"
    return settings.model_copy(
        update={
            "referral_url_override": f"{address}/referral",
            "customer_url_override": f"{address}/customer",
        }
    )


def _start_empty(settings: Settings) -> None:
    """Forget the last sandbox: its store, its world, its secrets, and how often it was asked.

    Raises StoreError, and removes nothing, where the file is not a sandbox's store.
    """
    open_store(settings).close()
    try:
        remove_file(settings.database_url)
        _world_file(settings).unlink(missing_ok=True)
        webhook_secrets(settings).path.unlink(missing_ok=True)
        if counted := requests_file(settings):
            counted.unlink(missing_ok=True)
    except OSError as error:
        raise CannotServe(
            f"The last sandbox in {settings.data_dir} cannot be removed ({error.strerror}). "
            "Set PARTNER_DASHBOARD_DATA to a folder of yours."
        ) from error


def _world_file(settings: Settings) -> Path:
    return settings.data_dir / "sandbox-world.bin"


def _environment(settings: Settings) -> dict[str, str]:
    """What the child processes are told, whatever folder and default they start with."""
    environment = child_environment(
        PARTNER_DASHBOARD_DATA=str(settings.data_dir),
        DATABASE_URL=settings.database_url,
        DEBITURA_REFERRAL_URL=settings.referral_url,
        DEBITURA_CUSTOMER_URL=settings.customer_url,
    )
    if settings.environment is Environment.SANDBOX:
        environment.setdefault(
            "PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS", str(SANDBOX_SYNC_INTERVAL_S)
        )
    return environment


def _start(supervisor: Supervisor, name: str, environment: dict[str, str], *arguments: str) -> None:
    command = (sys.executable, "-m", "dashboard.cli", *arguments)
    supervisor.start(Child(name, command, environment, PROJECT_FOLDER))


def _start_sandbox(
    supervisor: Supervisor, settings: Settings, options: ServeOptions, environment: dict[str, str]
) -> None:
    told = {
        "--port": options.sandbox_port,
        "--speed": options.sandbox_speed,
        "--state-file": _world_file(settings),
    }
    arguments = (str(part) for pair in told.items() for part in pair)
    _start(supervisor, "sandbox", environment, "sandbox", *arguments)
    _wait_for_port(supervisor, LOOPBACK, options.sandbox_port)


def _subscribe(settings: Settings, store: Store, address: str, say: Say) -> None:
    """Have the sandbox deliver its webhooks to this dashboard, with a secret of their own."""
    secrets = webhook_secrets(settings)
    try:
        with open_api(settings) as api:
            made = subscriptions.ensure(
                store,
                api,
                secrets,
                f"{address}{RECEIVER_PATH}",
                actor="sandbox",
                now=datetime.now(UTC),
            )
    except (DebituraError, SettingsError, StoreError, SubscriptionError) as error:
        say(f"The sandbox will deliver no webhooks: {error}")
        return
    if made.not_kept:
        say(f"The sandbox's webhooks cannot be checked: {made.not_kept}")


def _reachable(host: str) -> str:
    """An address of this machine at which a server that listens on ``host`` answers."""
    return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104  (compared, not bound)


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _wait_for_port(supervisor: Supervisor, host: str, port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and not supervisor.stopping.is_set():
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            supervisor.look()
            supervisor.stopping.wait(LOOK_EVERY_S)
        else:
            return


def _greet(
    supervisor: Supervisor,
    settings: Settings,
    options: ServeOptions,
    store: Store,
    say: Say,
) -> None:
    """Say where the dashboard is; in the sandbox, once its data is in it."""
    url = _address("localhost" if options.host == LOOPBACK else options.host, options.port)
    name = f"Partner dashboard ({settings.environment})"
    if settings.environment is not Environment.SANDBOX:
        say(f"{name}: {url}  Ctrl-C stops it.")
        return
    state = _wait_for_first_scan(supervisor, store)
    if state.true_at is None:
        say(f"{name}: {url}  {state.reason or 'Still filling.'}")
    else:
        rows = sum(status.rows_done for status in state.scopes)
        say(f"{name}, {rows:,} rows: {url}  Ctrl-C stops it.")


def _wait_for_first_scan(supervisor: Supervisor, store: Store) -> Freshness:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        state = freshness(store)
        waiting = state.true_at is None and time.monotonic() < deadline
        if not waiting or supervisor.stopping.is_set():
            return state
        supervisor.look()
        supervisor.stopping.wait(LOOK_EVERY_S)
