"""All that crosses between a student's process and the trusted one, and nothing that decides: records, frames, facts, rows, checkpoints."""
