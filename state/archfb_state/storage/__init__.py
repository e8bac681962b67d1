"""The memories: SQLite shared by processes, a server shared by machines, and plain memory."""
