"""spel against test suites that others wrote, taken from their installed packages."""
