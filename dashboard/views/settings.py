"""Settings: is it wired up, and what does Debitura deliver here?"""

from collections.abc import Callable
from urllib.parse import urlsplit

import streamlit as st

from dashboard import data, live
from dashboard.components import formats, page
from services import branding, doctor, subscriptions
from services.debitura import DebituraError, ReferralPartnerApi
from services.debitura.enums import WebhookEvent
from services.settings import LOOPBACK_HOSTS, Environment, Settings, SettingsError
from services.store import StoreError
from services.subscriptions import NewSecret, Subscription, SubscriptionError
from services.webhook_secrets import WebhookSecrets, WebhookSecretsError
from services.wiring import webhook_secrets

CHECKS = "settings_checks"
READ = "settings_read"  # what came of reading the subscriptions: a sentence where it failed
WANTED = "settings_wanted"
FAILURE = "settings_failure"
OUTCOME = "settings_outcome"
NEW_SECRET = "settings_new_secret"  # noqa: S105  (a name)
ENVIRONMENTS = {
    Environment.SANDBOX: "Sandbox: made-up data on this machine",
    Environment.TEST: "Test: Debitura's test environment",
    Environment.PRODUCTION: "Production: real clients and real money",
}
FAILURES = (DebituraError, SettingsError, StoreError, SubscriptionError, WebhookSecretsError)
WELL = ":green[:material/check_circle: Well]"
ILL = ":red[:material/error: Needs you]"
CREATE, TEST = "create", "test"
CHANGE, ROTATE, ENABLE, DELETE = "change", "rotate", "enable", "delete"


def show_facts() -> None:
    backend = data.backend()
    settings = backend.settings
    partner = data.ask(branding.current)
    facts = {
        "Environment": ENVIRONMENTS[settings.environment],
        "Partner": formats.plain(partner.company_name) if partner else "Known after the first sync",
        "API key": key_state(settings),
        "Referral Partner API": as_code(settings.referral_url),
        "Customer API": as_code(settings.customer_url),
        "Store": as_code(backend.store.location),
        "Data folder": as_code(str(settings.data_dir)),
    }
    st.table(
        {"What": list(facts), "Value": list(facts.values())},
        hide_index=True,
        hide_header=True,
        border="horizontal",
        width="content",
        alt="How this dashboard is set up",
    )


def as_code(text: str) -> str:
    """Text from outside as inline code, where an address is no link."""
    return f"`{' '.join(text.replace('`', ' ').split())}`"


def key_state(settings: Settings) -> str:
    if settings.api_key:
        return "Set"
    if settings.environment is Environment.SANDBOX:
        return "The sandbox's own"
    return "Not set: put it into DEBITURA_API_KEY"


def show_checks() -> None:
    st.space("small")
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        st.subheader("Checks", anchor=False)
        asked = st.button("Check now", icon=":material/fact_check:", key="settings_check")
    st.caption("Key, webhook, store and data. Checking asks Debitura and changes nothing there.")
    if asked:
        with st.skeleton(height=220):
            found = list(doctor.examine(data.backend().settings))
        st.session_state[CHECKS] = (data.now(), found)
    if CHECKS in st.session_state:
        moment, found = st.session_state[CHECKS]
        show_found(found)
        st.caption(f"Checked {formats.exact(moment)}.")


def show_found(found: list[doctor.Check]) -> None:
    st.table(
        {
            "Check": [check.name for check in found],
            "What was found": [
                f"{WELL if check.ok else ILL}: {formats.plain(check.told)}" for check in found
            ],
        },
        hide_index=True,
        hide_header=True,
        border="horizontal",
        alt="What each check found",
    )


def show_webhooks() -> None:
    st.space("small")
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    ):
        st.subheader("Webhook subscriptions", anchor=False)
        with st.container(horizontal=True, width="content"):
            st.button("Create", icon=":material/add:", on_click=want, args=(CREATE,))
            if may_test():
                st.button("Send a test", icon=":material/send:", on_click=want, args=(TEST,))
            st.button("Read again", icon=":material/refresh:", on_click=forget_reading)
    st.caption(
        "What happens at Debitura is delivered here at once. Without a subscription it shows with "
        "the next sync."
    )
    show_outcome()
    read_once()
    show_known(data.ask_now(subscriptions.last_known))


def may_test() -> bool:
    return data.backend().settings.environment is not Environment.PRODUCTION


