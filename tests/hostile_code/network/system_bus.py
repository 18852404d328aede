# Connects to one of the sockets that services of the system listen on.
import glob
import socket


def attempt():
    paths = ["/run/dbus/system_bus_socket", "/var/run/docker.sock", *glob.glob("/run/**/*.sock", recursive=True)]

    def connect(path):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(3)
            stream.connect(path)
            return f"connected to {path}"

    return first_of(lambda path=path: connect(path) for path in paths)


outcome = tried(attempt, lacking=("ENOENT", "ECONNREFUSED", "EPROTOTYPE", "EACCES"))
