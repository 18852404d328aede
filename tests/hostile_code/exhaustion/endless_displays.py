# Shows things without an end. ends: interrupted
from circlet.session import display

until = time.monotonic() + min(given["seconds"], 2)
while time.monotonic() < until:
    display("x" * 1000)
outcome = "did it: nothing ended it"
