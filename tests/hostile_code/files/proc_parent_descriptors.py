# Opens the secret again by a descriptor of the supervisor in /proc.
import os


def attempt():
    folder = f"/proc/{given['supervisor']}/fd"

    def again(number):
        path = os.path.join(folder, number)
        if os.readlink(path) != given["open_secret"]:
            raise Nothing("it is another file")
        return secret_in(read(path))

    return first_of(lambda number=number: again(number) for number in os.listdir(folder))


outcome = tried(attempt, needs=SYS_PTRACE)
