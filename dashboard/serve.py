"""The serve command: the web process, the worker and, where it is ours to run, the sandbox."""

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dashboard
from dashboard.supervise import Child, Supervisor
from services import link_requests
from services.activity import Freshness, freshness
from services.debitura import DebituraError, NewClient
from services.settings import Environment, Settings, SettingsError, child_environment
from services.store import Store
from services.store.sqlite import remove_file
from services.wiring import open_api, open_store

SANDBOX_SYNC_INTERVAL_S = 15
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
    if settings.own_sandbox:
        require_free_port("127.0.0.1", options.sandbox_port, option="--sandbox-port")
        settings = _pointed_at(settings, options.sandbox_port)
        if not options.keep:
            _start_empty(settings)
    store = open_store(settings)
    supervisor = Supervisor()
    supervisor.stop_on_signals()
    try:
        _start_children(supervisor, settings, options)
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
    """Forget the last sandbox: its store and its world.

    Raises StoreError, and removes nothing, where the file is not a sandbox's store.
    """
    open_store(settings).close()
    try:
        remove_file(settings.database_url)
        _world_file(settings).unlink(missing_ok=True)
    except OSError as error:
        raise CannotServe(
            f"The last sandbox in {settings.data_dir} cannot be removed ({error.strerror}). "
            "Set PARTNER_DASHBOARD_DATA to a folder of yours."
        ) from error


def _world_file(settings: Settings) -> Path:
    return settings.data_dir / "sandbox-world.bin"


def _start_children(supervisor: Supervisor, settings: Settings, options: ServeOptions) -> None:
    environment = child_environment()
    if settings.environment is Environment.SANDBOX:
        environment.setdefault(
            "PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS", str(SANDBOX_SYNC_INTERVAL_S)
        )
    environment["PARTNER_DASHBOARD_DATA"] = str(settings.data_dir)
    environment["DATABASE_URL"] = settings.database_url
    environment["DEBITURA_REFERRAL_URL"] = settings.referral_url
    environment["DEBITURA_CUSTOMER_URL"] = settings.customer_url

    def start(name: str, *arguments: str) -> None:
        command = (sys.executable, "-m", "dashboard.cli", *arguments)
        supervisor.start(Child(name, command, environment, PROJECT_FOLDER))

    if settings.referral_url == f"http://127.0.0.1:{options.sandbox_port}/referral":
        state_file = str(_world_file(settings))
        port = str(options.sandbox_port)
        start("sandbox", "sandbox", "--port", port, "--state-file", state_file)
        _wait_for_port(supervisor, options.sandbox_port)
    start("worker", "worker")
    start("web", "web", "--host", options.host, "--port", str(options.port))
    _wait_for_port(supervisor, options.port)


def _wait_for_port(supervisor: Supervisor, port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and not supervisor.stopping.is_set():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        supervisor.look()
        supervisor.stopping.wait(LOOK_EVERY_S)


def _greet(
    supervisor: Supervisor,
    settings: Settings,
    options: ServeOptions,
    store: Store,
    say: Say,
) -> None:
    """Say where the dashboard is, once the sandbox's data is in it."""
    address = f"http://{'localhost' if options.host == '127.0.0.1' else options.host}"
    url = f"{address}:{options.port}"
    if settings.environment is not Environment.SANDBOX:
        say(f"Partner dashboard ({settings.environment}): {url}  Ctrl-C stops it.")
        return
    if link_requests.is_empty(store):
        _ask_for_sample_links(settings, store, say)
    state = _wait_for_first_scan(supervisor, store)
    if state.true_at is None:
        say(f"Partner dashboard (sandbox): {url}  {state.reason or 'Still filling.'}")
    else:
        rows = sum(status.rows_done for status in state.scopes)
        say(f"Partner dashboard (sandbox, {rows:,} rows): {url}  Ctrl-C stops it.")


def _wait_for_first_scan(supervisor: Supervisor, store: Store) -> Freshness:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        state = freshness(store)
        waiting = state.true_at is None and time.monotonic() < deadline
        if not waiting or supervisor.stopping.is_set():
            return state
        supervisor.look()
        supervisor.stopping.wait(LOOK_EVERY_S)


def _ask_for_sample_links(settings: Settings, store: Store, say: Say) -> None:
    """Ask for a dozen links as a partner would, so that Link requests has something to show."""
    # Only the sandbox's own environment has use for it, and importing it brings a web server.
    from services.sandbox.sample_requests import SAMPLE_REQUESTS  # noqa: PLC0415

    try:
        with open_api(settings) as api:
            for sample in SAMPLE_REQUESTS:
                link_requests.ask_for_link(
                    store,
                    api,
                    NewClient.model_validate(sample),
                    actor="sandbox",
                    now=datetime.now(UTC),
                    ttl=settings.approval_ttl,
                )
    except (DebituraError, SettingsError) as error:
        say(f"The sample link requests could not be made: {error}")
