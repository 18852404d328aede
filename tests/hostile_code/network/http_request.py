# Sends a request of HTTP to the listener outside.
import http.client


def attempt():
    connection = http.client.HTTPConnection("127.0.0.1", given["port"], timeout=3)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except http.client.BadStatusLine as answer:
        return greeting_in(str(answer).encode())


outcome = tried(attempt)
