# Sets its own limits to nothing. ends: killed
import resource

for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
    resource.setrlimit(limit, (0, 0))
outcome = "did it: it has no room left"
