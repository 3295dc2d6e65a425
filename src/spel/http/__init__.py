"""Limits on what clients of HTTP may send: heads, bodies, connections, and the time for each."""
