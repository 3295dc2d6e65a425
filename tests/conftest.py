"""Settings of all tests: no test asserts a duration, so Hypothesis does not either."""

from hypothesis import settings

settings.register_profile("spel", deadline=None)
settings.load_profile("spel")