def read_once() -> None:
    """Ask Debitura on arrival, and whenever something was changed that it may have refused."""
    if READ not in st.session_state:
        with st.skeleton(height=160):
            st.session_state[READ] = read_failure()
    if failure := st.session_state[READ]:
        st.error(
            formats.plain(f"{failure} What was listed last is shown."),
            title="The subscriptions could not be read",
            icon=":material/cloud_off:",
        )


def read_failure() -> str | None:
    try:
        with data.debitura() as api:
            subscriptions.remember(data.backend().store, api, now=data.now())
    except (DebituraError, SettingsError) as error:
        return str(error)
    return None


def forget_reading() -> None:
    st.session_state.pop(READ, None)


def show_known(known: list[Subscription]) -> None:
    if not known:
        if not st.session_state[READ]:
            st.info(
                "No subscription yet. Create one to hear of changes at once.",
                icon=":material/inbox:",
            )
        return
    kept = kept_here(known)
    for subscription in known:
        show_subscription(subscription, kept.get(subscription.id))
    st.caption(f"As Debitura listed them {formats.exact(max(each.seen_at for each in known))}.")


def kept_here(known: list[Subscription]) -> dict[str, bool]:
    """Of which subscriptions a secret is kept here; nothing where that cannot be told."""
    try:
        return {each.id: secrets().holds(each.id) for each in known}
    except WebhookSecretsError as error:
        st.error(formats.plain(str(error)), icon=":material/key_off:")
        return {}


def secrets() -> WebhookSecrets:
    return webhook_secrets(data.backend().settings)


def show_subscription(subscription: Subscription, kept: bool | None) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(address_of(subscription), width="content")
            show_badges(subscription, kept)
        if not subscription.is_active:
            reason = subscription.disabled_reason or "Debitura told no reason."
            st.warning(
                formats.plain(f"Nothing is delivered: {reason}"), icon=":material/sync_problem:"
            )
        st.caption(formats.plain(told_of(subscription)))
        if kept is False:
            st.caption(f":material/key_off: {without_secret()}")
        show_actions(subscription)


def address_of(subscription: Subscription) -> str:
    return as_code(subscription.url or "no address")


def show_badges(subscription: Subscription, kept: bool | None) -> None:
    if subscription.is_active:
        st.badge("Active", icon=":material/check:", color="green")
    else:
        st.badge("Disabled", icon=":material/block:", color="red")
    if subscription.is_test_mode:
        st.badge("Test data only", icon=":material/science:", color="orange")
    if kept:
        st.badge("Secret kept here", icon=":material/key:", color="gray")


def told_of(subscription: Subscription) -> str:
    """Since when, and of which events."""
    since = f"Since {formats.exact(subscription.created_at)}"
    if set(subscription.events) >= set(subscriptions.ALL_EVENTS):
        return f"{since}, all {len(subscription.events)} events"
    return f"{since}: {formats.listed(subscription.events) or 'no event'}"


def without_secret() -> str:
    if secrets().given:
        return "Its secret is not kept here; one of `DEBITURA_WEBHOOK_SECRET` may be it."
    return (
        "Its secret is not kept here. If its deliveries come to this dashboard, rotate the secret "
        "or put it into `DEBITURA_WEBHOOK_SECRET`."
    )


def show_actions(subscription: Subscription) -> None:
    offered = {
        CHANGE: ("Change events", ":material/tune:"),
        ROTATE: ("Rotate secret", ":material/key:"),
        ENABLE: ("Enable again", ":material/play_arrow:"),
        DELETE: ("Delete", ":material/delete:"),
    }
    if subscription.is_active:
        del offered[ENABLE]
    with st.container(horizontal=True):
        for action, (label, icon) in offered.items():
            st.button(
                label,
                icon=icon,
                key=f"settings_{action}_{subscription.id}",
                on_click=want,
                args=(action, subscription.id),
            )


def want(action: str, subscription_id: str | None = None) -> None:
    """Remember what is wanted: dialogs open in the run, not in a click."""
    close()
    st.session_state.pop(OUTCOME, None)
    st.session_state[WANTED] = (action, subscription_id)


def close() -> None:
    for key in (WANTED, FAILURE, NEW_SECRET):
        st.session_state.pop(key, None)


def carry_out(act: Callable[[ReferralPartnerApi], NewSecret | str]) -> None:
    """Do what a dialog asked for: close it, or let it say what went wrong.

    The failure is remembered, because noting it draws the page anew.
    """
    st.session_state.pop(FAILURE, None)
    try:
        with st.spinner("Asking Debitura"), data.debitura() as api:
            done = act(api)
    except FAILURES as error:
        st.session_state[FAILURE] = str(error)
        if isinstance(error, DebituraError):
            forget_reading()  # it may have been done all the same
        return
    close()
    st.session_state[NEW_SECRET if isinstance(done, NewSecret) else OUTCOME] = done
    st.rerun()


