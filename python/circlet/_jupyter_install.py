"""Tells Jupyter of the kernel, and takes that back: what `python -m circlet.jupyter install` does."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

NAME, DISPLAY_NAME = "circlet", "Python (circlet)"
# What the kernel finds the package and the library by, where they are not installed.
VARIABLES = ("CIRCLET_LIBRARY", "PYTHONPATH")


def specification(display_name: str, session_python: str | None, policy: str | None = None) -> dict[str, Any]:
    """Returns what Jupyter starts the kernel by."""
    arguments = [sys.executable, "-m", "circlet.jupyter", "-f", "{connection_file}"]
    if session_python is not None:
        arguments.append(f"--SessionKernel.python={session_python}")
    if policy is not None:
        # The kernel runs in the folder of each notebook. No template's name has a slash or this ending.
        is_path = not policy.lstrip().startswith(("{", "[")) and ("/" in policy or policy.endswith(".json"))
        arguments.append(f"--SessionKernel.policy={os.path.abspath(policy) if is_path else policy}")
    found = {
        "argv": arguments,
        "display_name": display_name,
        "language": "python",
        "interrupt_mode": "message",
        "metadata": {"debugger": False, "supported_encryption": ["curve"]},
    }
    # Paths that are not whole would be looked for in the folder of each notebook.
    places = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    env = {name: os.pathsep.join(map(os.path.abspath, places[name].split(os.pathsep))) for name in places}
    return found | ({"env": env} if env else {})


def parser() -> argparse.ArgumentParser:
    """Describes the words."""
    words = argparse.ArgumentParser(prog="python -m circlet.jupyter", description="Tell Jupyter of the kernel.")
    commands = words.add_subparsers(dest="command", required=True)
    install = commands.add_parser("install", help="tell Jupyter of the kernel")
    uninstall = commands.add_parser("uninstall", help="take that back")
    install.add_argument("--display-name", default=DISPLAY_NAME, help="what notebooks call it (%(default)s)")
    install.add_argument("--session-python", metavar="PROGRAM", help="the interpreter of sessions, if it is another")
    install.add_argument("--policy", help="what cells may do: a template's name, a file's path, or JSON")
    for one in (install, uninstall):
        one.add_argument("--name", default=NAME, help="the kernel's name (%(default)s)")
        where = one.add_mutually_exclusive_group()
        where.add_argument("--user", action="store_true", help="for this user (the default)")
        where.add_argument("--prefix", metavar="FOLDER", help="in FOLDER/share/jupyter/kernels")
        where.add_argument("--sys-prefix", action="store_true", help="for this interpreter's environment")
    return words


def command(words: list[str]) -> None:
    """Does what the words say, and says where."""
    from jupyter_client.kernelspec import KernelSpecManager  # noqa: PLC0415

    given = parser().parse_args(words)
    name = given.name.lower()
    if not re.fullmatch(r"[a-z0-9._-]+", name):
        sys.exit(f"the name is {given.name!r}: give letters, digits, '.', '_' and '-', such as {NAME}")
    prefix = sys.prefix if given.sys_prefix else given.prefix
    manager = KernelSpecManager()
    if given.command == "install":
        with tempfile.TemporaryDirectory() as folder:
            kernel = specification(given.display_name, given.session_python, given.policy)
            text = json.dumps(kernel, indent=1)
            Path(folder, "kernel.json").write_text(text + "\n")
            place = manager.install_kernel_spec(folder, name, user=prefix is None, prefix=prefix)
        print(f"{name} is installed in {place}")
        return
    if prefix is not None:
        manager.kernel_dirs = [str(Path(prefix, "share", "jupyter", "kernels"))]
    else:
        manager.kernel_dirs = [manager.user_kernel_dir]
    # Of Jupyter's own kernel, which is in no folder.
    manager.ensure_native_kernel = False
    found = manager.find_kernel_specs()
    if name not in found:
        sys.exit(f"there is no kernel {name} in {manager.kernel_dirs[0]}: jupyter kernelspec list shows where it is")
    print(f"{name} is gone from {manager.remove_kernel_spec(name)}")
