"""What the scripts call: argument parsing, messages, exit statuses."""
