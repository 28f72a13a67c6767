"""A stand-in for Debitura's Referral Partner API and Customer API, over real HTTP."""

from services.sandbox.options import SandboxOptions
from services.sandbox.server import create_app, load_world, run, serving
from services.sandbox.world import World

__all__ = ["SandboxOptions", "World", "create_app", "load_world", "run", "serving"]
