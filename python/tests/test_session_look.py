"""What a session tells editors."""

from __future__ import annotations

import os

import pytest

from circlet import _session_look
from circlet._session_look import complete, inspect, is_complete


class Loud:
    """Has what must not be run."""

    __slots__ = ("place",)

    @property
    def loud(self) -> None:
        """Fails."""
        raise AssertionError("it was run")

    def method(self, a: int, b: int = 2) -> int:
        """Adds."""
        return a + b


@pytest.fixture(autouse=True)
def names(monkeypatch):
    loud = Loud()
    loud.place = os
    monkeypatch.setitem(_session_look.session, "namespace", {"os": os, "loud": loud, "überlang": 1})


@pytest.mark.parametrize(
    ("code", "matches", "start"),
    [
        ("isinst", ["isinstance"], 0),
        ("überl", ["überlang"], 0),
        ("x = 'é' + os.pathco", ["pathconf", "pathconf_names"], 13),
        ("os . path . joi", ["join"], 12),
        ("loud.place.pathse", ["pathsep"], 11),
        ("f(os.path.basen", ["basename"], 10),
        ("import os.pat", [], 10),
        ("import json, subproc", ["subprocess"], 13),
        ("from os.path import basen", ["basename"], 20),
        ("from xml.do", ["dom"], 9),
        ("if 1:\n    whil", ["while"], 10),
        ("loud.loud.", [], 10),
        ("'os.pa", [], 6),
        ("# os.pa", [], 7),
        ("f().pa", [], 4),
        ("x[0].pa", [], 5),
        ("''.jo", [], 3),
        ("1.re", [], 2),
        ("nothing.x", [], 8),
        ("", [], 0),
    ],
)
def test_names_are_completed_by_looking_alone(code, matches, start):
    found = complete(code, len(code))
    assert (found["matches"], found["end"]) == (matches, len(code))
    assert found["start"] == start or not matches


def test_private_names_are_completed_when_they_are_begun():
    assert "place" in complete("loud.", 5)["matches"]
    assert "__slots__" not in complete("loud.", 5)["matches"]
    assert complete("loud.__slo", 10)["matches"] == ["__slots__"]


@pytest.mark.parametrize(
    ("code", "status", "indent"),
    [
        ("1 + 1", "complete", ""),
        ("", "complete", ""),
        ("await f()", "complete", ""),
        ("if 1: pass", "complete", ""),
        ("a = 1\nb = 2", "complete", ""),
        ("def f():", "incomplete", "    "),
        ("def f():\n    if 1:\n        return 1", "incomplete", "    "),
        ("def f():\n    return 1\n", "complete", ""),
        ("def f():\n    x = 1\n    ", "complete", ""),
        ("x = (1,", "incomplete", ""),
        ("'''a", "incomplete", ""),
        ("a \\", "incomplete", ""),
        ("@f", "incomplete", ""),
        ("a b", "invalid", ""),
        ("x = ]", "invalid", ""),
    ],
)
def test_code_is_complete_once_a_block_has_ended(code, status, indent):
    assert is_complete(code) == {"status": status, "indent": indent}


def test_what_a_name_stands_for_is_told_where_it_is_called_too():
    assert "Signature: loud.method(a: 'int', b: 'int' = 2) -> 'int'\nType: method" in inspect("loud.method", 8)["text"]
    assert "Adds." in inspect("loud.method(1, ", 15)["text"]
    assert "return a + b" in inspect("loud.method", 11, 1)["text"]
    assert inspect("überlang", 2)["text"].startswith("Type: int\nValue: 1")
    assert not inspect("loud.loud", 9)["found"]
    assert not inspect("nothing", 3)["found"]
