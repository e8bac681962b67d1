"""One self-contained page of status, history, cost and runs."""
