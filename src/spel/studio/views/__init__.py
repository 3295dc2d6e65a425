"""What the page shows, as JSON and arrays; each function reads a session and changes nothing."""
