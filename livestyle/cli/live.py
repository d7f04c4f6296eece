"""The commands that play: `live` and `demo`. What they show and how is `livestyle.live.live_show`'s."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from livestyle.cli.outputs import (
    HttpHostOption,
    HttpOption,
    NoWindowOption,
    OscHostOption,
    OscOption,
    RecordOption,
    SaveScriptOption,
    TokenOption,
    VirtualCameraOption,
)
from livestyle.errors import SettingError
from livestyle.options.common import EngineOptions, LiveLookOptions, OutFolderOption, ScriptOption
from livestyle.options.group import with_options
from livestyle.options.setup import Setup
from livestyle.painting.rate import DEFAULT_FPS, rate_hold

FpsOption = Annotated[
    float,
    typer.Option(help="Frame rate to hold, 1 to 240: where need be it paints smaller and enlarges. 0: never."),
]


@with_options(EngineOptions)
@with_options(LiveLookOptions)
def live(
    look_options: LiveLookOptions,
    engine_options: EngineOptions,
    source: Annotated[str, typer.Argument(help="Camera index or name, URL, video file, image or folder.")] = "0",
    fade: Annotated[float, typer.Option(help="Crossfade time in seconds.")] = 1.0,
    script: ScriptOption = None,
    save_script: SaveScriptOption = None,
    shuffle: Annotated[str | None, typer.Option(help="Autoplay: another style every 20s, say, or 1m.")] = None,
    fps: FpsOption = DEFAULT_FPS,
    snapshots: Annotated[Path, typer.Option(help="Folder for snapshots (key s).")] = Path("."),
    seconds: Annotated[float | None, typer.Option(help="End after so many seconds.")] = None,
    record: RecordOption = None,
    virtual_camera: VirtualCameraOption = False,
    http: HttpOption = None,
    http_host: HttpHostOption = "127.0.0.1",
    osc: OscOption = None,
    osc_host: OscHostOption = "127.0.0.1",
    token: TokenOption = None,
    no_window: NoWindowOption = False,
) -> None:
    """Stylize a camera in a window. Press h there for the keys."""
    from livestyle.live.app import in_turn
    from livestyle.live.live_show import LiveOptions, run_show
    from livestyle.live.outputs import OutputOptions, open_outputs
    from livestyle.live.prompter import Prompter
    from livestyle.script.save_script import ScriptSaver
    from livestyle.script.script import Script
    from livestyle.show.presets import Keeper, looks_path
    from livestyle.show.shuffle import Shuffle
    from livestyle.show.tempo import parse_interval
    from livestyle.sinks.window import Window
    from livestyle.sources.camera import shown_url
    from livestyle.sources.open import open_source

    if not 0 <= fade <= 60:
        raise SettingError(f"crossfade time {fade}: choose 0 to 60 seconds")
    hold = rate_hold(fps)
    shuffle_seconds = None if shuffle is None else parse_interval(shuffle)
    setup, painting_size = Setup(engine_options), engine_options.painting_size
    cues = None if script is None else setup.script(script)
    chosen = setup.look(look_options)
    show = setup.show(chosen, fade_seconds=fade, shuffle_seconds=shuffle_seconds)
    prompter = Prompter(setup.encoded_script(cues, show) if cues else Script(()))
    window = None if no_window else Window(f"livestyle - {shown_url(source)}")
    asked = OutputOptions(record, virtual_camera, http, http_host, osc, osc_host, token)
    outputs = open_outputs(asked, snapshots, setup.say)
    options = LiveOptions(
        size=painting_size,
        hold=hold,
        window=window,
        sinks=[prompter.painted],
        outputs=outputs,
        snapshot_dir=snapshots,
        seconds=seconds,
        director=in_turn(prompter, Shuffle(), Keeper(looks_path(), show.looks, setup.bank.called)),
    )
    show = dataclasses.replace(show, styles=setup.bank.names, recording=record is not None)
    with contextlib.ExitStack() as stack:
        if save_script is not None:
            saver = ScriptSaver(
                save_script, chosen, source=shown_url(source), called=setup.bank.called, report=outputs.report
            )
            options = dataclasses.replace(options, on_change=stack.enter_context(saver).note)
        run_show(setup, lambda: open_source(source, pace_files=True, say=outputs.report), show, options)


@with_options(EngineOptions)
def demo(
    engine_options: EngineOptions,
    fps: FpsOption = DEFAULT_FPS,
    out: OutFolderOption = Path("."),
    seconds: Annotated[
        float | None, typer.Option(help="End after so many seconds. Default: until q, or 18 without a display.")
    ] = None,
) -> None:
    """Play a built-in clip as if it were the camera and walk through styles and blends."""
    from livestyle.assets import asset_dir
    from livestyle.live.app import in_turn
    from livestyle.live.demo import HEADLESS_SECONDS, Walk, headless_outputs
    from livestyle.live.live_show import LiveOptions, run_show
    from livestyle.show.presets import Keeper, looks_path
    from livestyle.show.shuffle import Shuffle
    from livestyle.sinks.window import Window, display_problem
    from livestyle.sources.open import open_source

    hold = rate_hold(fps)
    setup = Setup(engine_options)
    show = setup.show(setup.look())
    director = in_turn(Walk(setup.bank.names), Shuffle(), Keeper(looks_path(), show.looks, setup.bank.called))
    options = LiveOptions(
        size=engine_options.painting_size, hold=hold, director=director, snapshot_dir=out, seconds=seconds
    )
    clip = str(asset_dir("media") / "demo.mp4")
    problem = display_problem()
    if not problem:
        setup.say("in the window: h for the keys, q to quit")
        options = dataclasses.replace(options, window=Window("livestyle demo"))
        run_show(setup, lambda: open_source(clip, pace_files=True, say=setup.say), show, options)
        return
    setup.say(f"no display ({problem}): writing livestyle-demo.mp4 and livestyle-demo.png to {out.resolve()}")
    seconds = HEADLESS_SECONDS if seconds is None else seconds
    with headless_outputs(out, seconds) as sinks:
        options = dataclasses.replace(options, sinks=sinks, seconds=seconds)
        run_show(setup, lambda: open_source(clip, pace_files=True, say=setup.say), show, options)
