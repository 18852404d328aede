# Looks the name localhost up.
import socket

outcome = tried(lambda: socket.getaddrinfo("localhost", 80)[0][4])
