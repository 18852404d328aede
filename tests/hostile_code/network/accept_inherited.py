# Takes a connection from a listener that it was started with.
import socket


def attempt():
    def accept(number):
        listener = socket.socket(fileno=os.dup(number))
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise Nothing("it does not listen")
        listener.settimeout(2)
        stream, sender = listener.accept()
        stream.close()
        return f"accepted {sender}"

    return first_of(lambda number=number: accept(number) for number in range(3, 1024))


outcome = tried(attempt)
