"""The local store: tables, sessions, migrations and queries. Knows SQL, nothing of HTTP."""

from services.store.database import (
    Store,
    StoreError,
    StoreOfAnotherEnvironment,
    StoreOfAnotherPartner,
    StoreUnreadable,
    StoreUnwritable,
    announce,
)
from services.store.paging import Page, Window

__all__ = [
    "Page",
    "Store",
    "StoreError",
    "StoreOfAnotherEnvironment",
    "StoreOfAnotherPartner",
    "StoreUnreadable",
    "StoreUnwritable",
    "Window",
    "announce",
]
