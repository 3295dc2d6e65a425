"""How good is it: figures from answers and truth, with the empty cases stated."""
