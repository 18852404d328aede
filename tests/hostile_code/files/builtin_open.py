# Opens the secret by open().


def attempt():
    with open(given["secret"], "rb") as file:
        return secret_in(file.read())


outcome = tried(attempt)
