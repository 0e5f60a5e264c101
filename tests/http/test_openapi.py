"""The OpenAPI document: stable names for generated clients, whatever the classes are called."""

from __future__ import annotations

from appliance.http.docs import page
from appliance.http.openapi import document
from appliance.http.routes import OPERATIONS

NAMES = [
    "Avatar", "Backgrounds", "Camera", "Change", "Changed", "Checked", "Configuration",
    "ConfigurationFile", "Counters", "Devices", "Display", "Encoder", "Entry", "Event", "Health",
    "Interrupted", "Latency", "Load", "Log", "LogLine", "Mistake", "Output", "OutputEntry",
    "OutputWish", "Outputs", "Picture", "Plate", "PlateWish", "Play", "Problem", "Ready",
    "Recording", "RecordingEntry", "RecordingWish", "Recordings", "Reset", "Saved", "SceneEntry",
    "Scenes", "Section", "Sections", "SectionsChange", "Session", "SessionEntry", "SessionWish",
    "Sessions", "Sound", "SoundChange", "Source", "SourceChoice", "SourceWish", "Speech", "Stage",
    "StageField", "StageTime", "Stages", "StagesChange", "Status", "Switch", "Switched", "Ticket",
    "Turn", "Uploaded",
]  # fmt: skip


def test_schemas_keep_the_names_that_clients_know() -> None:
    schemas = document(OPERATIONS)["components"]["schemas"]
    assert list(schemas) == NAMES
    assert [schema["title"] for schema in schemas.values()] == NAMES


def test_a_stream_says_what_its_parts_are_and_a_turn_is_taken_in() -> None:
    found = document(OPERATIONS)
    stream = found["paths"]["/api/sessions/{id}/events"]["get"]
    assert list(stream["responses"]["200"]["content"]) == ["text/event-stream"]
    assert found["components"]["schemas"]["Event"]["properties"]["kind"]["enum"][0] == "queued"
    speak = found["paths"]["/api/sessions/{id}/speak"]["post"]
    assert list(speak["requestBody"]["content"]) == ["application/json", "audio/wav"]
    turn = speak["responses"]["201"]["content"]["application/json"]["schema"]
    assert turn == {"$ref": "#/components/schemas/Turn"}
    names = [one["operationId"] for path in found["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))


def test_the_manual_has_all_of_it() -> None:
    manual = page(document(OPERATIONS))
    for words in (
        "curl -X POST localhost:8080/api/sessions/ID/voice", "text/event-stream", "audio/pcm",
        'id="type-Event"', 'id="speak"', "captions.vtt",
    ):  # fmt: skip
        assert words in manual
