# Blocks and ignores every signal, and waits. ends: killed
import signal

for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
until = time.monotonic() + given["seconds"]
while time.monotonic() < until:
    time.sleep(0.1)
outcome = "did it: nothing ended it"
