"""A Streamlit app beside which one route only answers 200, as fast as that can be.

``python -m tests.benchmarks.webhooks.baseline_app PORT``
"""

import sys
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PATH = "/webhooks/debitura"


async def take(request: Request) -> Response:
    await request.body()
    return JSONResponse({"status": "stored"})


async def healthz(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


if __name__ == "__main__":
    routes = [Route(PATH, take, methods=["POST"]), Route("/healthz", healthz)]
    app = st.App(Path(__file__).with_name("empty_page.py"), routes=routes)
    app.run(config={"server.address": "127.0.0.1", "server.port": int(sys.argv[1])})
