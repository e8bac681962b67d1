"""The decisions: pure functions of record, event, now and chance."""
