# Exchanges a file of the allowed folder with the secret by renameat2.


def attempt():
    mine = write(in_work("mine"), b"mine").encode()
    call("renameat2", HERE, mine, HERE, given["secret"].encode(), 2)
    content = read(in_work("mine"))
    call("renameat2", HERE, mine, HERE, given["secret"].encode(), 2)
    return secret_in(content)


outcome = tried(attempt, lacking=("EINVAL", "ENOSYS"))
