"""The errors that the library raises on purpose: one hierarchy, so that a caller can catch ``InkwearError``."""


class InkwearError(Exception):
    """Base class; every message names the input, says what is accepted, and what to do next."""


class ImageError(InkwearError, ValueError):
    """A picture cannot be read.

    Attributes:
        code: the reason, for programs: missing, unreadable, empty, not_a_picture, damaged, too_large or colour_mode.
    """

    def __init__(self, message: str, code: str = "damaged") -> None:
        super().__init__(message)
        self.code = code


class DeviceError(InkwearError, RuntimeError):
    """CUDA was asked for and is not available; the message says why and how to get it."""


class ModelFileError(InkwearError, RuntimeError):
    """A model file cannot be loaded or breaks its contract."""


class ChecksumError(InkwearError, ValueError):
    """A model file differs from what ``SHA256SUMS`` lists, or that list cannot be read."""


class ProtobufError(InkwearError, ValueError):
    """Bytes are not an ONNX file, are cut short, or hold metadata that cannot be read."""


class MetadataError(InkwearError, ValueError):
    """The metadata of a model file is missing, of a newer version or invalid."""


class ForeignModelError(InkwearError, ValueError):
    """A model file of unknown origin did not pass the sandbox."""


class ReportError(InkwearError, ValueError):
    """An export has no report that matches it.

    Attributes:
        code: ``missing``, ``damaged`` or ``other_file``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CorrectionsError(InkwearError, ValueError):
    """Corrections cannot be read or written."""
