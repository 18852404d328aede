# Connects by TCP in an event loop in a thread of its own.
import asyncio
import threading


async def connected():
    reader, writer = await asyncio.open_connection("127.0.0.1", given["port"])
    try:
        return greeting_in(await asyncio.wait_for(reader.read(256), 3))
    finally:
        writer.close()


def attempt():
    results = []

    def run():
        try:
            results.append(asyncio.run(connected()))
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]


outcome = tried(attempt)
