"""Claude Code as it is installed and used here: its settings, its transcripts."""
