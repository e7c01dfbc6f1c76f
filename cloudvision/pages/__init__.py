"""Self-contained HTML pages: inline SVG, no script, nothing loaded from elsewhere."""
