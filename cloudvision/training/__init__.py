"""Training of local models. Needs the extra `train`; nothing else in the package imports torch."""
