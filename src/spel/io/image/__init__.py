"""Still images: read with limits, described from their headers, decoded apart, written."""