def show_failure() -> None:
    if failure := st.session_state.get(FAILURE):
        st.error(formats.plain(failure), icon=":material/error:")


def show_outcome() -> None:
    """What came of the last action, until another is asked for."""
    outcome = st.session_state.get(OUTCOME)
    if outcome is not None:
        st.success(formats.plain(outcome), icon=":material/task_alt:")


def own_address() -> str:
    """Where this dashboard takes deliveries, if Debitura could reach it there."""
    settings, here = data.backend().settings, urlsplit(st.context.url or "")
    reachable = here.scheme == "https" or (
        here.hostname in LOOPBACK_HOSTS and settings.environment is Environment.SANDBOX
    )
    return f"{here.scheme}://{here.netloc}{subscriptions.RECEIVER_PATH}" if reachable else ""


def on_localhost(url: str) -> str:
    """The address with this machine under one name."""
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK_HOSTS:
        return url
    return parts._replace(netloc=f"localhost:{parts.port}").geturl()


def pick_events(chosen: list[str], key: str) -> list[str]:
    # What Debitura knows and this version does not can be kept or dropped, but not asked for.
    options = list(dict.fromkeys([*subscriptions.ALL_EVENTS, *chosen]))
    events = st.multiselect("Events", options, default=chosen, key=key)
    with st.expander("What each event tells"):
        for event, told in subscriptions.EVENTS.items():
            st.caption(f"`{event}` {told}")
    return events


@live.dialog("Create a webhook subscription", width="medium", on_dismiss=close)
def ask_to_create(known: list[Subscription]) -> None:
    st.markdown(
        "Debitura delivers these events to the address from then on. It tells the secret that "
        "signs them once: it is kept here and shown next."
    )
    own = own_address()
    taken = any(on_localhost(each.url or "") == on_localhost(own) for each in known)
    if taken:
        st.info("This dashboard's own address has a subscription already.", icon=":material/info:")
    with st.form("settings_create", border=False):
        url = st.text_input(
            "Address",
            value="" if taken else own,
            placeholder=f"https://dashboard.example.com{subscriptions.RECEIVER_PATH}",
            key="settings_url",
        )
        events = pick_events(list(subscriptions.ALL_EVENTS), "settings_events")
        test_mode = st.toggle(
            "Test data only",
            key="settings_test_mode",
            help="Only what Debitura marks as test data is delivered then.",
        )
        sent = st.form_submit_button("Create", type="primary")
    if sent:
        store = data.backend().store
        carry_out(
            lambda api: subscriptions.create(
                store,
                api,
                secrets(),
                url or "",
                events,
                test_mode=test_mode,
                actor=data.ACTOR,
                now=data.now(),
            )
        )
    show_failure()


@live.dialog("Change events", width="medium", on_dismiss=close)
def ask_for_events(subscription: Subscription) -> None:
    st.markdown(f"Debitura delivers these events to {address_of(subscription)}, and no others.")
    with st.form("settings_change", border=False):
        events = pick_events(list(subscription.events), f"settings_events_{subscription.id}")
        sent = st.form_submit_button("Change", type="primary")

    def change(api: ReferralPartnerApi) -> str:
        subscriptions.change_events(
            data.backend().store, api, subscription.id, events, actor=data.ACTOR, now=data.now()
        )
        return "The events are changed."

    if sent:
        carry_out(change)
    show_failure()


@live.dialog("Rotate the secret", width="medium", on_dismiss=close)
def ask_to_rotate(subscription: Subscription) -> None:
    st.markdown(
        f"Debitura signs what it delivers to {address_of(subscription)} with a "
        "new secret from now on. It is kept here and shown next. A secret kept here before is "
        "accepted for 24 hours more; whatever else checks deliveries needs the new one at once."
    )
    if st.button("Rotate secret", type="primary"):
        store = data.backend().store
        carry_out(
            lambda api: subscriptions.rotate_secret(
                store, api, secrets(), subscription.id, actor=data.ACTOR, now=data.now()
            )
        )
    show_failure()


@live.dialog("Enable again", width="medium", on_dismiss=close)
def ask_to_enable(subscription: Subscription) -> None:
    st.markdown(
        f"Debitura delivers to {address_of(subscription)} again, beginning with "
        "what happens next. See first that its deliveries are taken: after eight that fail it is "
        "disabled again. What was missed comes with the next sync."
    )

    def enable(api: ReferralPartnerApi) -> str:
        subscriptions.enable(
            data.backend().store, api, subscription.id, actor=data.ACTOR, now=data.now()
        )
        return "The subscription is active again."

    if st.button("Enable again", type="primary"):
        carry_out(enable)
    show_failure()


