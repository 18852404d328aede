# Opens the secret by os.open.
outcome = tried(lambda: secret_in(read(given["secret"])))
