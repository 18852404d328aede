# What the shells of worker processes begin with: the C library, whose path is the first argument.
#
# It imports only what the interpreter has built in. Hence the library through `_ctypes` and not through ctypes, which
# takes longer to import than all of this.
import sys

# With -c, the first folder is the current one, unless the interpreter was told otherwise.
if sys.path[0] == "":
    del sys.path[0]

import _signal
from _ctypes import FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, Array, CFuncPtr, _SimpleCData, dlopen, dlsym
from posix import getpid


class int32(_SimpleCData):
    _type_ = "i"


class uint64(_SimpleCData):
    _type_ = "Q"


class pointer(_SimpleCData):
    _type_ = "P"


class string(_SimpleCData):
    _type_ = "z"


class py_object(_SimpleCData):
    _type_ = "O"


class Waiting(CFuncPtr):
    # Lets other threads run meanwhile.
    _flags_, _restype_ = FUNCFLAG_CDECL, int32


class Quick(CFuncPtr):
    _flags_, _restype_ = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI, int32


class Source(CFuncPtr):
    _flags_, _restype_ = FUNCFLAG_CDECL, string


class Object(CFuncPtr):
    _flags_, _restype_ = FUNCFLAG_CDECL | FUNCFLAG_PYTHONAPI, py_object


library = dlopen(sys.argv[1], 0)


def function(kind, name, *arguments):
    found = kind(dlsym(library, "circlet_" + name))
    found.argtypes = arguments
    return found


source = function(Source, "worker_source", string)
bytes_at = Object(dlsym(dlopen(None, 0), "PyBytes_FromStringAndSize"))
bytes_at.argtypes = (uint64, uint64)
