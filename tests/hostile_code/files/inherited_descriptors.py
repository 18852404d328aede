# Looks for a readable descriptor of the secret among those that it was started with.
import os
import stat


def attempt():
    def look(number):
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise Nothing("it is no file")
        return secret_in(os.pread(number, 4096, 0))

    return first_of(lambda number=number: look(number) for number in range(3, 1024))


outcome = tried(attempt)
