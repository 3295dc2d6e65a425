"""The studio's latencies, as a person in front of a browser has them."""
