"""python-socketio as it is published, told what to do by lines of JSON, and telling what comes by such lines."""

import asyncio
import json
import os
import queue
import struct
import sys
import threading
from functools import partial

import engineio
import socketio

KINDS = {"f32": "f", "f64": "d", "i32": "i", "u8": "B"}
lock = threading.Lock()


def numbers(kind, data):
    size = struct.calcsize(KINDS[kind])
    return list(struct.unpack(f"<{len(data) // size}{KINDS[kind]}", data))


def readable(value):
    """Bytes as the numbers that they are, by the name of their kind."""
    if isinstance(value, list | tuple):
        return [readable(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: numbers(name, of) if isinstance(of, bytes) else readable(of) for name, of in value.items()}


def written(value):
    """What has `$bytes` as those bytes; Python leaves out what is undefined by itself."""
    if isinstance(value, list):
        return [written(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$bytes" in value:
        [(kind, given)] = value["$bytes"].items()
        return struct.pack(f"<{len(given)}{KINDS[kind]}", *given)
    return {name: written(of) for name, of in value.items() if of != {"$undefined": True}}


def say(client, kind, what=None):
    with lock:
        print(json.dumps({"id": client, "kind": kind, "what": readable(what)}), flush=True)


def options(told):
    serializer = "msgpack" if told["path"] == "/socket.io-msgpack/" else "default"
    wait = told["wait_ms"] / 1e3
    delays = {"reconnection_delay": wait, "reconnection_delay_max": wait, "randomization_factor": 0}
    return {"serializer": serializer, "handle_sigint": False, **delays}


class InOrder(engineio.Client):
    """Handles messages one after the other. As it is, each has a thread, and they may overtake each other."""

    def start_background_task(self, target, *args, **named):
        if target != self.handlers.get("message"):
            return super().start_background_task(target, *args, **named)
        if not hasattr(self, "messages"):
            self.messages = queue.SimpleQueue()
            super().start_background_task(self.handle)
        self.messages.put((target, args))
        return None

    def handle(self):
        while True:
            target, args = self.messages.get()
            target(*args)


class Client(socketio.Client):
    def _engineio_client_class(self):
        return InOrder


def listen(client, told):
    """Has everything told that comes."""
    id = told["id"]
    client.on("connect", lambda: say(id, "connected"))
    client.on("disconnect", lambda reason: say(id, "disconnected"))
    client.on("connect_error", lambda why: say(id, "refused", why.get("message") if isinstance(why, dict) else why))
    client.on("*", lambda event, *args: say(id, event, args))
    return client


def answered(told):
    return lambda answer=None: say(told["id"], "answer", answer)


def connect(client, told):
    where = {"socketio_path": told["path"], "transports": told["transports"], "auth": told["auth"]}
    return client.connect(told["url"], wait_timeout=10, **where)


def do(client, told):
    """Returns what is to be awaited with asyncio."""
    argument = written(told["args"][0]) if told.get("args") else None
    match told["do"]:
        case "connect":
            return connect(client, told)
        case "emit":
            return client.emit(told["event"], argument)
        case "ask":
            answered = partial(say, told["id"], "answer")
            return client.emit(told["event"], argument, callback=answered)
        case "transport":
            return say(told["id"], "transport", client.transport())
        case _:
            return client.disconnect()


def in_threads():
    """Each client has a thread, as what it is told may take a while."""
    inboxes = {}

    def act(inbox):
        told = inbox.get()
        client = listen(Client(**options(told)), told)
        while True:
            try:
                do(client, told)
            except socketio.exceptions.ConnectionError:
                pass  # It was told by an event.
            told = inbox.get()

    for line in sys.stdin:
        told = json.loads(line)
        if told["do"] == "connect":
            inbox = inboxes[told["id"]] = queue.SimpleQueue()
            threading.Thread(target=act, args=[inbox], daemon=True).start()
        inboxes[told["id"]].put(told)


async def in_tasks():
    inboxes, tasks = {}, set()

    async def act(inbox):
        told = await inbox.get()
        client = listen(socketio.AsyncClient(**options(told)), told)
        while True:
            try:
                done = do(client, told)
                if done is not None:
                    await done
            except socketio.exceptions.ConnectionError:
                pass  # It was told by an event.
            told = await inbox.get()

    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        told = json.loads(line)
        if told["do"] == "connect":
            inbox = inboxes[told["id"]] = asyncio.Queue()
            tasks.add(asyncio.create_task(act(inbox)))
        inboxes[told["id"]].put_nowait(told)
    # Clients that are still connected would say that they were not closed.
    os._exit(0)


if sys.argv[1] == "threads":
    in_threads()
else:
    asyncio.run(in_tasks())
