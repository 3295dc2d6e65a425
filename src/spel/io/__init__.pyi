"""The public names of the room of files, and where each of them lives."""

from spel.atomic import replacing as replacing, write_bytes as write_bytes, write_text as write_text
from spel.io import (
    annotation as annotation,
    image as image,
    large as large,
    video as video,
)
from spel.io.annotation.annotations import (
    Annotations as Annotations,
    AnnotationWarning as AnnotationWarning,
    ImageBoxes as ImageBoxes,
)
from spel.io.annotation.formats import FORMATS as FORMATS
from spel.io.annotation.image_folder import (
    ImageFolder as ImageFolder,
    match_images as match_images,
)
from spel.io.annotation.labels import (
    read_as as read_as,
    read_coco as read_coco,
    read_labels as read_labels,
    write_as as write_as,
    write_coco as write_coco,
    write_labels as write_labels,
)
from spel.io.annotation.recognize import format_of as format_of
from spel.io.annotation.results import (
    Result as Result,
    parse_line as parse_line,
    read_results as read_results,
    write_results as write_results,
)
from spel.io.annotation.results_writer import ResultsWriter as ResultsWriter
from spel.io.image.header import (
    MAX_PIXELS as MAX_PIXELS,
    ImageInfo as ImageInfo,
    image_range as image_range,
    value_range as value_range,
)
from spel.io.image.isolate import Decoder as Decoder
from spel.io.image.reader import (
    describe as describe,
    read as read,
    read_with_white as read_with_white,
)
from spel.io.image.writer import write as write
from spel.io.json_files import parse_json as parse_json, read_json as read_json
from spel.io.sources import (
    IMAGE_SUFFIXES as IMAGE_SUFFIXES,
    expand as expand,
    natural_key as natural_key,
)

__all__: list[str]
