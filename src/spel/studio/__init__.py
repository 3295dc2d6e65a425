"""The studio: a session of images, strokes and networks, and its page.

`session` holds what a user does and needs no web framework; `web` shows it on 127.0.0.1.
"""
