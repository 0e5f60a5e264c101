"""The OpenAPI document: stable names for generated clients, whatever the classes are called."""

from __future__ import annotations

from appliance.http.openapi import document
from appliance.http.routes import OPERATIONS

NAMES = [
    "Backgrounds", "Camera", "Change", "Changed", "Checked", "Configuration",
    "ConfigurationFile", "Counters", "Devices", "Display", "Encoder", "Entry", "Health",
    "Latency", "Load", "Log", "LogLine", "Mistake", "Output", "OutputEntry", "OutputWish",
    "Outputs", "Picture", "Plate", "PlateWish", "Problem", "Ready", "Recording",
    "RecordingEntry", "RecordingWish", "Recordings", "Reset", "Saved", "SceneEntry", "Scenes",
    "Section", "Sections", "SectionsChange", "Sound", "SoundChange", "Source", "SourceChoice",
    "SourceWish", "Stage", "StageField", "StageTime", "Stages", "StagesChange", "Status",
    "Switch", "Switched", "Ticket", "Uploaded",
]  # fmt: skip


def test_schemas_keep_the_names_that_clients_know() -> None:
    schemas = document(OPERATIONS)["components"]["schemas"]
    assert list(schemas) == NAMES
    assert [schema["title"] for schema in schemas.values()] == NAMES
