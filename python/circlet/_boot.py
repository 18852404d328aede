# The first code of a worker: it takes its modules and its rings from the supervisor, over the control socket that is
# its standard input, and serves. A worker needs no installed package, and its code always matches the supervisor's.
import importlib.util
import json
import os
import socket
import sys

here = sys.path.pop(0)
control = socket.socket(fileno=os.dup(0))
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

received, descriptors = b"", []
while b"\n" not in received:
    data, more, _, _ = socket.recv_fds(control, 1 << 16, 253, socket.MSG_CMSG_CLOEXEC)
    if not data:
        sys.exit("the supervisor closed the control socket before its hello")
    received += data
    descriptors += more
line, rest = received.split(b"\n", 1)
hello = json.loads(line)
if hello["protocol"] != 1:
    sys.exit(f"the supervisor speaks protocol {hello['protocol']}, this worker speaks 1")
os.environ["CIRCLET_LIBRARY"] = hello["library"]
with open(descriptors.pop(), encoding="utf-8") as file:
    modules = json.load(file)


class Sources:
    """Imports modules from the supervisor's hello, with sources that tracebacks can show."""

    def find_spec(self, name, path=None, target=None):
        if name not in modules:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=name == "circlet")

    def create_module(self, spec):
        return None

    def get_source(self, name):
        return modules[name]

    def exec_module(self, module):
        name = module.__name__
        module.__file__ = f"<supervisor>/{name.replace('.', '/')}.py"
        exec(compile(self.get_source(name), module.__file__, "exec"), module.__dict__)


sys.meta_path.insert(0, Sources())
from circlet.worker import Worker

sys.path.insert(0, here)
Worker(control, rest, hello["rings"], descriptors).serve()
