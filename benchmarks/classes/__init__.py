"""Classes and instances from strokes, beside what others do with the same strokes."""
