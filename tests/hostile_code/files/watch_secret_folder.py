# Watches the folder of the secret by inotify.


def attempt():
    watch = call("inotify_init1", 0)
    return f"watch {call('inotify_add_watch', watch, given['secret_dir'].encode(), 0xFFF)}"


outcome = tried(attempt)
