"""A differential fuzzer: every solver and bound against a judge that shares no code with them."""
