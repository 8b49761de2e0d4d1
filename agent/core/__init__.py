"""Pure rules: identity, policy, judgement, deviations, redaction, documents. No I/O, no clock, no thread, no log."""
