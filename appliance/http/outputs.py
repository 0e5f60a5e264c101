"""Outputs added and removed while running; the others are not disturbed."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import structlog
from pydantic import ValidationError

from appliance.config.schemes import OUTPUTS
from appliance.config.secrets import Secret
from appliance.config.settings import OutputSettings, Settings
from appliance.config.settings.outputs import default_outputs
from appliance.config.uris import absolute, scheme_of
from appliance.config.validate import broken
from appliance.config.write_back import Draft, Value, as_written
from appliance.config.write_outputs import with_output, without_output
from appliance.errors import ConfigError, InputError
from appliance.http.change import Alone, NotDone, applied_outputs, carry_out, draft_for
from appliance.http.control_schemas import OutputBody, OutputEntry, OutputsAnswer
from appliance.http.fields import field_of
from appliance.http.permitted import NO_REFERENCE, output_refusal
from appliance.http.site import Site
from appliance.system.redact import redact

_SETTABLE = (bool, int, float, str, Secret)

log = structlog.get_logger(__name__)


class NoSuchOutput(InputError):
    """There is no output of that id."""


def listed(site: Site, note: str | None = None) -> OutputsAnswer:
    """All outputs, and what a new one can be."""
    settings, statuses = site.daemon.settings, site.daemon.statuses()
    extra = {output.uri for output in site.reloader.extra}
    plain = default_outputs()[0]
    return OutputsAnswer(
        outputs=[
            OutputEntry(
                id=identity, uri=redact(status.uri), what=output.what, state=status.state,
                words=redact(status.words), clients=status.clients, recording=output.uri in extra,
            )
            # During a change one may be longer for a moment.
            for (identity, output), status in zip(_named(site, settings), statuses, strict=False)
        ],
        kinds=[scheme.written for scheme in OUTPUTS.all()],
        fields=[
            field_of(key, field, value)
            for key, field in OutputSettings.model_fields.items()
            if key != "uri" and isinstance(value := getattr(plain, key), _SETTABLE)
        ],
        note=note,
    )  # fmt: skip


def _named(site: Site, settings: Settings) -> list[tuple[str, OutputSettings]]:
    """Each output with its id, which tells nothing of a password in its address."""
    seen: Counter[str] = Counter()
    found = []
    for output in settings.outputs:
        digest = hashlib.blake2b(output.uri.encode(), key=site.key, digest_size=6).hexdigest()
        seen[digest] += 1
        found.append((f"{digest}-{seen[digest]}", output))
    return found


def wanted_output(site: Site, body: OutputBody) -> OutputSettings:
    """The output that a request asks for. Raises InputError."""
    uri = body.uri.strip()
    if scheme_of(uri) == "":
        uri = absolute(uri, site.recordings.path)
    for name, value in body.settings.items():
        if isinstance(value, str) and "${" in value:
            raise InputError(f"{name}: {NO_REFERENCE}")
    try:
        output = OutputSettings.model_validate({**body.settings, "uri": uri})
    except ValidationError as error:
        raise InputError(redact("; ".join(broken(error, OutputSettings, "the output")))) from error
    refusal = output_refusal(output.uri, site.places())
    if refusal is not None:
        raise InputError(f"uri: {redact(refusal)}")
    return output


def add(site: Site, output: OutputSettings, *, keep: bool) -> str | None:
    """Add it; returns a note, if there is anything to know. Raises NotDone, TimeoutError."""
    if output.uri.startswith(str(site.recordings.path)):
        site.recordings.make()
    with Alone(site):
        new = _draft_with(site, output) if keep else None
        _, note = carry_out(
            site, lambda now: applied_outputs(now, (*now.outputs, output)), new,
            lambda loaded: _unless(output in loaded.settings.outputs),
        )  # fmt: skip
    log.info("an output was added over HTTP", uri=output.uri, kept=keep)
    return note


def remove(site: Site, identity: str, *, keep: bool) -> str | None:
    """Remove one; returns a note. Raises NoSuchOutput, NotDone, TimeoutError."""
    with Alone(site):
        named = _named(site, site.daemon.settings)
        index = next((i for i, (name, _) in enumerate(named) if name == identity), None)
        if index is None:
            raise NoSuchOutput("there is no such output any more; see /api/outputs")
        output = named[index][1]
        if len(named) == 1:
            raise NotDone(
                "this is the last output, and mattebox ends without any; add another one first"
            )
        new = _draft_without(site, output) if keep else None

        def without(now: Settings) -> Settings:
            left = list(now.outputs)
            if output not in left:
                raise ConfigError("the outputs were changed by somebody else just now; try again")
            # Of several that are alike, it does not matter which.
            left.remove(output)
            return applied_outputs(now, tuple(left))

        _, note = carry_out(
            site,
            without,
            new,
            lambda loaded: _unless(output not in loaded.settings.outputs),
        )
        site.reloader.extra = tuple(one for one in site.reloader.extra if one.uri != output.uri)
    log.info("an output was removed over HTTP", uri=output.uri, kept=new is not None)
    return note


def _unless(as_wanted: bool) -> str | None:
    """The key that a flag or a variable beats, if one does."""
    return None if as_wanted else "outputs"


def _draft_with(site: Site, output: OutputSettings) -> Draft:
    written = _written(output)

    def change(path: Path, text: str) -> str:
        key = "outputs.0.uri"
        item = written | {"uri": as_written(path, {key: output.uri})[key]}
        return with_output(text, item, [_written(one) for one in default_outputs()])

    return draft_for(site, change)


def _draft_without(site: Site, output: OutputSettings) -> Draft | None:
    """The file without it; None where the file does not name it, so that nothing is to be kept."""
    try:
        outputs = site.load().settings.outputs
    except ConfigError as error:
        raise NotDone(f"the file as it is cannot be changed: {error}") from error
    if output not in outputs:
        return None
    index = outputs.index(output)
    return draft_for(site, lambda _, text: without_output(text, index))


def _written(output: OutputSettings) -> dict[str, Value]:
    """The settings that are not as by default."""
    named = {name: getattr(output, name) for name in OutputSettings.model_fields}
    fields = OutputSettings.model_fields
    # No reference, as one is never taken here: the file then holds the secret itself.
    return {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in named.items()
        if name == "uri" or value != fields[name].default
    }
