"""Sends signed deliveries by many connections at once, and tells how they were answered.

``python -m tests.benchmarks.webhooks.sender PORT EVENTS CONNECTIONS`` prints JSON: seconds in all,
the statuses, and how long each answer took in milliseconds. Everything is made before the first
is sent, so that little of the time measured is the sender's own.
"""

import http.client
import json
import sys
import threading
import time

from tests.deliveries import body_of, event, signature

PATH = "/webhooks/debitura"


def main(port: int, events: int, connections: int) -> None:
    deliveries = []
    for number in range(events):
        body = body_of(event("case.updated", f"t-{number % 100}", case_id=f"c-{number}"))
        headers = {"X-Debitura-Signature": signature(body), "Content-Type": "application/json"}
        deliveries.append((body, headers))
    statuses: list[int] = []
    took_ms: list[float] = []
    ready = threading.Barrier(connections + 1)

    def send(share: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.connect()
        ready.wait()
        for body, headers in deliveries[share::connections]:
            began = time.perf_counter()
            connection.request("POST", PATH, body, headers)
            answer = connection.getresponse()
            answer.read()
            took_ms.append((time.perf_counter() - began) * 1000)
            statuses.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=send, args=(share,)) for share in range(connections)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    told = {"seconds": seconds, "statuses": statuses, "took_ms": took_ms}
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
