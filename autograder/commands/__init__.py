"""What an instructor or an author types: one file a command."""
