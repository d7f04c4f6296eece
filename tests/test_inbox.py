"""Commands from elsewhere that fail in ways that nobody thought of."""

from __future__ import annotations

from pathlib import Path

import pytest

from livestyle.errors import LivestyleError
from livestyle.looks.bank import Bank
from tests.running import Running


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


def test_a_value_that_cannot_even_be_quoted_ends_no_show(bank: Bank, tmp_path: Path) -> None:
    with Running(bank, tmp_path) as running:
        with pytest.raises(LivestyleError, match=r"the command failed \(RecursionError: .*please report"):
            running.outputs.inbox.ask("alpha", nested(50_000))
        running.outputs.inbox.post("alpha", nested(50_000))
        running.until(lambda: any("RecursionError" in text for text in running.said))
        assert running.outputs.inbox.ask("alpha", 0.5)["look"]
