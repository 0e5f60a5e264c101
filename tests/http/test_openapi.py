"""The OpenAPI document: stable names for generated clients, whatever the classes are called."""

from __future__ import annotations

from appliance.http.openapi import document
from appliance.http.routes import OPERATIONS

NAMES = [
    "Backgrounds", "Change", "Changed", "Configuration", "Counters", "Encoder", "Entry", "Health",
    "Latency", "Load", "Mistake", "Output", "Picture", "Plate", "PlateWish", "Problem", "Ready",
    "Reset", "SceneEntry", "Scenes", "Sound", "SoundChange", "Source", "Stage", "StageField",
    "StageTime", "Stages", "StagesChange", "Status", "Switch", "Switched", "Uploaded",
]  # fmt: skip


def test_schemas_keep_the_names_that_clients_know() -> None:
    schemas = document(OPERATIONS)["components"]["schemas"]
    assert list(schemas) == NAMES
    assert [schema["title"] for schema in schemas.values()] == NAMES
