"""The scenes over HTTP: which there are, and switching between them.

Switching blocks (on the reloader), so it is called off the server's loop.
"""

from __future__ import annotations

from appliance.config.settings.scenes import NO_SCENE
from appliance.config.uris import path_of
from appliance.http.change import CHANGE_S, Alone, through
from appliance.http.schemas import SceneAnswer, ScenesAnswer, SwitchBody, SwitchedAnswer
from appliance.http.site import Site


def scenes(site: Site) -> ScenesAnswer:
    """Those that there are, in the file's order."""
    now = site.reloader.scenes
    return ScenesAnswer(
        active=now.active,
        scenes=[
            SceneAnswer(
                name=scene.name, key=scene.key, dissolve_frames=scene.dissolve_frames,
                active=scene.name == now.active, settings=sorted(scene.settings.written()),
            )
            for scene in now.base.scenes
        ],
    )  # fmt: skip


def is_scene(site: Site, name: str) -> bool:
    """Whether there is a scene of this name; none is one, too."""
    return name == NO_SCENE or any(scene.name == name for scene in site.reloader.scenes.base.scenes)


def scene_with_background(site: Site, name: str) -> str | None:
    """The scene whose background this picture of the folder is; None for none."""
    for scene in site.reloader.scenes.base.scenes:
        uri = scene.settings.written().get("background.uri")
        path = None if uri is None else path_of(uri)
        if path is not None and site.folder.name_of(path) == name:
            return scene.name
    return None


def switch(site: Site, name: str, wanted: SwitchBody) -> SwitchedAnswer:
    """Switch to a scene. Raises NotDone when nothing was changed, TimeoutError when unknown."""
    with Alone(site):
        outcome = through(lambda: site.reloader.switch(name, wanted.dissolve_frames, CHANGE_S))
    return SwitchedAnswer(
        active=site.reloader.scenes.active,
        changed=sorted(outcome.changed),
        dissolve_frames=outcome.dissolve_frames,
        note=outcome.note,
    )
