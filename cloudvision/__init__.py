"""cloudvision: only vision calls that are worth it, nothing paid twice, one typed answer."""
