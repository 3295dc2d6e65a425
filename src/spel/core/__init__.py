"""Values: adjacencies, windows, kernel banks, detections. NumPy and the standard library only."""
