"""The business's own rules, free of HTTP, SQL and screens."""
