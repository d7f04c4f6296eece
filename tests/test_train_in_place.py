"""What the programs share that change a weights folder without a training run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from train import revive, unweave
from train.runtime import run


@pytest.mark.parametrize(("program", "flags"), [(revive.main, revive.Flags), (unweave.unweave, unweave.Flags)])
def test_a_folder_without_pictures_is_one_line(
    program: Callable[[Any], None], flags: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as stop:
        run(program, flags((str(tmp_path / "empty"),), (str(tmp_path / "empty"),)))
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.startswith("error: ") and error.count("\n") == 1
