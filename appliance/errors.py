"""The exceptions of the appliance.

Every class also derives from the builtin it refines, so a caller that knows nothing of Mattebox
can still write ``except ValueError``. A message says what was found, where, what was expected and
what to do next.
"""

from __future__ import annotations


class MatteboxError(Exception):
    """Base of every error that the appliance raises on purpose."""


class ConfigError(MatteboxError, ValueError):
    """The configuration is wrong: the user's input, exit code 2."""


class InputError(MatteboxError, ValueError):
    """A file, URI, clip or picture that the user named cannot be used: exit code 2."""


class ModelError(InputError):
    """A network or its manifest cannot be used."""


class AvatarError(InputError):
    """An avatar, or one of its clips, cannot be used."""


class VoiceError(MatteboxError, RuntimeError):
    """A voice failed to speak a text: the turn is given up, the avatar idles on."""


class FaceError(MatteboxError, RuntimeError):
    """A face driver failed: its patches are left out, the voice goes on."""


class SourceError(MatteboxError, OSError):
    """A source failed while running; it is retried with back-off."""


class EndOfStream(SourceError):
    """A source that does not loop has delivered its last frame."""


class OutputError(MatteboxError, OSError):
    """An output failed to open, or failed while running; the other outputs carry on."""


class MattingError(MatteboxError, RuntimeError):
    """The network threw, returned NaN, or returned a matte that cannot be right."""


class ThreadDied(MatteboxError, RuntimeError):
    """A thread that must keep running has ended; only a new process can fix that: exit code 1."""


class MissingDependency(MatteboxError, RuntimeError):
    """A required library, GStreamer element or driver is not on this machine."""


class PlanError(ModelError):
    """A TensorRT plan is missing, or is not what its sidecar says: it must not be loaded."""


class BuildError(MatteboxError, RuntimeError):
    """An engine could not be built, or did not pass its gates: exit code 1."""


class FetchError(MatteboxError, OSError):
    """What was to be fetched from the network could not be: exit code 1."""


class StorageError(MatteboxError, OSError):
    """A file of ours could not be written, as on a full disk: exit code 1."""
