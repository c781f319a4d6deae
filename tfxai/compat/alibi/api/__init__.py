"""What an explanation is, and what it holds."""
