# Raises a hard limit of its own.
import resource


def attempt():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard + 1))
    return f"{hard + 1} descriptors"


def changed():
    # ValueError is what Python makes of the kernel's EPERM.
    try:
        return attempt()
    except ValueError as error:
        raise PermissionError(errno.EPERM, str(error)) from None


outcome = tried(changed, needs=SYS_RESOURCE)
