"""Tables of what spel learns, each with seeds, intervals, paired tests and expected figures."""