@live.dialog("Delete this subscription?", width="medium", on_dismiss=close)
def ask_to_delete(subscription: Subscription) -> None:
    st.markdown(
        f"Debitura delivers nothing to {address_of(subscription)} any more, and "
        "the secret kept here is forgotten. This cannot be undone: a new subscription gets a new "
        "secret."
    )

    def delete(api: ReferralPartnerApi) -> str:
        try:
            subscriptions.delete(
                data.backend().store,
                api,
                secrets(),
                subscription.id,
                actor=data.ACTOR,
                now=data.now(),
            )
        except WebhookSecretsError as error:
            return f"The subscription is deleted, but not its secret. {error}"
        return "The subscription is deleted."

    if st.button("Delete", type="primary", icon=":material/delete:"):
        carry_out(delete)
    show_failure()


@live.dialog("Send a test event", width="medium", on_dismiss=close)
def ask_to_test() -> None:
    st.markdown(
        "Debitura delivers a sample of the event to every active subscription that asked for it. "
        "The case or client itself stays as it is."
    )
    event = st.selectbox("Event", subscriptions.TESTABLE, key="settings_test_event")
    st.caption(subscriptions.EVENTS[event])
    subject = pick_subject(event)

    def send(api: ReferralPartnerApi) -> str:
        count = subscriptions.send_test(
            data.backend().store, api, event, subject or "", actor=data.ACTOR, now=data.now()
        )
        return sent_to(count)

    if st.button("Send", type="primary", icon=":material/send:", disabled=not subject):
        carry_out(send)
    show_failure()


def pick_subject(event: WebhookEvent) -> str | None:
    about = "case" if subscriptions.is_about_case(event) else "client"
    subjects = data.ask(subscriptions.sample_subjects, event)
    if not subjects:
        st.info(f"No {about} is known yet.", icon=":material/inbox:")
        return None
    return st.selectbox(
        f"About which {about}",
        list(subjects),
        format_func=lambda subject: subjects.get(subject, subject),
        accept_new_options=True,
        help=f"The newest are listed. Type the id of any other {about}.",
        key=f"settings_test_{about}",
    )


def sent_to(count: int) -> str:
    if not count:
        return "No active subscription asked for this event, so nothing was sent."
    receivers = "1 subscription" if count == 1 else f"{formats.count(count)} subscriptions"
    return f"The test event is on its way to {receivers}."


@live.dialog("The new secret", width="medium", on_dismiss=close)
def show_secret(new: NewSecret) -> None:
    """The only time that a secret is on a screen."""
    st.markdown("This is the only time that it is shown.")
    st.code(new.secret.get_secret_value(), language=None, wrap_lines=True)
    if new.kept_in:
        st.success(
            f"It is kept in {as_code(str(new.kept_in))}: deliveries to this dashboard are checked "
            "with it already.",
            icon=":material/key:",
        )
    else:
        st.error(
            formats.plain(f"{new.not_kept} Copy the secret now, or rotate it once that is mended."),
            title="It could not be kept here",
            icon=":material/key_off:",
        )
    st.caption(
        "A dashboard that runs elsewhere takes it from `DEBITURA_WEBHOOK_SECRET`; several secrets "
        "are separated by commas."
    )
    if st.button("Done"):
        close()
        st.rerun()


DIALOGS: dict[str, Callable[[Subscription], None]] = {
    CHANGE: ask_for_events,
    ROTATE: ask_to_rotate,
    ENABLE: ask_to_enable,
    DELETE: ask_to_delete,
}


def open_dialog() -> None:
    """The dialog that a click asked for; one about a subscription that is gone stays closed."""
    if NEW_SECRET in st.session_state:
        show_secret(st.session_state[NEW_SECRET])
        return
    if WANTED not in st.session_state:
        return
    action, subscription_id = st.session_state[WANTED]
    known = {each.id: each for each in data.ask_now(subscriptions.last_known)}
    if action == CREATE:
        ask_to_create(list(known.values()))
    elif action == TEST:
        ask_to_test()
    elif subscription_id in known:
        DIALOGS[action](known[subscription_id])
    else:
        close()


page.begin(
    "Settings",
    "Is it wired up, and what does Debitura deliver here?",
    needs=(),
    keys=("settings_",),
)
show_facts()
show_checks()
show_webhooks()
open_dialog()
